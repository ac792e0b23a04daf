"""API tokens: programs that act for a person, with a scope and no more rights than the person has now."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.database import AnyRow, Database, utc_now
from resources.errors import InputRefused
from resources.people.proofs import hash_of, new_proof
from resources.people.roles import Scope, cap_of
from resources.people.sessions import NOTED_EVERY, OF_USER, Holder, with_roles
from resources.people.users import rights_of
from resources.tables import ApiToken, User

PREFIX = "backline_"
LONGEST_NAME, LONGEST_DAYS, MOST, SHOWN_ENDING = 80, 3650, 50, 4
SHOWN: tuple[Any, ...] = (
    *(ApiToken.id, ApiToken.name, ApiToken.scopes, ApiToken.ending, ApiToken.created_at),
    *(ApiToken.expires_at, ApiToken.last_used_at, ApiToken.revoked_at),
)


def make(
    connection: sa.Connection, actor: Holder, name: str, scopes: Sequence[str], days: int | None
) -> tuple[uuid.UUID, str]:
    """Make a token that lasts ``days``, or until it is revoked; return its id and the token, a secret."""
    name, wanted = name.strip(), [scope.value for scope in Scope if scope.value in scopes]
    _check(connection, actor, name, wanted, set(scopes) - set(wanted), days)
    token, number, now = new_proof(PREFIX), uuid.uuid4(), utc_now()
    connection.execute(
        sa.insert(ApiToken).values(
            id=number,
            token_hash=hash_of(token),
            user_id=actor.user_id,
            name=name,
            scopes=wanted,
            ending=token[-SHOWN_ENDING:],
            created_at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
    )
    audit.record(connection, actor.name, "token.made", f"api_tokens/{number}", name=name, scopes=wanted)
    return number, token


def _check(  # noqa: PLR0913, PLR0917  # all that is typed
    connection: sa.Connection,
    actor: Holder,
    name: str,
    wanted: Sequence[str],
    unknown: set[str],
    days: int | None,
) -> None:
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputRefused("name", "is empty or too long", f"say in {LONGEST_NAME} characters what it is for")
    if unknown or not wanted:
        raise InputRefused("scopes", "names none, or one that is unknown", f"use some of {', '.join(Scope)}")
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise InputRefused("days", f"{days} is out of range", f"use 1 to {LONGEST_DAYS}, or none")
    held = sa.select(sa.func.count()).select_from(ApiToken).where(ApiToken.user_id == actor.user_id)
    if connection.execute(held.where(ApiToken.revoked_at.is_(None))).scalar_one() >= MOST:
        raise InputRefused("tokens", f"{MOST} are in use", "revoke those that are not needed")


def find(database: Database, token: str) -> tuple[Holder, frozenset[str]] | None:
    """Return for whom a token acts and its scopes; ``None`` for one that is unknown, revoked or expired."""
    now = utc_now()
    query = sa.select(ApiToken.id, ApiToken.scopes, ApiToken.last_used_at, *OF_USER)
    query = with_roles(query.join(User, User.id == ApiToken.user_id)).where(
        ApiToken.token_hash == hash_of(token),
        ApiToken.revoked_at.is_(None),
        sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
        User.disabled_at.is_(None),
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    if not rows:
        return None
    first = rows[0]
    if first.last_used_at is None or now - first.last_used_at >= NOTED_EVERY:
        with database.write_lightly() as connection:
            connection.execute(sa.update(ApiToken).where(ApiToken.id == first.id).values(last_used_at=now))
    rights = rights_of(rows).capped(cap_of(first.scopes))
    return Holder(first.id, first.user_id, first.name, rights), frozenset(first.scopes)


def listed(connection: sa.Connection, user_id: uuid.UUID) -> Sequence[AnyRow]:
    """Return a user's tokens that are not revoked, the newest first."""
    query = sa.select(*SHOWN).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return connection.execute(query.order_by(ApiToken.created_at.desc())).all()


def revoke(connection: sa.Connection, actor: Holder, token_id: uuid.UUID) -> bool:
    """Revoke one of somebody's own tokens; say whether there was such."""
    mine = sa.update(ApiToken).where(
        ApiToken.id == token_id, ApiToken.user_id == actor.user_id, ApiToken.revoked_at.is_(None)
    )
    if connection.execute(mine.values(revoked_at=utc_now())).rowcount != 1:
        return False
    audit.record(connection, actor.name, "token.revoked", f"api_tokens/{token_id}")
    return True
