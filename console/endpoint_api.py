"""The JSON API of endpoints: where events go, how that goes, and what may be changed."""

import asyncio
import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from console.actors import Actor, ActorPart, require
from console.event_orders import find_endpoint
from console.faults import NOT_FOUND
from console.pages import PageError
from console.parts import Console, ConsolePart
from resources.database import AnyRow
from resources.delivery import endpoints as store
from resources.delivery.endpoints import Draft
from resources.delivery.health import EndpointHealth, State, endpoint_health
from resources.delivery.samples import Verdict, send_sample
from resources.errors import InputRefused
from resources.people.roles import Role
from resources.schemas import EventType

router = APIRouter(prefix="/api/v1/endpoints", tags=["endpoints"])
MASK = "••••"


class EndpointFigures(BaseModel):
    """What became of an endpoint's events in 24 h; ``waiting`` and ``late`` are of all, however old.

    ``delivery_rate`` is from 0 to 1, null where there was nothing.
    """

    delivery_rate: float | None
    delivered: int
    failed: int
    attempts_refused: int
    waiting: int
    late: int
    oldest_undelivered_seconds: float
    response_p50_ms: int | None
    response_p95_ms: int | None


class ApiEndpoint(BaseModel):
    """One endpoint; ``org`` and ``url`` are null for n8n's own paths. Times are UTC.

    Empty ``event_types`` and ``providers`` mean all. ``headers`` shows names, never values.
    """

    id: uuid.UUID
    name: str
    org: str | None
    url: str | None
    description: str
    event_types: list[EventType]
    providers: list[str]
    headers: dict[str, str]
    enabled: bool
    max_in_flight: int | None
    rate_limit: str
    state: State
    breaker: str
    opened_at: datetime | None
    probe_at: datetime | None
    held_until: datetime | None
    last_error: str | None
    figures: EndpointFigures
    created_at: datetime
    updated_at: datetime


class EndpointList(BaseModel):
    """Every endpoint, the worst first."""

    endpoints: list[ApiEndpoint]


class EndpointChange(BaseModel):
    """What may be changed; what is not given stays, and ``headers`` replaces all of them.

    ``rate_limit`` is ``requests/seconds``; ``max_in_flight`` null means the setting's.
    """

    name: str = ""
    url: str = ""
    description: str = Field("", max_length=1_000)
    event_types: list[str] = []
    providers: list[str] = []
    headers: dict[str, str] = {}
    enabled: bool = True
    max_in_flight: int | None = None
    rate_limit: str = ""


class EndpointOrder(EndpointChange):
    """A new endpoint of an org."""

    org: str
    name: str
    url: str


class NewSecret(BaseModel):
    """A secret, shown this once: the receiver verifies with it."""

    id: uuid.UUID
    secret: str


class SampleOrder(BaseModel):
    """Which type of event to send a sample of."""

    type: EventType


class SentRequest(BaseModel):
    """What was sent; the values of the endpoint's own headers are masked."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


class GivenAnswer(BaseModel):
    """What was answered; ``error`` says why nothing was, or why it is not taken for a success."""

    status_code: int | None
    duration_ms: int
    excerpt: str | None
    error: str | None
    retry_after: float | None


class SampleVerdict(BaseModel):
    """How a test send went; nothing of it is stored."""

    id: str
    delivered: bool
    verdict: str
    request: SentRequest
    answer: GivenAnswer


@router.get("")
def list_endpoints(console: ConsolePart, actor: ActorPart) -> EndpointList:
    """List every endpoint with its health, the worst first."""
    return EndpointList(
        endpoints=[_api_endpoint(one) for one in endpoint_health(console.backline) if actor.sees(one.org)]
    )


@router.post("", status_code=HTTPStatus.CREATED)
def add_endpoint(
    console: ConsolePart, actor: ActorPart, order: EndpointOrder, response: Response
) -> NewSecret:
    """Add an endpoint of an org; its secret is shown this once."""
    if not actor.may(Role.ADMIN, order.org):
        raise InputRefused("org", f"{order.org!r} is not yours", "name one in which you are an admin")
    draft = Draft(**order.model_dump(exclude={"org"}))
    number, secret = store.add(console.backline, actor.name, order.org, draft)
    response.headers["location"] = f"{router.prefix}/{number}"
    return NewSecret(id=number, secret=secret.text())


@router.get("/{endpoint_id}")
def show_endpoint(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> ApiEndpoint:
    """Show one endpoint."""
    found = (one for one in endpoint_health(console.backline) if one.endpoint.id == endpoint_id)
    if (one := next(found, None)) is None or not actor.sees(one.org):
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return _api_endpoint(one)


@router.patch("/{endpoint_id}")
def change_endpoint(
    console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID, change: EndpointChange
) -> ApiEndpoint:
    """Change an endpoint; one that is enabled again is tried at once."""
    changes = change.model_dump(exclude_unset=True)
    if not changes:
        raise InputRefused("the change", "names no field", "say what to change, as enabled")
    store.change(console.backline, actor.name, _found(console, actor, endpoint_id).id, **changes)
    return show_endpoint(console, actor, endpoint_id)


@router.delete("/{endpoint_id}", status_code=HTTPStatus.NO_CONTENT)
def remove_endpoint(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> None:
    """Forget an endpoint, and what was delivered there; n8n's own can be disabled alone."""
    store.remove(console.backline, actor.name, _found(console, actor, endpoint_id).id)


