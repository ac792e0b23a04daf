"""Who asks: a person by a session's cookie, or a program by a token; and what templates know of it."""

import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from console.faults import NOT_FOUND
from console.pages import ACTOR, Message, PageError
from console.parts import Console
from resources.people import sessions, tokens
from resources.people.roles import Rights, Role
from resources.people.sessions import Holder

COOKIE = "backline_session"
BEARER = "bearer "
NOT_YOURS = "You may look at this, but not do it"
UNSEEN_MODES = frozenset({"cors", "same-origin", "no-cors"})  # a page that follows by itself, not a person


@dataclass(frozen=True)
class Actor:
    """Who asks, and with what rights; ``scopes`` are a token's, ``None`` for a person."""

    holder: Holder
    scopes: frozenset[str] | None = None

    @property
    def user_id(self) -> uuid.UUID:
        """The user's id."""
        return self.holder.user_id

    @property
    def name(self) -> str:
        """The user's name, as the audit log has it."""
        return self.holder.name

    @property
    def rights(self) -> Rights:
        """What may be done."""
        return self.holder.rights

    @property
    def orgs(self) -> frozenset[str] | None:
        """The slugs of the orgs that may be seen; ``None`` is all."""
        return self.rights.where(Role.VIEWER)

    def may(self, role: str, org: str | None = None) -> bool:
        """Say whether a role is held in an org, or over all."""
        return self.rights.may(role, org)

    def may_somewhere(self, role: str) -> bool:
        """Say whether a role is held in any org."""
        return self.rights.may_somewhere(role)

    def sees(self, org: str | None) -> bool:
        """Say whether what belongs to an org may be seen; what belongs to none is for who sees all."""
        return self.rights.may(Role.VIEWER, org)


def cookie_name(console: Console) -> str:
    """Return the cookie's name; over https browsers hold it to this host, its root and to https alone."""
    return f"__Host-{COOKIE}" if is_secure(console) else COOKIE


def is_secure(console: Console) -> bool:
    """Say whether browsers reach the console by https."""
    return console.public_url.startswith("https:")


def actor_from(console: Console, request: HTTPConnection, *, program: bool) -> Actor | None:
    """Return who asks, ``None`` where nobody is known; tokens count on addresses of programs alone."""
    given = request.headers.get("authorization", "")
    if program and given.lower().startswith(BEARER):
        found = tokens.find(console.backline.database, given[len(BEARER) :].strip())
        return Actor(*found) if found else None
    proof = request.cookies.get(cookie_name(console), "")
    if not proof:
        return None
    acts = request.headers.get("sec-fetch-mode") not in UNSEEN_MODES
    backline = console.backline
    holder = sessions.find(backline.database, backline.settings, proof, acts=acts)
    return Actor(holder) if holder else None


def known_actor() -> Actor | None:
    """Return who asks, ``None`` where nobody is known."""
    actor = ACTOR.get()
    return actor if isinstance(actor, Actor) else None


def actor_of(request: Request) -> Actor:
    """Return who asks; the gate has let nobody unknown through to a handler that wants to know."""
    actor = known_actor()
    if actor is None:
        raise TypeError(
            f"The rule of {request.url.path} lets in who is not known, but its handler must know."
        )
    return actor


ActorPart = Annotated[Actor, Depends(actor_of)]


def require(actor: Actor, role: Role, org: str | None) -> None:
    """Refuse what is an org's, or of all: as if it were not there, or, where it may be seen, by name."""
    if not actor.sees(org):
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    if not actor.may(role, org):
        where = f"in {org}" if org else "over all orgs"
        cure = f"It takes the role {role} {where}. An admin can give it to you."
        message = Message(NOT_YOURS, f"You are logged in as {actor.name}.", cure)
        raise PageError(HTTPStatus.FORBIDDEN, message)
