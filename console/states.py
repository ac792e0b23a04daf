"""States: one connection under way each, good for one callback in the browser that began it.

The state itself is only in the addresses between the browser and the provider. The database holds its
hash, and sealed with it the PKCE verifier; the browser holds a cookie that follows from the state, so
that somebody else's callback address, sent to a person, connects nothing (RFC 6749, 10.12).
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from resources.backline import Backline
from resources.database import utc_now
from resources.oauth import new_verifier
from resources.provider import Provider
from resources.tables import OAuthState
from resources.vault import Sealed

LIFETIME = timedelta(minutes=10)
Refusal = Literal["unknown", "expired", "provider", "browser"]


class Begun(msgspec.Struct, frozen=True):
    """What is sealed with a state: who began, the account to be reconnected if any, and the verifier."""

    actor: str
    account_id: uuid.UUID | None = None
    verifier: str = ""

    def __repr__(self) -> str:
        return f"Begun(account_id={self.account_id})"


@dataclass(frozen=True)
class Pending:
    """A connection that came back from the provider; its state is used up."""

    state_hash: str
    org_slug: str
    begun: Begun


class StateError(Exception):
    """A callback's state is refused; ``reason`` says why."""

    def __init__(self, reason: Refusal) -> None:
        self.reason: Refusal = reason
        super().__init__(f"The state of the callback is refused: {reason}.")


def hash_of(state: str) -> str:
    """Return the name under which a state is stored."""
    return hashlib.sha256(state.encode()).hexdigest()


def cookie_name(state: str) -> str:
    """Return the name of the state's cookie; several connections may be under way in one browser."""
    return f"backline_connect_{hash_of(state)[:8]}"


def cookie_value(state: str) -> str:
    """Return what the browser that began must hold; it tells nothing of the state."""
    return hashlib.sha256(b"browser\0" + state.encode()).hexdigest()


def begin(backline: Backline, provider: Provider, org_slug: str, begun: Begun) -> tuple[str, str]:
    """Store a new state; return it and the PKCE verifier, both secrets."""
    state, begun = secrets.token_urlsafe(32), msgspec.structs.replace(begun, verifier=new_verifier())
    state_hash, now = hash_of(state), utc_now()
    sealed = backline.vault.seal(msgspec.json.encode(begun), _subject(state_hash))
    values = {"state_hash": state_hash, "provider": provider.name, "org_slug": org_slug}
    with backline.database.write() as connection:
        connection.execute(sa.delete(OAuthState).where(OAuthState.expires_at < now - LIFETIME))
        connection.execute(
            sa.insert(OAuthState).values(
                **values,
                sealed=sealed.value,
                key_id=sealed.key_id,
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
    return state, begun.verifier


def take(backline: Backline, provider: Provider, state: str, cookie: str) -> Pending:
    """Use a state up; raise ``StateError`` where it is not good here, and leave it to whom it belongs."""
    state_hash = hash_of(state)
    found = sa.select(OAuthState.provider).where(OAuthState.state_hash == state_hash)
    with backline.database.read() as connection:
        owner = connection.execute(found).scalar_one_or_none()
    if owner is None:
        raise StateError("unknown")
    if owner != provider.name:
        raise StateError("provider")
    if not hmac.compare_digest(cookie.encode(), cookie_value(state).encode()):
        raise StateError("browser")
    row = _delete(backline, state_hash)
    if row is None:
        raise StateError("unknown")
    if row.expires_at <= utc_now():
        raise StateError("expired")
    plain = backline.vault.unseal(Sealed(row.sealed, row.key_id), _subject(state_hash))
    return Pending(state_hash, row.org_slug, msgspec.json.decode(plain, type=Begun))


def _delete(backline: Backline, state_hash: str) -> sa.Row[Any] | None:
    """Delete a state; of several callbacks at once only one gets it."""
    columns: tuple[Any, ...] = (
        OAuthState.org_slug,
        OAuthState.sealed,
        OAuthState.key_id,
        OAuthState.expires_at,
    )
    statement = sa.delete(OAuthState).where(OAuthState.state_hash == state_hash).returning(*columns)
    with backline.database.write() as connection:
        return connection.execute(statement).one_or_none()


def _subject(state_hash: str) -> str:
    return f"oauth_states/{state_hash}"
