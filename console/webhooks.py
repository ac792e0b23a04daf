"""The pages of webhooks: which endpoints take their events, what was sent, and what an operator presses."""

import asyncio
import functools
import uuid
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from console.actors import Actor, ActorPart, require
from console.endpoint_cards import DELIVERY_STATES, MOST_SHOWN, endpoint_cards
from console.event_log import EventPageAddress, find_event, link_into_n8n, list_events
from console.event_orders import find_endpoint, replay_events, replay_failed
from console.faults import NOT_FOUND
from console.pages import WEBHOOKS, Link, Message, PageError, message_page, page
from console.parts import Console, ConsolePart
from console.schema_fields import fields_of
from resources.database import AnyRow, utc_now
from resources.delivery import endpoints as store
from resources.delivery.replay import Selection
from resources.delivery.samples import send_sample
from resources.errors import InputRefused, SealBroken
from resources.people.roles import Role
from resources.providers import PROVIDERS
from resources.schemas import PATHS, catalogue

router = APIRouter(include_in_schema=False)
NEWEST = 20
BACK = (Link("Back to webhooks", WEBHOOKS),)


class WebhooksAddress(EventPageAddress):
    """The page's address: which events, and what has just been done to which endpoint."""

    limit: int = Field(NEWEST, ge=1, le=NEWEST)
    done: uuid.UUID | None = None
    replayed: int | None = Field(None, ge=0)


@router.get(WEBHOOKS)
def show_webhooks(
    console: ConsolePart, actor: ActorPart, address: Annotated[WebhooksAddress, Query()]
) -> HTMLResponse:
    """Show every endpoint, the broken first, and the newest events."""
    cards = endpoint_cards(console.backline, actor.orgs)
    return page(
        "webhooks.html",
        address=address,
        cards=cards[:MOST_SHOWN],
        left_out=max(len(cards) - MOST_SHOWN, 0),
        broken=[card for card in cards if card.is_broken],
        found=list_events(console.backline.database, address, actor.orgs),
        done=_seen(console, actor, address.done),
        only=_seen(console, actor, address.endpoint or None),
        now=utc_now(),
        delivery_states=DELIVERY_STATES,
        types=list(PATHS),
        providers=list(PROVIDERS),
    )


@router.get(f"{WEBHOOKS}/types")
def show_types() -> HTMLResponse:
    """Show the catalogue of events."""
    kinds = [(kind, fields_of(kind.schema), _pretty(kind.example)) for kind in catalogue()]
    return page("event_types.html", kinds=kinds)


@router.get(f"{WEBHOOKS}/events/{{event_id}}")
def show_event(
    console: ConsolePart, actor: ActorPart, event_id: str, replayed: int | None = None
) -> HTMLResponse:
    """Show one event: its body, its way to each endpoint, and every attempt."""
    event = find_event(console.backline.database, event_id, actor.orgs)
    if event is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return page(
        "event.html",
        event=event,
        body=_pretty(event.body),
        replayed=replayed,
        now=utc_now(),
        delivery_states=DELIVERY_STATES,
        link_into_n8n=functools.partial(link_into_n8n, console.backline.settings),
    )


def _pretty(body: object) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


@router.post(f"{WEBHOOKS}/events/{{event_id}}/replay")
def replay_event(console: ConsolePart, actor: ActorPart, event_id: str) -> Response:
    """Send one event again to all its endpoints, under the same id."""
    event = find_event(console.backline.database, event_id)
    if event is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    require(actor, Role.OPERATOR, event.row.org)
    count = replay_events(console.backline, actor.name, Selection(event_ids=(event_id,)))
    return RedirectResponse(f"{WEBHOOKS}/events/{event_id}?replayed={count}", HTTPStatus.SEE_OTHER)


def _seen(console: Console, actor: Actor, endpoint_id: uuid.UUID | None) -> AnyRow | None:
    endpoint = find_endpoint(console.backline, endpoint_id) if endpoint_id else None
    return endpoint if endpoint is not None and actor.sees(endpoint.org) else None


def _endpoint(console: Console, actor: Actor, endpoint_id: uuid.UUID) -> AnyRow:
    """Return an endpoint that the asker may act on."""
    endpoint = find_endpoint(console.backline, endpoint_id)
    if endpoint is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    require(actor, Role.OPERATOR, endpoint.org)
    return endpoint


def _back(endpoint_id: uuid.UUID, replayed: int | None = None) -> RedirectResponse:
    more = "" if replayed is None else f"&replayed={replayed}"
    return RedirectResponse(f"{WEBHOOKS}?done={endpoint_id}{more}", HTTPStatus.SEE_OTHER)


@router.post(f"{WEBHOOKS}/endpoints/{{endpoint_id}}/replay")
def replay_to(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> Response:
    """Send now what an endpoint gave up, what waits for a later try, and what it missed while disabled."""
    endpoint = _endpoint(console, actor, endpoint_id)
    return _back(endpoint_id, replay_failed(console.backline, actor.name, endpoint))


@router.post(f"{WEBHOOKS}/endpoints/{{endpoint_id}}/enable")
def enable(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> Response:
    """Send events there again."""
    return _set_enabled(console, actor, endpoint_id, enabled=True)


@router.post(f"{WEBHOOKS}/endpoints/{{endpoint_id}}/disable")
def disable(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> Response:
    """Send nothing there any more."""
    return _set_enabled(console, actor, endpoint_id, enabled=False)


def _set_enabled(console: Console, actor: Actor, endpoint_id: uuid.UUID, *, enabled: bool) -> Response:
    endpoint = _endpoint(console, actor, endpoint_id)
    try:
        store.change(console.backline, actor.name, endpoint.id, enabled=enabled)
    except InputRefused as error:
        cure = f"{error.cure[:1].upper()}{error.cure[1:]}."
        message = Message("It cannot stay as it is", f"{error.field}: {error.problem}.", cure, links=BACK)
        return message_page(message, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _back(endpoint_id)


@router.get(f"{WEBHOOKS}/endpoints/{{endpoint_id}}/test")
def choose_sample(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> HTMLResponse:
    """Ask which type of event to send a sample of."""
    endpoint = _endpoint(console, actor, endpoint_id)
    return page("endpoint_test.html", endpoint=endpoint, types=endpoint.event_types or list(PATHS))


@router.post(f"{WEBHOOKS}/endpoints/{{endpoint_id}}/test")
async def send_test(
    console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID, event_type: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """Send a sample, signed, and show request, answer and verdict; nothing is stored."""
    endpoint = await asyncio.to_thread(_endpoint, console, actor, endpoint_id)
    try:
        verdict = await send_sample(console.backline, event_type, endpoint, console.transport)
    except (InputRefused, SealBroken) as error:
        message = Message("Nothing was sent", str(error), links=BACK)
        return message_page(message, HTTPStatus.UNPROCESSABLE_ENTITY)
    return page(
        "endpoint_verdict.html",
        endpoint=endpoint,
        event_type=event_type,
        verdict=verdict,
        body=_pretty(verdict.body),
    )
