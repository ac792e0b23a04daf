"""The log of events as the console tells it: filtered, the newest first, and one with all that was tried."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa
from pydantic import BaseModel, Field

from resources.database import AnyRow, Database
from resources.events import body_of
from resources.n8n import place_of, view_in_n8n
from resources.people.roles import within
from resources.schemas import EventType
from resources.settings import Settings
from resources.tables import Org, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent

PAGE_SIZE, LARGEST_PAGE, EXPORTED_AT_ONCE = 50, 500, 500
Status = Literal["pending", "delivered", "failed"]
LISTED = (
    *("id", "sequence", "event_type", "provider", "status", "attempts", "created_at"),
    *("last_attempt_at", "next_attempt_at", "success_at", "error_message"),
)


class EventFilter(BaseModel):
    """Which events, as the address says it; empty means all. Moments without a zone are UTC."""

    type: EventType | Literal[""] = Field("", description="Type of the event.")
    provider: str = Field("", max_length=40, description="Name of a provider.")
    status: Status | Literal[""] = Field(
        "", description="State of the event; where an endpoint is named, of its delivery there."
    )
    org: str = Field("", max_length=63, description="Slug of an org.")
    endpoint: uuid.UUID | Literal[""] = Field("", description="Only events that go to this endpoint.")
    since: datetime | None = Field(None, description="Written at this moment or later.")
    until: datetime | None = Field(None, description="Written before this moment.")

    def query(self, **changes: Any) -> str:
        """Return the filter as an address's query, with some of it changed."""
        values = self.model_dump(mode="json", include=set(EventFilter.model_fields)) | changes
        return "?" + urlencode({name: value for name, value in values.items() if value})

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return any(self.model_dump(include=set(EventFilter.model_fields)).values())

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return what the events must fulfil."""
        event = WebhookEvent
        equal: dict[Any, str] = {
            event.event_type: self.type,
            event.provider: self.provider,
            Org.slug: self.org,
        }
        found: list[sa.ColumnElement[bool]] = [column == value for column, value in equal.items() if value]
        if self.endpoint:
            found.append(self._goes_there(self.endpoint))
        elif self.status:
            found.append(event.status == self.status)
        if self.since:
            found.append(event.created_at >= in_utc(self.since))
        if self.until:
            found.append(event.created_at < in_utc(self.until))
        return found

    def _goes_there(self, endpoint: uuid.UUID) -> sa.ColumnElement[bool]:
        delivery = WebhookDelivery
        there = sa.exists().where(delivery.event_id == WebhookEvent.id, delivery.endpoint_id == endpoint)
        return there.where(delivery.status == self.status) if self.status else there


class EventPageAddress(EventFilter):
    """A filter, and where its page begins."""

    before: int | None = Field(None, ge=1, description="Only events of a lesser sequence: the next page.")
    limit: int = Field(PAGE_SIZE, ge=1, le=LARGEST_PAGE, description="Most events of one page.")


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; one without a zone is taken to be."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class EventPage:
    """The newest events first; ``before`` is where the next page begins, ``None`` at the end."""

    events: Sequence[AnyRow]
    before: int | None


def list_events(
    database: Database, wanted: EventPageAddress, orgs: frozenset[str] | None = None
) -> EventPage:
    """Return one page of the events; ``orgs`` are those to be seen, ``None`` all."""
    event = WebhookEvent
    query = sa.select(*(getattr(event, name) for name in LISTED), Org.slug.label("org"))
    query = query.outerjoin(Org, Org.id == event.org_id).where(
        *wanted.conditions(), within(event.org_id, orgs)
    )
    if wanted.before:
        query = query.where(event.sequence < wanted.before)
    with database.read() as connection:
        rows = connection.execute(query.order_by(event.sequence.desc()).limit(wanted.limit + 1)).all()
    shown = rows[: wanted.limit]
    return EventPage(shown, shown[-1].sequence if len(rows) > wanted.limit else None)


@dataclass(frozen=True)
class WholeEvent:
    """One event with its body as it is sent, its way to each endpoint, and every attempt."""

    row: AnyRow
    body: dict[str, Any]
    deliveries: Sequence[AnyRow]
    attempts: Sequence[AnyRow]


def find_event(database: Database, event_id: str, orgs: frozenset[str] | None = None) -> WholeEvent | None:
    """Return one event, or ``None`` where there is none of that id to be seen."""
    event, delivery, attempt, endpoint = WebhookEvent, WebhookDelivery, WebhookAttempt, WebhookEndpoint
    named = (endpoint.name.label("endpoint"), endpoint.url.label("endpoint_url"))
    query = sa.select(event.__table__, Org.slug.label("org")).outerjoin(Org, Org.id == event.org_id)
    ways = sa.select(delivery.__table__, *named).join(endpoint, endpoint.id == delivery.endpoint_id)
    tries = sa.select(attempt.__table__, *named).join(endpoint, endpoint.id == attempt.endpoint_id)
    with database.read() as connection:
        row = connection.execute(query.where(event.id == event_id, within(event.org_id, orgs))).one_or_none()
        if row is None:
            return None
        mine = ways.where(delivery.event_id == event_id).order_by(endpoint.created_at, endpoint.name)
        made = tries.where(attempt.event_id == event_id).order_by(attempt.started_at.desc())
        deliveries, attempts = connection.execute(mine).all(), connection.execute(made).all()
    return WholeEvent(row, msgspec.json.decode(body_of(row)), deliveries, attempts)


def link_into_n8n(settings: Settings, attempt: AnyRow) -> str | None:
    """Return where n8n shows what it did with an attempt at one of its own paths, if its answer says so."""
    place = place_of(settings) if attempt.endpoint_url is None else None
    return view_in_n8n(place.editor_url, attempt.response_excerpt) if place else None


def bodies(database: Database, wanted: EventFilter, orgs: frozenset[str] | None = None) -> Iterator[bytes]:
    """Yield the bodies of events as lines, the oldest first; no transaction lasts while the reader reads."""
    event, last = WebhookEvent, 0
    query = sa.select(event.__table__).outerjoin(Org, Org.id == event.org_id)
    query = query.where(*wanted.conditions(), within(event.org_id, orgs))
    while True:
        with database.read() as connection:
            following = query.where(event.sequence > last).order_by(event.sequence).limit(EXPORTED_AT_ONCE)
            rows = connection.execute(following).all()
        yield from (body_of(row) + b"\n" for row in rows)
        if len(rows) < EXPORTED_AT_ONCE:
            return
        last = rows[-1].sequence
