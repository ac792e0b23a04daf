"""One-time links: whoever opens one is let in as its user, and may set a password.

The first start of the embedded default prints one, as Jupyter does; an invitation is one, and so is the way
back for somebody who forgot the password.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import sqlalchemy as sa

from resources import audit
from resources.database import AnyRow, Database, utc_now
from resources.people import users
from resources.people.proofs import hash_of, new_proof
from resources.people.roles import Role
from resources.tables import LoginLink, User

LIFETIME = timedelta(days=3)
FIRST_NAME = "admin"
ENTER = "/enter"


class LinkRefused(Exception):
    """A link lets nobody in: it is used up, too old, or none of ours."""


def address(public_url: str, proof: str) -> str:
    """Return the link; the proof is in the query, which no log names."""
    return f"{public_url.rstrip('/')}{ENTER}?link={proof}"


def make(connection: sa.Connection, actor: str, user_id: uuid.UUID) -> str:
    """Make a link in place of the user's former ones; return its proof, a secret."""
    row, proof, now = users.find(connection, user_id), new_proof(), utc_now()
    connection.execute(
        sa.delete(LoginLink).where(sa.or_(LoginLink.user_id == user_id, LoginLink.expires_at < now))
    )
    values = {
        "token_hash": hash_of(proof),
        "user_id": user_id,
        "created_at": now,
        "expires_at": now + LIFETIME,
    }
    connection.execute(sa.insert(LoginLink).values(**values))
    audit.record(connection, actor, "user.link_made", f"users/{row.name}")
    return proof


def first(database: Database) -> str | None:
    """Return the proof of a new link for the first admin; ``None`` once an admin over all has a password."""
    with database.write() as connection:
        able = [
            one
            for one in users.listed(connection)
            if one.has_password and one.disabled_at is None and one.rights.may(Role.ADMIN, None)
        ]
        if able:
            return None
        row = connection.execute(sa.select(User.id).where(User.name == FIRST_NAME)).one_or_none()
        made = row.id if row else users.add(connection, "first start", FIRST_NAME, Role.ADMIN)
        return make(connection, "first start", made)


def find(connection: sa.Connection, proof: str) -> AnyRow:
    """Return whose link it is, without using it up; raise ``LinkRefused``."""
    query = sa.select(User.id, User.name, User.password_hash.is_not(None).label("has_password"))
    query = query.join(LoginLink, LoginLink.user_id == User.id).where(
        LoginLink.token_hash == hash_of(proof), LoginLink.expires_at > utc_now(), User.disabled_at.is_(None)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise LinkRefused
    return row


def take(connection: sa.Connection, proof: str) -> AnyRow:
    """Use a link up and return whose it was; of two who try at once only one gets it."""
    row = find(connection, proof)
    gone = connection.execute(sa.delete(LoginLink).where(LoginLink.token_hash == hash_of(proof)))
    if gone.rowcount != 1:
        raise LinkRefused
    return row
