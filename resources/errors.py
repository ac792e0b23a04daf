"""Every error Backline raises on purpose, in one tree.

BacklineError
├── InputRefused            a person or program gave us something we cannot take
│   └── SettingMissing      a setting that this command needs is not there
├── SealBroken              a sealed value does not open
├── N8nError                n8n, or the way to it, said no
├── EventInvalid            an event is not what its schema promises
└── ProviderError           a provider, or the way to it, said no
    ├── GrantExpired        a person must reconnect the account
    ├── AppRefused          the app's own credentials are missing or wrong
    ├── PermissionMissing   this account may not read this
    │   └── ScopeMissing    the grant lacks a scope
    ├── ParkingError        the app must wait until a known time
    │   ├── QuotaExhausted  its quota is spent
    │   │   └── BudgetSpent  what it may spend without a person is spent
    │   └── RateLimited     it must slow down
    ├── BucketSpent         one part of its quota is spent
    ├── AccountThrottled    this account must wait until a known time
    ├── Transient           worth another try
    ├── ContractChanged     the reply is not what the provider promises
    │   └── PartRefused     a part of what was asked for is not to be had so
    ├── Gone                the thing asked for no longer exists
    └── Unexpected          a fault of Backline itself, met while syncing one account

Each class is a fault, its attributes are the evidence, its message names the next step.
No message holds a token, a secret or a paging address.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class BacklineError(Exception):
    """The root of what Backline raises on purpose."""


class InputRefused(BacklineError):
    """A value was refused; the message names its field and the cure."""

    def __init__(self, field: str, problem: str, cure: str) -> None:
        self.field, self.problem, self.cure = field, problem, cure
        super().__init__(f"{field}: {problem}; {cure}")


class SettingMissing(InputRefused):
    """A setting that is needed here is not set."""

    def __init__(self, name: str, purpose: str, cure: str | None = None) -> None:
        self.name = name
        super().__init__(
            name, f"is not set, but is needed for {purpose}", cure or f"set {name} in the environment or .env"
        )


class EventInvalid(BacklineError):
    """An event is not what its schema promises to n8n; a fault of Backline itself."""

    def __init__(self, event_type: str, path: str, rule: str) -> None:
        self.event_type, self.path, self.rule = event_type, path, rule
        super().__init__(
            f"An event {event_type} breaks its own schema at {path} ({rule}) and was not written; "
            "please report this with the line above it in the log."
        )


class SealBroken(BacklineError):
    """A sealed value cannot be opened: its key is missing, or it belongs to another row."""

    def __init__(self, subject: str, problem: str, cure: str) -> None:
        self.subject = subject
        super().__init__(f"The sealed value of {subject} does not open: {problem}; {cure}")


class N8nError(BacklineError):
    """n8n's API, or the way to it, said no; ``status`` is None where there was no answer."""

    def __init__(self, url: str, cause: str, cure: str, *, status: int | None = None) -> None:
        self.url, self.cause, self.cure, self.status = url, cause, cure, status
        super().__init__(f"n8n at {url} {cause}; {cure}")


class ProviderError(BacklineError):
    """A provider, or the way to it, said no.

    ``code`` is the word stored in ``sync_results.error_type`` and sent in events. ``whole_account``
    says that the account's other streams would fail alike, ``whole_provider`` that the app's other
    accounts would.
    """

    code: ClassVar[str] = "provider"
    cure: ClassVar[str] = "See the provider's page in the docs."
    whole_account: ClassVar[bool] = False
    whole_provider: ClassVar[bool] = False

    def __init__(self, provider: str, problem: str, *, status: int | None = None, path: str = "") -> None:
        self.provider, self.problem, self.status, self.path = provider, problem, status, path
        where = f" at {path}" if path else ""
        super().__init__(f"{provider}{where}: {problem}. {self.cure}")


def _until(problem: str, moment: datetime) -> str:
    return f"{problem} until {moment:%Y-%m-%d %H:%M:%S} UTC"


class GrantExpired(ProviderError):
    """The provider no longer accepts the account's grant; a person must reconnect it."""

    code = "grant_expired"
    cure = "Reconnect the account in the console."
    whole_account = True


class AppRefused(ProviderError):
    """The provider does not know the app, so that no grant of any account can be renewed."""

    code = "app"
    cure = "Copy the client id and secret anew from the provider's developer console."
    whole_account = True


class PermissionMissing(ProviderError):
    """The grant is good but does not allow this: an allowlist, an approval or the owner is missing."""

    code = "permission"
    cure = "Give this account access in the provider's developer console, or leave the stream out."


class ScopeMissing(PermissionMissing):
    """The grant lacks a scope that this stream needs."""

    cure = "Reconnect the account in the console and leave all permissions ticked."


class ParkingError(ProviderError):
    """The app must wait; ``retry_at`` says until when."""

    whole_account = True
    whole_provider = True

    def __init__(
        self, provider: str, problem: str, *, retry_at: datetime, status: int | None = None, path: str = ""
    ) -> None:
        self.retry_at, self.reason = retry_at, problem
        super().__init__(provider, _until(problem, retry_at), status=status, path=path)


class QuotaExhausted(ParkingError):
    """The app's quota is spent; nothing will be answered before ``retry_at``."""

    code = "quota"
    cure = "Wait for the reset, or ask the provider for more quota; syncs go on by themselves then."


class BudgetSpent(QuotaExhausted):
    """What schedules may spend of the quota is spent; the provider was not asked."""

    cure = "Nothing is wrong: the next syncs begin with the accounts that wait. A person may sync more."


class RateLimited(ParkingError):
    """The app must slow down for longer than a run should sleep."""

    code = "rate"
    cure = "Wait; syncs go on by themselves after that time."


class BucketSpent(ProviderError):
    """One bucket of the quota is spent; the streams that are paid from it wait, the others do not."""

    code = "bucket"
    cure = "Wait for the reset; the next sync reads the stream then."


class AccountThrottled(ProviderError):
    """The provider wants no more requests for this account; the next is made after ``retry_at``."""

    code = "throttled"
    cure = "Wait; its syncs go on by themselves after that time."
    whole_account = True

    def __init__(
        self, provider: str, problem: str, *, retry_at: datetime, status: int | None = None, path: str = ""
    ) -> None:
        self.retry_at = retry_at
        super().__init__(provider, _until(problem, retry_at), status=status, path=path)


class Transient(ProviderError):
    """A fault of the network or of the provider's servers that another try may not meet."""

    code = "transient"
    cure = "The next sync tries again; if it lasts, look at the provider's status page."


class ContractChanged(ProviderError):
    """The reply is not what the provider promises."""

    code = "contract"
    cure = "Compare the provider's changelog with the stream's declaration."


class PartRefused(ContractChanged):
    """Of several things asked for at once, at least one is not to be had; the others are asked for alone."""


class Gone(ProviderError):
    """The thing asked for does not exist, or no longer."""

    code = "gone"
    cure = (
        "Remove its id from the account's configuration, or check that it is spelled as the provider has it."
    )


class Unexpected(ProviderError):
    """A fault of Backline itself, met while syncing one account; the others go on."""

    code = "internal"
    cure = "The run's log has the traceback; report it."
    whole_account = True
