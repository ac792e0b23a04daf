"""The page of people: who may use the console, with which roles; invitations by one-time links.

An admin over all decides for everybody. An admin of an org invites people into it and gives roles there; a
link for somebody who is there already is not theirs to make, because it would let them in as that person.
"""

import uuid
from http import HTTPStatus
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.account_list import known_orgs
from console.actors import Actor, ActorPart
from console.faults import NOT_FOUND
from console.pages import PEOPLE, Link, Message, PageError, message_page, page
from console.parts import Console, ConsolePart
from resources.database import AnyRow
from resources.errors import InputRefused
from resources.people import links, users
from resources.people.roles import Role, role_of

router = APIRouter(include_in_schema=False, prefix=PEOPLE)
BACK = (Link("Back to people", PEOPLE),)


@router.get("")
def show_people(console: ConsolePart, actor: ActorPart, done: str = "") -> HTMLResponse:
    """Show the people that the asker may decide about."""
    return _people_page(console, actor, done=done)


def _people_page(
    console: Console,
    actor: Actor,
    *,
    done: str = "",
    typed: dict[str, str] | None = None,
    refused: InputRefused | None = None,
) -> HTMLResponse:
    orgs = actor.rights.where(Role.ADMIN)
    with console.backline.database.read() as connection:
        people = users.listed(connection, orgs)
    return page(
        "people.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        people=people,
        roles=list(Role),
        orgs=known_orgs(console.backline.database, orgs),
        all_orgs=orgs is None,
        done=next((one.name for one in people if one.name == done), ""),
        typed=typed or {"name": "", "role": Role.VIEWER, "org": ""},
        refused=refused,
    )


@router.post("")
def invite(
    console: ConsolePart,
    actor: ActorPart,
    name: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
    org: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Add a person, and show the link that lets the person in, this once."""
    try:
        wanted = role_of(role)
        with console.backline.database.write() as connection:
            number = users.add(connection, actor.name, name, wanted, _decided(actor, org))
            proof = links.make(connection, actor.name, number)
            user = users.find(connection, number)
    except InputRefused as error:
        typed = {"name": name, "role": role, "org": org}
        return _people_page(console, actor, typed=typed, refused=error)
    return _shown_once(console, user, proof)


def _decided(actor: Actor, org: str) -> str | None:
    """Return the org that is decided about, ``None`` for all; refuse one that is not the asker's."""
    slug = org.strip() or None
    if not actor.may(Role.ADMIN, slug):
        held = ", ".join(sorted(actor.rights.where(Role.ADMIN) or ()))
        raise InputRefused("org", "is not yours to decide about", f"use one of {held}")
    return slug


def _shown_once(console: Console, user: AnyRow, proof: str) -> HTMLResponse:
    return page("link.html", user=user, link=links.address(console.public_url, proof))


def _found(connection: sa.Connection, user_id: uuid.UUID) -> AnyRow:
    try:
        return users.find(connection, user_id)
    except InputRefused:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND) from None


@router.post("/{user_id}/role")
def give_role(
    console: ConsolePart,
    actor: ActorPart,
    user_id: uuid.UUID,
    role: Annotated[str, Form()] = "",
    org: Annotated[str, Form()] = "",
) -> Response:
    """Give a person a role in an org or over all; an empty role takes it away."""
    orgs = actor.rights.where(Role.ADMIN)
    try:
        with console.backline.database.write() as connection:
            if user_id not in {one.id for one in users.listed(connection, orgs)}:
                raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
            user, wanted = _found(connection, user_id), role_of(role) if role else None
            users.set_role(connection, actor.name, user_id, wanted, _decided(actor, org))
    except InputRefused as error:
        return _not_done(error)
    return _back(user)


@router.post("/{user_id}/link")
def make_link(console: ConsolePart, actor: ActorPart, user_id: uuid.UUID) -> HTMLResponse:
    """Make a new link for a person, for the first login or a forgotten password; show it this once."""
    with console.backline.database.write() as connection:
        user = _found(connection, user_id)
        proof = links.make(connection, actor.name, user_id)
    return _shown_once(console, user, proof)


@router.post("/{user_id}/disable")
def disable(console: ConsolePart, actor: ActorPart, user_id: uuid.UUID) -> Response:
    """Let a person in no more, at once."""
    try:
        with console.backline.database.write() as connection:
            user = _found(connection, user_id)
            users.disable(connection, actor.name, user_id)
    except InputRefused as error:
        return _not_done(error)
    return _back(user)


@router.post("/{user_id}/enable")
def enable(console: ConsolePart, actor: ActorPart, user_id: uuid.UUID) -> Response:
    """Let a person in again."""
    with console.backline.database.write() as connection:
        user = _found(connection, user_id)
        users.enable(connection, actor.name, user_id)
    return _back(user)


def _back(user: AnyRow) -> RedirectResponse:
    return RedirectResponse(f"{PEOPLE}?done={user.name}", HTTPStatus.SEE_OTHER)


def _not_done(error: InputRefused) -> HTMLResponse:
    cure = f"{error.cure[:1].upper()}{error.cure[1:]}."
    message = Message("Nothing was changed", f"{error.field}: {error.problem}.", cure, links=BACK)
    return message_page(message, HTTPStatus.UNPROCESSABLE_ENTITY)
