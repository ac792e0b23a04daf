"""OAuth: a person is sent to the provider to consent, comes back, and the account is stored."""

import asyncio
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from console import states
from console.account_entry import AccountEntry
from console.account_list import find_entry, known_orgs
from console.actors import Actor, ActorPart
from console.connect_messages import declined, failed, no_code, other_person, refused_state, wrong_address
from console.faults import NOT_FOUND
from console.pages import HOME, PageError, page
from console.parts import Console, ConsolePart, origin_of
from resources import accounts, parking
from resources.database import utc_now
from resources.errors import InputRefused, ProviderError
from resources.events import Event, event_id, write_events
from resources.grants import Tokens
from resources.oauth import authorize_address
from resources.people.roles import Role
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.token_replies import TokenReply
from resources.verification import Person

router = APIRouter(include_in_schema=False)


def _provider(name: str) -> Provider:
    if name not in PROVIDERS:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return PROVIDERS[name]


@router.get("/connect/{provider}/start")
def confirm_start(console: ConsolePart, actor: ActorPart, provider: str, org: str = "") -> HTMLResponse:
    """Ask before anything begins, so that a link may lead here."""
    return _start_page(console, actor, _provider(provider), org)


def _start_page(  # noqa: PLR0913, PLR0917  # all that the page shows
    console: Console, actor: Actor, provider: Provider, org: str, problem: str = "", status: int = 200
) -> HTMLResponse:
    return page(
        "start.html",
        status,
        provider=provider,
        org=org,
        problem=problem,
        orgs=known_orgs(console.backline.database, actor.orgs),
        parked=parking.current(console.backline.database, provider),
    )


@router.post("/connect/{provider}/start")
def start(  # noqa: PLR0913, PLR0917  # one argument a field
    request: Request,
    console: ConsolePart,
    actor: ActorPart,
    provider: str,
    org: Annotated[str, Form()] = "",
    account: Annotated[uuid.UUID | None, Form()] = None,
) -> Response:
    """Begin a connection, or with ``account`` a reconnection, and send the person to the provider."""
    declared, org = _provider(provider), org.strip()
    if origin_of(str(request.url)) != origin_of(console.public_url):
        raise PageError(HTTPStatus.MISDIRECTED_REQUEST, wrong_address(console, declared))
    if account is not None:
        org = _reconnected(console, declared, account, actor.orgs).org
    try:
        accounts.check_slug(org)
        _allow(actor, org)
    except InputRefused as error:
        return _start_page(console, actor, declared, org, f"{error.problem}; {error.cure}", 422)
    console.backline.credentials(declared)  # refuses before anything is stored where the app has none
    return _sent_to_provider(console, declared, org, states.Begun(actor.name, account))


def _allow(actor: Actor, org: str) -> None:
    """Refuse an org that is not the asker's; whether others have one of that name is not told."""
    if not actor.may(Role.OPERATOR, org):
        cure = "name an org in which you are an operator; new orgs are made by an operator over all"
        raise InputRefused("org", f"{org!r} is not yours to connect accounts to", cure)


