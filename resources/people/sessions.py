"""Sessions: browsers that are logged in, until they are idle for too long, at their end, or revoked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.database import AnyRow, Database, utc_now
from resources.people.proofs import hash_of, new_proof
from resources.people.roles import Rights
from resources.people.users import rights_of
from resources.settings import Settings
from resources.tables import Org, Session, User, UserRole

NOTED_EVERY = timedelta(minutes=1)
LONGEST_BROWSER = 200
OF_USER: tuple[Any, ...] = (User.id.label("user_id"), User.name, UserRole.role, UserRole.org_id, Org.slug)


@dataclass(frozen=True)
class Holder:
    """Who holds a session or a token, and with what rights; ``id`` is the session's or token's own."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    rights: Rights


def open_session(
    connection: sa.Connection, settings: Settings, user: AnyRow, address: str, browser: str
) -> str:
    """Log a browser in; return the session's proof, a secret for its cookie."""
    proof, now = new_proof(), utc_now()
    connection.execute(sa.delete(Session).where(_ended(settings, now)))
    connection.execute(
        sa.insert(Session).values(
            id=uuid.uuid4(),
            token_hash=hash_of(proof),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            ends_at=now + timedelta(hours=settings.session_hours),
            address=address,
            browser=browser[:LONGEST_BROWSER],
        )
    )
    connection.execute(sa.update(User).where(User.id == user.id).values(last_login_at=now))
    audit.record(connection, user.name, "user.logged_in", f"users/{user.name}", address=address)
    return proof


def _ended(settings: Settings, now: datetime) -> sa.ColumnElement[bool]:
    idle = timedelta(hours=settings.session_idle_hours)
    return sa.or_(Session.ends_at <= now, Session.last_seen_at <= now - idle)


def with_roles(query: sa.Select[Any]) -> sa.Select[Any]:
    """Add the roles of a query's users, a row each."""
    return query.outerjoin(UserRole, UserRole.user_id == User.id).outerjoin(Org, Org.id == UserRole.org_id)


def find(database: Database, settings: Settings, proof: str, *, acts: bool) -> Holder | None:
    """Return who holds a session that has not ended; ``acts`` says that a person did something just now."""
    now = utc_now()
    query = sa.select(Session.id, Session.last_seen_at, *OF_USER).join(User, User.id == Session.user_id)
    query = with_roles(query).where(
        Session.token_hash == hash_of(proof), User.disabled_at.is_(None), sa.not_(_ended(settings, now))
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    if not rows:
        return None
    first = rows[0]
    if acts and now - first.last_seen_at >= NOTED_EVERY:
        with database.write_lightly() as connection:
            connection.execute(sa.update(Session).where(Session.id == first.id).values(last_seen_at=now))
    return Holder(first.id, first.user_id, first.name, rights_of(rows))


def listed(connection: sa.Connection, settings: Settings, user_id: uuid.UUID) -> Sequence[AnyRow]:
    """Return a user's sessions, the last used first."""
    shown = (Session.id, Session.created_at, Session.last_seen_at, Session.ends_at)
    query = sa.select(*shown, Session.address, Session.browser).where(Session.user_id == user_id)
    query = query.where(sa.not_(_ended(settings, utc_now())))
    return connection.execute(query.order_by(Session.last_seen_at.desc())).all()


def forget(connection: sa.Connection, proof: str) -> None:
    """End the session that a browser held before it logs in again."""
    connection.execute(sa.delete(Session).where(Session.token_hash == hash_of(proof)))


def revoke(connection: sa.Connection, actor: Holder, session_id: uuid.UUID) -> bool:
    """End one of somebody's own sessions; say whether there was such."""
    mine = sa.delete(Session).where(Session.id == session_id, Session.user_id == actor.user_id)
    if connection.execute(mine).rowcount != 1:
        return False
    action = "user.logged_out" if session_id == actor.id else "session.revoked"
    audit.record(connection, actor.name, action, f"users/{actor.name}", session=str(session_id))
    return True


def revoke_others(connection: sa.Connection, actor: Holder) -> int:
    """End all of somebody's own sessions but the one in use; return how many."""
    others = sa.delete(Session).where(Session.user_id == actor.user_id, Session.id != actor.id)
    count = connection.execute(others).rowcount
    if count:
        audit.record(connection, actor.name, "session.revoked", f"users/{actor.name}", sessions=count)
    return count
