"""Coming in and going out: the login, one-time links, the logout.

What is answered to a failed login, and how long it takes, is the same whether the name is known or not.
"""

import asyncio
from http import HTTPStatus
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.actors import ActorPart, cookie_name, is_secure
from console.gate import LOGIN
from console.pages import HOME, Link, Message, PageError, page
from console.parts import Console, ConsolePart
from resources.database import AnyRow
from resources.errors import InputRefused
from resources.people import links, passwords, sessions, users
from resources.people.links import ENTER, LinkRefused
from resources.tables import User

router = APIRouter(include_in_schema=False)
DOES_NOT_FIT = "Name and password do not fit. After several tries you have to wait."
NO_LINK = Message(
    "This link lets nobody in",
    "It was used already, is older than three days, or was replaced by a newer one.",
    "Ask an admin for a new one. On the host, `backline users link NAME` makes one.",
    links=(Link("Log in", LOGIN),),
)


@router.get(LOGIN)
def show_login(next: str = "") -> HTMLResponse:  # noqa: A002  # the word of the address
    """Ask for name and password."""
    return _login_page(after=next)


def _login_page(status: int = 200, *, after: str = "", name: str = "", problem: str = "") -> HTMLResponse:
    return page("login.html", status, after=safe_path(after), name=name, problem=problem)


def safe_path(after: str) -> str:
    """Return where to go after the login: a path of our own, or the first page."""
    own = after.startswith("/") and not after.startswith("//") and after.isprintable() and "\\" not in after
    return after if own else HOME


@router.post(LOGIN)
async def log_in(  # one argument a field
    request: Request,
    console: ConsolePart,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    after: Annotated[str, Form()] = "",
) -> Response:
    """Log a person in; 401 where name and password do not fit, 429 after too many tries."""
    address = console.source_of(request)
    wait = await asyncio.to_thread(console.login_pace.wait_seconds, name, address)
    if wait:
        await asyncio.to_thread(console.login_failures.note, None, address, "too many tries")
        problem = f"Too many tries. Wait {wait} s, then try once more."
        reply = _login_page(HTTPStatus.TOO_MANY_REQUESTS, after=after, name=name, problem=problem)
        reply.headers["retry-after"] = str(wait)
        return reply
    async with console.hashing:
        user = await asyncio.to_thread(_whose, console, name, password, address)
    if user is None:
        return _login_page(HTTPStatus.UNAUTHORIZED, after=after, name=name, problem=DOES_NOT_FIT)
    await asyncio.to_thread(console.login_pace.forgive, name)
    return await asyncio.to_thread(_let_in, request, console, user, safe_path(after))


def _whose(console: Console, name: str, password: str, address: str) -> AnyRow | None:
    """Return the user whose name and password these are, and keep a hash as strong as new ones are."""
    query = sa.select(User.id, User.name, User.password_hash, User.disabled_at)
    with console.backline.database.read() as connection:
        row = connection.execute(query.where(User.name == name.strip().lower())).one_or_none()
    good = passwords.fits(row.password_hash if row else None, password)
    if row is None or not good or row.disabled_at is not None:
        reason = "disabled" if good else "password" if row else "name"
        console.login_failures.note(row.name if row else None, address, reason)
        return None
    if passwords.is_outdated(row.password_hash):
        with console.backline.database.write() as connection:
            kept = passwords.HASHER.hash(password)
            connection.execute(sa.update(User).where(User.id == row.id).values(password_hash=kept))
    return row


def _let_in(request: Request, console: Console, user: AnyRow, after: str) -> Response:
    with console.backline.database.write() as connection:
        proof = new_session(request, console, connection, user)
    reply = RedirectResponse(after, HTTPStatus.SEE_OTHER, headers={"cache-control": "no-store"})
    keep_session(console, reply, proof)
    return reply


def new_session(request: Request, console: Console, connection: sa.Connection, user: AnyRow) -> str:
    """Open a session in place of the one that the browser held; return its proof."""
    sessions.forget(connection, request.cookies.get(cookie_name(console), ""))
    browser = request.headers.get("user-agent", "")
    settings = console.backline.settings
    return sessions.open_session(connection, settings, user, console.source_of(request), browser)


def keep_session(console: Console, reply: Response, proof: str) -> None:
    """Let the browser keep a session: no script reads the cookie, no other site's order carries it."""
    reply.set_cookie(
        cookie_name(console),
        proof,
        max_age=int(console.backline.settings.session_hours * 3600),
        path="/",
        secure=is_secure(console),
        httponly=True,
        samesite="lax",
    )


@router.get(ENTER)
def show_link(console: ConsolePart, link: str = "") -> HTMLResponse:
    """Ask before a link is used up, so that a preview of it in a chat uses nothing up."""
    return _link_page(_of_link(console, link), link)


def _link_page(user: AnyRow, link: str, problem: str = "") -> HTMLResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return page("enter.html", status, user=user, link=link, problem=problem, shortest=passwords.SHORTEST)


def _of_link(console: Console, link: str) -> AnyRow:
    try:
        with console.backline.database.read() as connection:
            return links.find(connection, link)
    except LinkRefused:
        raise PageError(HTTPStatus.GONE, NO_LINK) from None


@router.post(ENTER)
async def enter(
    request: Request,
    console: ConsolePart,
    link: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """Use a link up: log its person in, and set the password where one is given."""
    user, kept = await asyncio.to_thread(_of_link, console, link), ""
    if password:
        try:
            async with console.hashing:
                kept = await asyncio.to_thread(passwords.hashed, password, user.name)
        except InputRefused as error:
            return _link_page(user, link, f"The password {error.problem}; {error.cure}.")
    return await asyncio.to_thread(_entered, request, console, link, kept)


def _entered(request: Request, console: Console, link: str, password_hash: str) -> Response:
    try:
        with console.backline.database.write() as connection:
            user = links.take(connection, link)
            if password_hash:
                users.set_password(connection, user.name, user.id, password_hash)
            proof = new_session(request, console, connection, user)
    except LinkRefused:
        raise PageError(HTTPStatus.GONE, NO_LINK) from None
    reply = RedirectResponse(HOME, HTTPStatus.SEE_OTHER, headers={"cache-control": "no-store"})
    keep_session(console, reply, proof)
    return reply


@router.post("/logout")
def log_out(console: ConsolePart, actor: ActorPart) -> Response:
    """End the session that is in use."""
    with console.backline.database.write() as connection:
        sessions.revoke(connection, actor.holder, actor.holder.id)
    reply = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
    reply.delete_cookie(
        cookie_name(console), path="/", secure=is_secure(console), httponly=True, samesite="lax"
    )
    return reply
