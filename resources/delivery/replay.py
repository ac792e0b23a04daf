"""Replays: events are made due again under their own ids, named one by one or by what they have in common."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources.bulk import among
from resources.database import insert_into, utc_now
from resources.delivery.routing import wants
from resources.delivery.sums import sum_up
from resources.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent

EVENTS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Selection:
    """Which deliveries to make again: all that fit every field that is given.

    ``status`` is the delivery's; ``since`` and ``until`` bound when the event was written. With an
    ``endpoint_id``, events that it wants and was never sent (it was disabled, or not there yet) are sent too.
    """

    event_ids: Sequence[str] = ()
    status: str | None = None
    event_type: str | None = None
    provider: str | None = None
    org_id: uuid.UUID | None = None
    endpoint_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def events(self, connection: sa.Connection) -> sa.ColumnElement[bool]:
        """Return what the events must fulfil."""
        event = WebhookEvent
        equal = {"event_type": event.event_type, "provider": event.provider, "org_id": event.org_id}
        parts: list[Any] = [
            column == getattr(self, name) for name, column in equal.items() if getattr(self, name) is not None
        ]
        if self.event_ids:
            parts.append(among(connection, event.id, list(self.event_ids)))
        if self.since is not None:
            parts.append(event.created_at >= self.since)
        if self.until is not None:
            parts.append(event.created_at < self.until)
        return sa.and_(sa.true(), *parts)


def replay(connection: sa.Connection, selection: Selection) -> int:
    """Make deliveries due now, in the caller's transaction; return of how many events.

    A schedule begins anew, attempts count on, and what is on its way this moment is left alone. An endpoint
    whose breaker is open is asked at once.
    """
    now = utc_now()
    found = _made_due(connection, selection, now)
    if selection.endpoint_id is not None and selection.status in {None, "failed"}:
        found |= _routed_late(connection, selection, now)
    events = sorted(found)
    for first in range(0, len(events), EVENTS_AT_ONCE):
        sum_up(connection, dict.fromkeys(events[first : first + EVENTS_AT_ONCE]))
    _ask_at_once(connection, selection, now)
    return len(events)


def _made_due(connection: sa.Connection, selection: Selection, now: datetime) -> set[str]:
    delivery, event = WebhookDelivery, WebhookEvent
    mine = delivery.event_id.in_(sa.select(event.id).where(selection.events(connection)))
    update = sa.update(delivery).where(
        mine, sa.or_(delivery.lease_until.is_(None), delivery.lease_until < now)
    )
    if selection.endpoint_id is not None:
        update = update.where(delivery.endpoint_id == selection.endpoint_id)
    if selection.status is not None:
        update = update.where(delivery.status == selection.status)
    update = update.values(
        status="pending", next_attempt_at=now, lease_until=None, retries=0, success_at=None
    )
    return set(connection.execute(update.returning(delivery.event_id)).scalars())


def _routed_late(connection: sa.Connection, selection: Selection, now: datetime) -> set[str]:
    """Write the deliveries that an endpoint was never given."""
    endpoint, event, delivery = WebhookEndpoint, WebhookEvent, WebhookDelivery
    receiver = connection.execute(
        sa.select(endpoint.__table__).where(endpoint.id == selection.endpoint_id)
    ).one()
    given = sa.exists().where(delivery.event_id == event.id, delivery.endpoint_id == receiver.id)
    columns = (event.id, event.org_id, event.event_type, event.provider, event.created_at)
    query = sa.select(*columns).where(selection.events(connection), ~given)
    if receiver.org_id is not None:
        query = query.where(event.org_id == receiver.org_id)
    rows = [
        {"event_id": row.id, "endpoint_id": receiver.id, "next_attempt_at": now, "created_at": row.created_at}
        for row in connection.execute(query)
        if wants(receiver, row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    ]
    if rows:
        connection.execute(insert_into(connection, delivery).on_conflict_do_nothing(), rows)
    return {row["event_id"] for row in rows}


def _ask_at_once(connection: sa.Connection, selection: Selection, now: datetime) -> None:
    endpoint = WebhookEndpoint
    due = sa.exists().where(
        WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.next_attempt_at == now
    )
    waiting = sa.update(endpoint).where(endpoint.breaker != "closed", due)
    if selection.endpoint_id is not None:
        waiting = waiting.where(endpoint.id == selection.endpoint_id)
    connection.execute(waiting.values(probe_at=now, held_until=None))
