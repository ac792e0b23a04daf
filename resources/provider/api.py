"""What a declaration says of a provider's API: where it is, how much it takes, what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from resources.errors import (
    ContractChanged,
    Gone,
    GrantExpired,
    PermissionMissing,
    ProviderError,
    RateLimited,
    Transient,
)

MAIN_BUCKET = "main"


@dataclass(frozen=True)
class Limit:
    """At most ``requests`` in any ``seconds``, counted for the whole app."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read ``requests/seconds``."""
        requests, _, seconds = text.partition("/")
        return cls(int(requests), int(seconds))


@dataclass(frozen=True)
class Quota:
    """What an app may spend a day, in the provider's units, each request one unit of its bucket.

    ``buckets`` are the units a day by bucket, ``main`` among them; the day begins at midnight in ``zone``.
    ``manual_share`` of each is left to what a person asks for.
    """

    buckets: Mapping[str, int]
    zone: str
    manual_share: float = 0.1

    def day(self, now: datetime) -> date:
        """Return the day that spending at ``now`` counts to."""
        return now.astimezone(ZoneInfo(self.zone)).date()

    def began(self, now: datetime) -> datetime:
        """Return when the day of ``now`` began, in UTC."""
        return self._midnight(self.day(now))

    def reset(self, now: datetime) -> datetime:
        """Return when the next day begins, in UTC."""
        return self._midnight(self.day(now) + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


@dataclass(frozen=True)
class Fault:
    """What an error reply means; the first whose every given mark fits, counts.

    ``status`` fits an HTTP status or, as ``4`` or ``5``, its hundreds. ``reason`` fits when it is the
    reply's own, or its first words: ``190`` fits ``190/463``. ``message`` fits when the reply's contains it.
    """

    means: type[ProviderError]
    status: int | None = None
    reason: str = ""
    message: str = ""

    def fits(self, status: int, reason: str, message: str) -> bool:
        """Say whether an error reply bears all the marks of this fault."""
        return (
            self.status in {None, status, status // 100}
            and (not self.reason or f"{reason}/".startswith(f"{self.reason}/"))
            and self.message.lower() in message.lower()
        )


COMMON_FAULTS = (
    Fault(GrantExpired, status=401),
    Fault(PermissionMissing, status=403),
    Fault(Gone, status=404),
    Fault(Gone, status=410),
    Fault(Transient, status=408),
    Fault(RateLimited, status=429),
    Fault(Transient, status=5),
    Fault(ContractChanged),
)


@dataclass(frozen=True)
class UsageHeaders:
    """Reply headers that say how much of a limit is used, as JSON with percentages (Meta's form).

    ``app`` counts for the whole app, ``account`` for the account that asked; its
    ``estimated_time_to_regain_access`` is in minutes.
    """

    app: str
    account: str


@dataclass(frozen=True)
class Api:
    """Where the API is, how much it takes, and what its errors mean.

    ``hosts`` are its further bases by name. ``error_reason`` names the places whose values, joined by
    ``/``, are an error's reason. ``key_header`` carries an API key, where the provider has such.
    """

    base: str
    limit: Limit
    faults: tuple[Fault, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    quota: Quota | None = None
    quota_wait: timedelta = timedelta(hours=1)
    usage: UsageHeaders | None = None
    key_header: str = ""
    error_message: str = "error.message"
    error_reason: tuple[str, ...] = ("error.reason",)

    def fault_of(self, status: int, reason: str, message: str) -> type[ProviderError]:
        """Return the meaning of an error reply."""
        return next(
            fault.means for fault in (*self.faults, *COMMON_FAULTS) if fault.fits(status, reason, message)
        )

    def quota_reset(self, now: datetime) -> datetime:
        """Return when a spent quota is answered again, where the refusal does not say."""
        return now + self.quota_wait if self.quota is None else self.quota.reset(now)
