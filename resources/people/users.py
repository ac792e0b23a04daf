"""Users: added, listed, given roles and passwords, disabled. The last admin over all is never taken away."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.database import AnyRow, utc_now
from resources.errors import InputRefused
from resources.people.roles import Rights, Role
from resources.tables import ApiToken, LoginLink, Org, Session, User, UserRole

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}")
SHOWN: tuple[Any, ...] = (User.id, User.name, User.created_at, User.last_login_at, User.disabled_at)
HAS_PASSWORD = User.password_hash.is_not(None).label("has_password")


@dataclass(frozen=True)
class Person:
    """One user with all roles."""

    id: uuid.UUID
    name: str
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None
    has_password: bool
    rights: Rights


def check_name(name: str) -> str:
    """Return a name as it is stored; raise ``InputRefused`` where it cannot be one."""
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise InputRefused("name", f"{name[:80]!r} is no name", "use at most 80 of a-z, 0-9 and . _ @ + -")
    return name


def add(connection: sa.Connection, actor: str, name: str, role: Role, org: str | None = None) -> uuid.UUID:
    """Add a user with one role, in an org or over all; a link or a password lets the user in."""
    name, number = check_name(name), uuid.uuid4()
    if connection.execute(sa.select(User.id).where(User.name == name)).first():
        raise InputRefused("name", f"{name!r} is there already", "choose another, or change that one's role")
    connection.execute(sa.insert(User).values(id=number, name=name, created_at=utc_now()))
    audit.record(connection, actor, "user.added", f"users/{name}")
    set_role(connection, actor, number, role, org)
    return number


def find(connection: sa.Connection, user: str | uuid.UUID) -> AnyRow:
    """Return a user by name or id; raise ``InputRefused`` where there is none."""
    same = User.id == user if isinstance(user, uuid.UUID) else User.name == user.strip().lower()
    row = connection.execute(sa.select(*SHOWN, User.password_hash).where(same)).one_or_none()
    if row is None:
        raise InputRefused("user", f"{str(user)[:80]!r} is unknown", "see `backline users list`")
    return row


def set_role(
    connection: sa.Connection, actor: str, user_id: uuid.UUID, role: Role | None, org: str | None
) -> None:
    """Give a user a role in an org, or over all where ``org`` is ``None``; without a role, take it away."""
    name, org_id = find(connection, user_id).name, None if org is None else _org_id(connection, org)
    there = UserRole.org_id.is_(None) if org_id is None else UserRole.org_id == org_id
    with _keeping_an_admin(connection, name):
        connection.execute(sa.delete(UserRole).where(UserRole.user_id == user_id, there))
        if role is not None:
            values = {"id": uuid.uuid4(), "user_id": user_id, "org_id": org_id, "role": role.value}
            connection.execute(sa.insert(UserRole).values(**values))
    told = {"role": role.value if role else None, "org": org or "all"}
    audit.record(connection, actor, "user.role_set", f"users/{name}", **told)


def _org_id(connection: sa.Connection, slug: str) -> uuid.UUID:
    found = connection.execute(sa.select(Org.id).where(Org.slug == slug)).scalar_one_or_none()
    if found is None:
        raise InputRefused(
            "org", f"{slug[:63]!r} is unknown", "name one that has an account, or leave it empty"
        )
    return found


def set_password(connection: sa.Connection, actor: str, user_id: uuid.UUID, password_hash: str) -> None:
    """Give a user a new password (see :func:`passwords.hashed`), which ends the user's sessions and links."""
    row = find(connection, user_id)
    connection.execute(sa.update(User).where(User.id == user_id).values(password_hash=password_hash))
    _let_out(connection, user_id)
    audit.record(connection, actor, "user.password_set", f"users/{row.name}")


def disable(connection: sa.Connection, actor: str, user_id: uuid.UUID) -> None:
    """Let a user in no more: sessions and links end, tokens are revoked."""
    row, now = find(connection, user_id), utc_now()
    if row.disabled_at is not None:
        return
    with _keeping_an_admin(connection, row.name):
        connection.execute(sa.update(User).where(User.id == user_id).values(disabled_at=now))
    _let_out(connection, user_id)
    mine = sa.update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    connection.execute(mine.values(revoked_at=now))
    audit.record(connection, actor, "user.disabled", f"users/{row.name}")


def enable(connection: sa.Connection, actor: str, user_id: uuid.UUID) -> None:
    """Let a user in again; the password and the roles are as they were, tokens stay revoked."""
    row = find(connection, user_id)
    connection.execute(sa.update(User).where(User.id == user_id).values(disabled_at=None))
    audit.record(connection, actor, "user.enabled", f"users/{row.name}")


def _let_out(connection: sa.Connection, user_id: uuid.UUID) -> None:
    connection.execute(sa.delete(Session).where(Session.user_id == user_id))
    connection.execute(sa.delete(LoginLink).where(LoginLink.user_id == user_id))


def admins(connection: sa.Connection) -> int:
    """Count the users who are admins over all and not disabled."""
    query = sa.select(sa.func.count()).select_from(User).join(UserRole, UserRole.user_id == User.id)
    query = query.where(
        UserRole.org_id.is_(None), UserRole.role == Role.ADMIN.value, User.disabled_at.is_(None)
    )
    return int(connection.execute(query).scalar_one())


@contextmanager
def _keeping_an_admin(connection: sa.Connection, name: str) -> Iterator[None]:
    """Refuse a change, and roll its transaction back, that leaves nobody who may let people in."""
    before = admins(connection)
    yield
    if before and not admins(connection):
        raise InputRefused(
            "user", f"{name} is the only admin over all", "make somebody else admin over all first"
        )


def listed(connection: sa.Connection, orgs: frozenset[str] | None = None) -> Sequence[Person]:
    """Return the users by name; with ``orgs`` those who have a role there, and of their roles only those."""
    query = sa.select(*SHOWN, HAS_PASSWORD, UserRole.role, UserRole.org_id, Org.slug)
    query = query.outerjoin(UserRole, UserRole.user_id == User.id).outerjoin(Org, Org.id == UserRole.org_id)
    if orgs is not None:
        query = query.where(Org.slug.in_(sorted(orgs)))
    rows: dict[uuid.UUID, list[AnyRow]] = {}
    for row in connection.execute(query.order_by(User.name)):
        rows.setdefault(row.id, []).append(row)
    return [_person(found) for found in rows.values()]


def _person(rows: Sequence[AnyRow]) -> Person:
    first = rows[0]._asdict()
    for name in ("role", "org_id", "slug"):
        first.pop(name)
    return Person(**first, rights=rights_of(rows))


def rights_of(rows: Sequence[AnyRow]) -> Rights:
    """Read rights from rows that hold ``role`` and ``slug``; a row without a role is of nobody's."""
    held = [Role(row.role) for row in rows if row.role and row.org_id is None]
    over_all = max(held, key=lambda one: one.rank, default=None)
    return Rights(over_all, {row.slug: Role(row.role) for row in rows if row.role and row.org_id is not None})