def _sent_to_provider(
    console: Console, provider: Provider, org: str, begun: states.Begun
) -> RedirectResponse:
    """Store a state, bind it to the browser, and send the person to consent."""
    state, verifier = states.begin(console.backline, provider, org, begun)
    address = authorize_address(console.backline, provider, state, verifier)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"cache-control": "no-store"})
    response.set_cookie(
        states.cookie_name(state),
        states.cookie_value(state),
        max_age=int(states.LIFETIME.total_seconds()),
        path=f"/connect/{provider.name}",
        secure=console.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return response


def _reconnected(
    console: Console, provider: Provider, account_id: uuid.UUID, orgs: frozenset[str] | None = None
) -> AccountEntry:
    account = find_entry(console.backline.database, account_id, orgs)
    if account is None or account.provider is not provider:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return account


@dataclass(frozen=True)
class Return:
    """What the provider sent the person back with; its ``repr`` would hold a code and a state."""

    provider: Provider
    code: str
    state: str
    error: str
    cookie: str

    def __repr__(self) -> str:
        return f"Return({self.provider.name})"


@router.get("/connect/{provider}/callback")
async def callback(  # noqa: PLR0913, PLR0917  # one argument a query parameter
    request: Request, console: ConsolePart, provider: str, code: str = "", state: str = "", error: str = ""
) -> Response:
    """Take a person back from the provider and store the account."""
    cookie = request.cookies.get(states.cookie_name(state), "")
    account_id = await _connect(console, Return(_provider(provider), code, state, error, cookie))
    response = RedirectResponse(f"{HOME}?connected={account_id}", HTTPStatus.SEE_OTHER)
    response.delete_cookie(states.cookie_name(state), path=f"/connect/{provider}")
    return response


async def _connect(console: Console, back: Return) -> uuid.UUID:
    """Check the return, exchange its code, store the account; raise ``PageError`` where any step fails."""
    provider = back.provider
    try:
        pending = await asyncio.to_thread(states.take, console.backline, provider, back.state, back.cookie)
    except states.StateError as error:
        raise PageError(HTTPStatus.BAD_REQUEST, refused_state(console, provider, error.reason)) from None
    if back.error:
        status = HTTPStatus.OK if back.error == "access_denied" else HTTPStatus.BAD_GATEWAY
        raise PageError(status, declined(provider, pending.org_slug, back.error))
    if not back.code:
        raise PageError(HTTPStatus.BAD_REQUEST, no_code(provider, pending.org_slug))
    try:
        async with console.asking(provider) as asker:
            code = back.code.removesuffix("#_")  # Instagram writes it behind, some browsers along
            reply, person = await asker.exchange(code, pending.begun.verifier)
    except ProviderError as error:
        raise PageError(HTTPStatus.BAD_GATEWAY, failed(provider, pending.org_slug, error)) from None
    return await asyncio.to_thread(_store, console, provider, pending, reply, person)


def _store(
    console: Console, provider: Provider, pending: states.Pending, reply: TokenReply, person: Person
) -> uuid.UUID:
    """Store the account, its grant and the event that tells of it in one transaction."""
    now, backline = utc_now(), console.backline
    external_id = _external_id(console, provider, pending, person)
    wanted = _wanted(provider, pending.org_slug, reply, external_id, person.name)
    with backline.database.write() as connection:
        org_id, account_id, was_there = accounts.connect(backline, wanted, pending.begun.actor, connection)
        payload = {"accountId": str(account_id), "reconnected": was_there, **_told(wanted)}
        event = Event(
            id=event_id("provider.connected", account_id, pending.state_hash),
            type="provider.connected",
            provider=provider.name,
            org_id=org_id,
            payload=payload,
            created_at=now,
            source="manual",
        )
        write_events(connection, [event])
    return account_id


def _told(wanted: accounts.Connection) -> dict[str, Any]:
    """Return what an event may say of a connection: no token."""
    scopes = list(wanted.scopes)
    return {"externalId": wanted.external_id, "displayName": wanted.display_name, "scopes": scopes}


def _wanted(
    provider: Provider, org_slug: str, reply: TokenReply, external_id: str, name: str
) -> accounts.Connection:
    now = utc_now()
    return accounts.Connection(
        org_slug=org_slug,
        provider=provider,
        external_id=external_id,
        display_name=name,
        tokens=Tokens(reply.access_token, reply.refresh_token),
        expires_at=reply.expires_at(now),
        authorized_at=now,
        ends_at=reply.ends_at(now),
        scopes=granted_scopes(provider, reply),
    )


def _external_id(console: Console, provider: Provider, pending: states.Pending, person: Person) -> str:
    """Return the id to store; a reconnection keeps the account's own, and takes nobody else's grant."""
    if pending.begun.account_id is None:
        return person.ids[0]
    account = _reconnected(console, provider, pending.begun.account_id)
    if account.external_id not in person.ids:
        raise PageError(HTTPStatus.CONFLICT, other_person(provider, account.external_id, person.name))
    return account.external_id


def granted_scopes(provider: Provider, reply: TokenReply) -> tuple[str, ...]:
    """Return what was granted; a reply that does not say grants what was asked (RFC 6749, 5.1)."""
    return provider.oauth.all_scopes if reply.scopes is None else reply.scopes
