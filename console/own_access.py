"""One's own sessions, password and API tokens."""

import asyncio
import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.actors import Actor, ActorPart
from console.entering import keep_session, new_session
from console.faults import NOT_FOUND
from console.pages import SESSIONS, TOKENS, PageError, page
from console.parts import Console, ConsolePart
from resources.errors import InputRefused
from resources.people import passwords, sessions, tokens, users
from resources.people.roles import Scope

router = APIRouter(include_in_schema=False)
MEANINGS = {
    Scope.READ: "look at everything that you may see",
    Scope.OPERATE: "ask for work: scrapes, replays, tests",
    Scope.ADMIN: "change endpoints and secrets",
    Scope.METRICS: "read /metrics, as Prometheus does",
}
LASTING = {"30": "30 days", "90": "90 days", "365": "a year", "": "until it is revoked"}


@router.get(SESSIONS)
def show_sessions(console: ConsolePart, actor: ActorPart, done: str = "") -> HTMLResponse:
    """Show the browsers that are logged in as the asker."""
    return _sessions_page(console, actor, done=done)


def _sessions_page(
    console: Console, actor: Actor, *, done: str = "", refused: InputRefused | None = None
) -> HTMLResponse:
    settings = console.backline.settings
    with console.backline.database.read() as connection:
        user = users.find(connection, actor.user_id)
        listed = sessions.listed(connection, settings, actor.user_id)
    return page(
        "sessions.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        sessions=listed,
        has_password=user.password_hash is not None,
        idle_hours=settings.session_idle_hours,
        shortest=passwords.SHORTEST,
        done=done,
        refused=refused,
    )


@router.post(f"{SESSIONS}/others/revoke")
def revoke_others(console: ConsolePart, actor: ActorPart) -> Response:
    """Log all other browsers out."""
    with console.backline.database.write() as connection:
        sessions.revoke_others(connection, actor.holder)
    return RedirectResponse(f"{SESSIONS}?done=others", HTTPStatus.SEE_OTHER)


@router.post(f"{SESSIONS}/password")
async def change_password(
    request: Request,
    console: ConsolePart,
    actor: ActorPart,
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
) -> Response:
    """Change the asker's password, which logs all other browsers out."""
    try:
        await asyncio.to_thread(_count, console, request, actor)
        async with console.hashing:
            kept = await asyncio.to_thread(_new_hash, console, actor, old, new)
    except InputRefused as error:
        return await asyncio.to_thread(_sessions_page, console, actor, refused=error)
    return await asyncio.to_thread(_changed, request, console, actor, kept)


def _count(console: Console, request: Request, actor: Actor) -> None:
    """Let no one who found a screen unlocked guess the old password."""
    wait = console.login_pace.wait_seconds(actor.name, console.source_of(request))
    if wait:
        raise InputRefused("password", "was tried too often", f"wait {wait} s")


def _new_hash(console: Console, actor: Actor, old: str, new: str) -> str:
    with console.backline.database.read() as connection:
        user = users.find(connection, actor.user_id)
    if user.password_hash is not None and not passwords.fits(user.password_hash, old):
        raise InputRefused("old password", "does not fit", "type the one that you log in with")
    return passwords.hashed(new, user.name)


def _changed(request: Request, console: Console, actor: Actor, password_hash: str) -> Response:
    with console.backline.database.write() as connection:
        users.set_password(connection, actor.name, actor.user_id, password_hash)
        user = users.find(connection, actor.user_id)
        proof = new_session(request, console, connection, user)
    reply = RedirectResponse(f"{SESSIONS}?done=password", HTTPStatus.SEE_OTHER)
    keep_session(console, reply, proof)
    return reply


@router.post(f"{SESSIONS}/{{session_id}}/revoke")
def revoke_session(console: ConsolePart, actor: ActorPart, session_id: uuid.UUID) -> Response:
    """Log one browser out."""
    with console.backline.database.write() as connection:
        if not sessions.revoke(connection, actor.holder, session_id):
            raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return RedirectResponse(f"{SESSIONS}?done=one", HTTPStatus.SEE_OTHER)


@router.get(TOKENS)
def show_tokens(console: ConsolePart, actor: ActorPart, done: str = "") -> HTMLResponse:
    """Show the programs that may act for the asker."""
    return _tokens_page(console, actor, done=done)


def _tokens_page(
    console: Console,
    actor: Actor,
    *,
    done: str = "",
    made: str = "",
    refused: InputRefused | None = None,
) -> HTMLResponse:
    with console.backline.database.read() as connection:
        listed = tokens.listed(connection, actor.user_id)
    return page(
        "tokens.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        tokens=listed,
        meanings=MEANINGS,
        lasting=LASTING,
        made=made,
        done=done,
        refused=refused,
    )


@router.post(TOKENS)
def make_token(
    console: ConsolePart,
    actor: ActorPart,
    name: Annotated[str, Form()] = "",
    scopes: Annotated[list[str] | None, Form()] = None,
    days: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Make a token, and show it this once."""
    try:
        lasting = _lasting(days)
        with console.backline.database.write() as connection:
            _, token = tokens.make(connection, actor.holder, name, scopes or [], lasting)
    except InputRefused as error:
        return _tokens_page(console, actor, refused=error)
    return _tokens_page(console, actor, made=token)


def _lasting(days: str) -> int | None:
    if days not in LASTING:
        raise InputRefused("days", f"{days[:9]!r} is not offered", "choose one of the list")
    return int(days) if days else None


@router.post(f"{TOKENS}/{{token_id}}/revoke")
def revoke_token(console: ConsolePart, actor: ActorPart, token_id: uuid.UUID) -> Response:
    """Revoke one token, at once."""
    with console.backline.database.write() as connection:
        if not tokens.revoke(connection, actor.holder, token_id):
            raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return RedirectResponse(f"{TOKENS}?done=revoked", HTTPStatus.SEE_OTHER)
