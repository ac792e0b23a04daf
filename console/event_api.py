"""The JSON API of events: the catalogue of their types, the log, and replays."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from console.actors import Actor, ActorPart, require
from console.event_log import (
    EventFilter,
    EventPageAddress,
    Status,
    bodies,
    find_event,
    in_utc,
    link_into_n8n,
    list_events,
)
from console.event_orders import find_endpoint, replay_events
from console.faults import NOT_FOUND
from console.pages import Message, PageError
from console.parts import Console, ConsolePart
from resources.accounts import org_id_of
from resources.database import AnyRow
from resources.delivery.replay import Selection
from resources.errors import InputRefused
from resources.people.roles import Role
from resources.schemas import EventType, Kind, catalogue, kind_of

router = APIRouter(prefix="/api/v1", tags=["events"])
UNDER_WAY = Message(
    "It is on its way this moment", "An event that is being sent is not replayed.", "Ask again in a minute."
)


class ApiEventType(BaseModel):
    """A type of event; while the version's first number stays, fields of its schema are only added."""

    type: EventType
    version: str
    title: str
    description: str
    path: str
    body_schema: dict[str, Any]
    schema_url: str
    example: dict[str, Any]


class EventTypeList(BaseModel):
    """The catalogue."""

    event_types: list[ApiEventType]


class ApiEvent(BaseModel):
    """One event; ``status`` is the sum of its deliveries. Times are UTC."""

    id: str
    sequence: int
    type: EventType
    provider: str
    org: str | None
    status: Status
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    success_at: datetime | None
    error_message: str | None


class EventList(BaseModel):
    """One page of events, the newest first; ``next`` is the address of the following page."""

    events: list[ApiEvent]
    next: str | None


class ApiDelivery(BaseModel):
    """The event's way to one endpoint."""

    endpoint_id: uuid.UUID
    endpoint: str
    status: Status
    attempts: int
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    success_at: datetime | None
    error_message: str | None


class ApiAttempt(BaseModel):
    """One attempt; ``response_excerpt`` is the beginning of the answer's body.

    ``n8n_link`` is where n8n shows what it did, where its answer says so.
    """

    endpoint_id: uuid.UUID
    endpoint: str
    attempt: int
    url: str
    started_at: datetime
    duration_ms: int
    status_code: int | None
    response_excerpt: str | None
    error_message: str | None
    n8n_link: str | None


class ApiWholeEvent(ApiEvent):
    """One event with its body as it is sent, and all that was tried, the newest attempt first."""

    body: dict[str, Any]
    deliveries: list[ApiDelivery]
    attempt_log: list[ApiAttempt]


class ReplayOrder(BaseModel):
    """Which events to send again: those that fit every field that is given, of which one must be.

    ``status`` is the delivery's. With an ``endpoint``, events that it was never sent are sent too. Moments
    without a zone are UTC.
    """

    ids: list[str] = Field([], max_length=10_000)
    status: Status | None = None
    type: EventType | None = None
    provider: str | None = None
    org: str | None = None
    endpoint: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class Replayed(BaseModel):
    """How many events are due again."""

    replayed: int


@router.get("/event-types")
def list_event_types() -> EventTypeList:
    """List every type of event with its schema and an example."""
    return EventTypeList(event_types=[_api_type(kind) for kind in catalogue()])


@router.get("/event-types/{event_type}/schema.json")
def show_schema(event_type: str) -> dict[str, Any]:
    """Show the JSON Schema of a type's whole body."""
    try:
        return kind_of(event_type).schema
    except InputRefused as error:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND) from error


@router.get("/events")
def show_events(
    console: ConsolePart, actor: ActorPart, wanted: Annotated[EventPageAddress, Query()]
) -> EventList:
    """List events, the newest first."""
    found = list_events(console.backline.database, wanted, actor.orgs)
    query = wanted.query(before=found.before, limit=wanted.limit)
    following = f"{router.prefix}/events{query}" if found.before else None
    return EventList(events=[ApiEvent(**_named(row)) for row in found.events], next=following)


@router.get("/events/export", response_class=StreamingResponse)
def export_events(
    console: ConsolePart, actor: ActorPart, wanted: Annotated[EventFilter, Query()]
) -> StreamingResponse:
    """Export the bodies of events as JSON lines, the oldest first."""
    lines = bodies(console.backline.database, wanted, actor.orgs)
    headers = {"content-disposition": 'attachment; filename="events.jsonl"', "cache-control": "no-store"}
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)


@router.post("/events/replay", status_code=HTTPStatus.ACCEPTED)
def replay(console: ConsolePart, actor: ActorPart, order: ReplayOrder) -> Replayed:
    """Make events due again, under the same ids; what is on its way this moment is left alone."""
    if not any(order.model_dump().values()):
        raise InputRefused("the order", "names no events", "give ids, or say which, as status or since")
    if not actor.may(Role.OPERATOR, order.org or None):
        raise InputRefused("org", "is empty, or not yours", "name one in which you are an operator")
    return Replayed(replayed=replay_events(console.backline, actor.name, _selection(console, actor, order)))


@router.get("/events/{event_id}")
def show_event(console: ConsolePart, actor: ActorPart, event_id: str) -> ApiWholeEvent:
    """Show one event: its body, its way to each endpoint, and every attempt."""
    found = find_event(console.backline.database, event_id, actor.orgs)
    if found is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return ApiWholeEvent(
        **_named(found.row),
        body=found.body,
        deliveries=[ApiDelivery(**row._asdict()) for row in found.deliveries],
        attempt_log=[
            ApiAttempt(**row._asdict(), n8n_link=link_into_n8n(console.backline.settings, row))
            for row in found.attempts
        ],
    )


@router.post("/events/{event_id}/replay", status_code=HTTPStatus.ACCEPTED)
def replay_one(console: ConsolePart, actor: ActorPart, event_id: str) -> Replayed:
    """Make one event due again at all its endpoints; 409 while it is on its way."""
    found = find_event(console.backline.database, event_id)
    if found is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    require(actor, Role.OPERATOR, found.row.org)
    count = replay_events(console.backline, actor.name, Selection(event_ids=(event_id,)))
    if not count:
        raise PageError(HTTPStatus.CONFLICT, UNDER_WAY)
    return Replayed(replayed=count)


def _selection(console: Console, actor: Actor, order: ReplayOrder) -> Selection:
    endpoint = find_endpoint(console.backline, order.endpoint) if order.endpoint else None
    if order.endpoint and (endpoint is None or not actor.sees(endpoint.org)):
        raise InputRefused("endpoint", f"{order.endpoint} is unknown", "use an id of /api/v1/endpoints")
    with console.backline.database.read() as connection:
        org_id = org_id_of(connection, order.org) if order.org else None
    return Selection(
        event_ids=tuple(order.ids),
        status=order.status,
        event_type=order.type,
        provider=order.provider,
        org_id=org_id,
        endpoint_id=order.endpoint,
        since=order.since and in_utc(order.since),
        until=order.until and in_utc(order.until),
    )


def _named(row: AnyRow) -> dict[str, Any]:
    """Name the columns of an event as bodies do."""
    return {**row._asdict(), "type": row.event_type}


def _api_type(kind: Kind) -> ApiEventType:
    same = ("type", "version", "title", "description", "path", "example")
    address = f"{router.prefix}/event-types/{kind.type}/schema.json"
    return ApiEventType(
        **{name: getattr(kind, name) for name in same}, body_schema=kind.schema, schema_url=address
    )
