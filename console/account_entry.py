"""One account as the console shows it: its state, what is wrong with it, and the cure."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from resources.endings import cure_of, end_of
from resources.errors import ProviderError
from resources.provider import Provider
from resources.providers import PROVIDERS

Level = Literal["bad", "note", "warn"]
WORST_FIRST: tuple[Level, ...] = ("bad", "warn", "note")
STATES = {"connected": "Connected", "needs_reconnect": "Needs reconnect", "disconnected": "Disconnected"}
RECONNECT = "Reconnect the account; what is stored of it stays."


class Trouble(NamedTuple):
    """One thing that is wrong: what, why, and what to do."""

    level: Level
    what: str
    cause: str
    cure: str


def _kinds(root: type[ProviderError]) -> Iterator[type[ProviderError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _kinds(kind)


KINDS = tuple(_kinds(ProviderError))


def explained(provider: str, error_type: str | None, message: str | None) -> tuple[str, str]:
    """Split a stored message, which begins with its provider and ends with its cure, into cause and cure."""
    if not message:
        return "", ""
    message = message.removeprefix(f"{provider}: ")
    if message.startswith(f"{provider} at "):
        message = message.replace(f"{provider} at", "At", 1)
    ending = next((kind.cure for kind in KINDS if message.endswith(kind.cure)), None)
    if ending is not None:
        return message.removesuffix(ending).strip(), ending
    return message, next((kind.cure for kind in KINDS if kind.code == error_type), "")


@dataclass(frozen=True)
class AccountEntry:
    """An account, its org's slug and the times of its grant; no secret."""

    id: uuid.UUID
    org: str
    provider: Provider
    external_id: str
    display_name: str
    status: str
    sync_status: str
    last_sync_at: datetime | None
    error_type: str | None
    error_message: str | None
    created_at: datetime
    retry_at: datetime | None
    authorized_at: datetime | None
    ends_at: datetime | None
    expires_at: datetime | None
    scopes: tuple[str, ...]
    now: datetime

    @classmethod
    def of(cls, row: sa.Row[Any], now: datetime) -> "AccountEntry":
        """Read a row of :func:`console.account_list.entries_query`."""
        values = row._asdict()
        provider, scopes = PROVIDERS[values.pop("provider")], tuple(values.pop("scopes") or ())
        return cls(**values, provider=provider, scopes=scopes, now=now)

    @property
    def state(self) -> str:
        """The state in words."""
        return STATES[self.status]

    @property
    def authorization_ends_at(self) -> datetime | None:
        """When a person must have consented again; ``None`` where that is never, or already needed."""
        return end_of(self.provider, self) if self.status == "connected" else None

    @property
    def ending(self) -> Level | None:
        """Whether the authorization ends soon (``warn``) or has ended (``bad``)."""
        ends_at = self.authorization_ends_at
        if ends_at is None or ends_at - self.now > self.provider.oauth.announce:
            return None
        return "bad" if ends_at <= self.now else "warn"

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """Permissions that Backline asks for and the person did not give."""
        if self.status != "connected" or not self.scopes:
            return ()
        return tuple(scope for scope in self.provider.oauth.scopes if scope not in self.scopes)

    @property
    def reconnected_since(self) -> bool:
        """Whether the failed sync is older than the consent: connecting clears the error alone."""
        return self.sync_status == "failed" and not self.error_message

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What is wrong, the worst first."""
        if self.status == "disconnected":
            return ()
        found = (self._grant_trouble(), self._sync_trouble(), self._scope_trouble())
        return tuple(
            sorted((trouble for trouble in found if trouble), key=lambda one: WORST_FIRST.index(one.level))
        )

    def _grant_trouble(self) -> Trouble | None:
        title = self.provider.title
        if self.status == "needs_reconnect":
            cause, _ = explained(self.provider.name, self.error_type, self.error_message)
            return Trouble(
                "bad", "Needs reconnect", cause or f"{title} no longer accepts the grant.", RECONNECT
            )
        if self.ending == "bad":
            return Trouble("bad", "Authorization ended", f"{title} asks for consent anew.", RECONNECT)
        if self.ending == "warn":
            cause = f"{title} wants its owner's consent again by then."
            cure = f"Reconnect before; syncs go on meanwhile. {cure_of(self.provider, self)}".strip()
            return Trouble("warn", "Authorization ends soon", cause, cure)
        return None

    def _sync_trouble(self) -> Trouble | None:
        if (
            self.status != "connected"
            or self.sync_status not in {"failed", "partial"}
            or self.reconnected_since
        ):
            return None
        cause, cure = explained(self.provider.name, self.error_type, self.error_message)
        if self.sync_status == "failed":
            return Trouble("bad", "Last sync failed", cause, cure)
        return Trouble(
            "warn",
            "Last sync was partial",
            cause or "Some streams or items were left out; the rest is stored.",
            cure or "The run in Dagster names what was left out.",
        )

    def _scope_trouble(self) -> Trouble | None:
        if not self.missing_scopes:
            return None
        return Trouble(
            "note",
            "Permissions were not given",
            f"Not granted: {', '.join(self.missing_scopes)}. Streams that need them stay empty.",
            "Reconnect and leave all permissions ticked.",
        )
