"""When an event that was not taken is tried again."""

from __future__ import annotations

RETRY_SECONDS = (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200, 86_400)
JITTER = 0.2
LONGEST_RETRY_AFTER_SECONDS = 86_400


def retry_wait(retries: int, retry_after: float | None, chance: float) -> float | None:
    """Return the seconds until the next attempt after ``retries`` failures, ``None`` where there is none.

    ``chance`` (0 to 1) spreads the waits by a fifth either way; a longer ``Retry-After`` counts.
    """
    if retries > len(RETRY_SECONDS):
        return None
    wait = RETRY_SECONDS[retries - 1] * (1 + JITTER * (2 * chance - 1))
    return max(wait, min(retry_after or 0.0, LONGEST_RETRY_AFTER_SECONDS))
