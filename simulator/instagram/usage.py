"""How much of its call budgets the app has used: rolling counts, and the headers that tell of them."""

from __future__ import annotations

import math
from collections import deque

from simulator.exchange import encode
from simulator.instagram import errors
from simulator.instagram.errors import Headers
from simulator.instagram.ids import user_id
from simulator.instagram.state import Mode
from simulator.mixing import mix

HOUR_SECONDS, DAY_SECONDS = 3_600, 86_400
SILENT_EVERY = 4  # of replies, every so many tells nothing of usage
FULL = 100  # percent


class RollingCount:
    """Counts calls in the last ``window_seconds``, in steps of a sixtieth of it."""

    def __init__(self, window_seconds: int) -> None:
        self.step_seconds = window_seconds / 60
        self.steps: deque[tuple[int, int]] = deque()
        self.total = 0

    def add(self, now: float) -> None:
        """Count one call."""
        step = int(now / self.step_seconds)
        last, count = self.steps.pop() if self.steps else (step, 0)
        if last != step:
            self.steps.append((last, count))
            count = 0
        self.steps.append((step, count + 1))
        self.total += 1

    def seen(self, now: float) -> int:
        """Return how many calls the window holds."""
        oldest = int(now / self.step_seconds) - 60
        while self.steps and self.steps[0][0] <= oldest:
            self.total -= self.steps.popleft()[1]
        return self.total

    def minutes_until_below(self, budget: int, now: float) -> int:
        """Return the whole minutes until another call is within the budget."""
        left = self.seen(now)
        for step, count in self.steps:
            left -= count
            if left < budget:
                return max(1, math.ceil(((step + 61) * self.step_seconds - now) / 60))
        return 0


class Usage:
    """The app's calls in an hour, and each account's in a day."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.app = RollingCount(HOUR_SECONDS)
        self.accounts: dict[int, RollingCount] = {}
        self.calls = 0

    def admit(self, account: int, now: float) -> None:
        """Count a call; raise ``Refused`` (4, 17) where a budget is used up. Refused calls do not count."""
        calls = self.accounts.setdefault(account, RollingCount(DAY_SECONDS))
        if self.app.seen(now) >= self.mode.app_calls_per_hour:
            raise errors.too_many_of_app((self._app_header(now),))
        if calls.seen(now) >= self.mode.calls_per_day:
            minutes = calls.minutes_until_below(self.mode.calls_per_day, now)
            percent = FULL + 1 + FULL * (calls.seen(now) - self.mode.calls_per_day) // self.mode.calls_per_day
            raise errors.too_many_of_account((account_header(account, percent, minutes),))
        self.app.add(now)
        calls.add(now)
        self.calls += 1

    def headers(self, account: int, now: float) -> Headers:
        """Return the headers of a reply; every fourth has none, as not all of Instagram's have."""
        if self.calls % SILENT_EVERY == 0:
            return ()
        used = self.accounts[account].seen(now) * FULL // self.mode.calls_per_day
        return self._app_header(now), account_header(account, used, 0)

    def _app_header(self, now: float) -> tuple[str, str]:
        seen, budget = self.app.seen(now), self.mode.app_calls_per_hour
        return app_header(seen * FULL // budget + (seen >= budget))


def app_header(percent: int) -> tuple[str, str]:
    """Return the app's usage; all values are percentages."""
    body = {"call_count": percent, "total_cputime": percent // 3, "total_time": percent // 2}
    return "x-app-usage", encode(body).decode()


def account_header(account: int, percent: int, regain_minutes: int) -> tuple[str, str]:
    """Return an account's usage, under its professional id; the last value is in minutes."""
    usage = {
        "type": "instagram",
        "call_count": percent,
        "total_cputime": mix(223, percent) % (percent // 2 + 1),
        "total_time": percent // 2,
        "estimated_time_to_regain_access": regain_minutes,
    }
    return "x-business-use-case-usage", encode({user_id(account): [usage]}).decode()