@router.post("/{endpoint_id}/rotate")
def rotate_secret(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> NewSecret:
    """Give an endpoint a new secret, shown this once; the one before signs too until `rotate/finish`."""
    secret = store.rotate(console.backline, actor.name, _found(console, actor, endpoint_id).id)
    return NewSecret(id=endpoint_id, secret=secret.text())


@router.post("/{endpoint_id}/rotate/finish", status_code=HTTPStatus.NO_CONTENT)
def finish_rotation(console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID) -> None:
    """Let the newest secret alone sign from now on."""
    store.retire(console.backline, actor.name, _found(console, actor, endpoint_id).id)


@router.post("/{endpoint_id}/test")
async def send_test(
    console: ConsolePart, actor: ActorPart, endpoint_id: uuid.UUID, order: SampleOrder
) -> SampleVerdict:
    """Send a sample, signed, and tell request, answer and verdict; a refusal is told, and is no error."""
    endpoint = await asyncio.to_thread(_found, console, actor, endpoint_id, Role.OPERATOR)
    sent = await send_sample(console.backline, order.type, endpoint, console.transport)
    return _api_verdict(sent)


def _found(console: Console, actor: Actor, endpoint_id: uuid.UUID, role: Role = Role.ADMIN) -> AnyRow:
    """Return an endpoint that the asker may act on."""
    endpoint = find_endpoint(console.backline, endpoint_id)
    if endpoint is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    require(actor, role, endpoint.org)
    return endpoint


def _api_endpoint(one: EndpointHealth) -> ApiEndpoint:
    row = one.endpoint
    same = (
        *("id", "name", "url", "description", "event_types", "providers", "enabled", "max_in_flight"),
        *("rate_limit", "breaker", "opened_at", "probe_at", "held_until", "last_error"),
        *("created_at", "updated_at"),
    )
    return ApiEndpoint(
        **{name: getattr(row, name) for name in same},
        org=one.org,
        state=one.state,
        headers=dict.fromkeys(row.header_names, MASK),
        figures=EndpointFigures(
            delivery_rate=one.rate,
            delivered=one.answers.delivered,
            failed=one.failed,
            attempts_refused=one.answers.refused,
            waiting=one.waiting.count,
            late=one.waiting.late,
            oldest_undelivered_seconds=one.oldest_seconds,
            response_p50_ms=one.answers.percentile_ms(0.5),
            response_p95_ms=one.answers.percentile_ms(0.95),
        ),
    )


def _api_verdict(sent: Verdict) -> SampleVerdict:
    answer = sent.answer
    names = ("status_code", "duration_ms", "excerpt", "error", "retry_after")
    return SampleVerdict(
        id=sent.id,
        delivered=answer.delivered,
        verdict=sent.advice,
        request=SentRequest(url=sent.url, headers=sent.headers, body=sent.body),
        answer=GivenAnswer(**{name: getattr(answer, name) for name in names}),
    )
