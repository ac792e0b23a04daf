"""What a site's robots.txt lets us visit, and how slowly; RFC 9309, read by ``protego``."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from resources.reading.verdict import Outcome, Refusal

PRODUCT = "Backline"
LARGEST_BYTES = 500 * 1024
"""What a crawler must read at least (RFC 9309, 2.5); nobody's is longer."""
KEPT_SECONDS, KEPT_WHERE_UNREACHABLE_SECONDS = 86_400, 300
LONGEST_DELAY_SECONDS = 60.0


@dataclass(frozen=True)
class Ruling:
    """Whether an address may be visited, and the least pause that the site asks for, in seconds."""

    refusal: Refusal | None = None
    delay_seconds: float = 0.0


@dataclass(frozen=True)
class RobotsFile:
    """What came of asking for a robots.txt; no ``status`` where no answer came."""

    status: int | None
    text: str = ""

    @property
    def is_unreachable(self) -> bool:
        """Whether the site is out of order, which forbids visits for now (RFC 9309, 2.3.1.4)."""
        return self.status is None or self.status >= 500  # noqa: PLR2004  # server's fault


Fetch = Callable[[str], Awaitable[RobotsFile]]


class Robots:
    """Asks each origin's robots.txt once a day.

    A 4xx allows everything (2.3.1.3), but for 429. A site that is out of order forbids everything for now:
    that is ``timed_out``, not ``blocked``, since nobody decided against us; it is asked again after minutes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._kept: dict[str, tuple[float, RobotsFile, Protego]] = {}

    async def ruling(self, url: str, fetch: Fetch) -> Ruling:
        """Return whether an address may be visited; ``fetch`` asks for the file, following redirects."""
        file, rules = await self._rules(url, fetch)
        if file.is_unreachable:
            found = "is not to be had" if file.status is None else f"answered {file.status}"
            detail = f"The site's robots.txt {found}, which forbids visits for now (RFC 9309)."
            return Ruling(Refusal(Outcome.TIMED_OUT, detail))
        if file.status == 429:  # noqa: PLR2004  # too many requests
            return Ruling(Refusal(Outcome.BLOCKED, "The site answered 429 to the request for robots.txt."))
        if not rules.can_fetch(url, PRODUCT):
            return Ruling(Refusal(Outcome.BLOCKED, "The site's robots.txt forbids this page."))
        delay = rules.crawl_delay(PRODUCT) or 0.0
        return Ruling(delay_seconds=min(float(delay), LONGEST_DELAY_SECONDS))

    async def _rules(self, url: str, fetch: Fetch) -> tuple[RobotsFile, Protego]:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        async with self._locks[origin]:
            until, file, rules = self._kept.get(origin, (0.0, RobotsFile(None), Protego.parse("")))
            if until <= self._clock():
                file = await fetch(f"{origin}/robots.txt")
                rules = Protego.parse(file.text if file.status == 200 else "")  # noqa: PLR2004
                asks_again = file.is_unreachable or file.status == 429  # noqa: PLR2004
                kept = KEPT_WHERE_UNREACHABLE_SECONDS if asks_again else KEPT_SECONDS
                self._kept[origin] = (self._clock() + kept, file, rules)
        return file, rules
