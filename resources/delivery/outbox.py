"""The outbox in the database: what is due, endpoint by endpoint, is claimed under a lease."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from resources.bulk import among, listed
from resources.database import AnyRow, Database, utc_now
from resources.delivery.breaker import Breaker
from resources.tables import UtcDateTime, WebhookDelivery, WebhookEndpoint, WebhookEvent

LEASE = timedelta(seconds=60)


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    delivery = WebhookDelivery
    free = sa.or_(delivery.lease_until.is_(None), delivery.lease_until < now)
    return sa.and_(delivery.status == "pending", delivery.next_attempt_at <= now, free)


def breaker_of(endpoint: Any) -> Breaker:
    """Return the breaker of an endpoint's row."""
    names = ("failures", "trips", "opened_at", "probe_at")
    return Breaker(endpoint.breaker, **{name: getattr(endpoint, name) for name in names})


def columns_of(breaker: Breaker) -> dict[str, Any]:
    """Return a breaker as the columns of its endpoint."""
    names = ("failures", "trips", "opened_at", "probe_at")
    return {"breaker": breaker.state, **{name: getattr(breaker, name) for name in names}}


def due_endpoints(database: Database, *, with_n8n: bool) -> Sequence[AnyRow]:
    """Return the endpoints that something is due for and that may be asked now."""
    now, endpoint = utc_now(), WebhookEndpoint
    due = sa.exists().where(WebhookDelivery.endpoint_id == endpoint.id, _is_due(now))
    query = (
        sa.select(endpoint.__table__)
        .where(endpoint.enabled, sa.or_(endpoint.held_until.is_(None), endpoint.held_until <= now))
        .where(sa.or_(endpoint.breaker == "closed", endpoint.probe_at <= now), due)
    )
    query = query if with_n8n else query.where(endpoint.url.is_not(None))
    with database.read() as connection:
        return connection.execute(query).all()


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A delivery under a lease, with the event that is to be delivered, as the columns are named."""

    id: str
    event_type: str
    provider: str
    org_id: uuid.UUID
    payload: msgspec.Raw
    event_metadata: dict[str, Any]
    sequence: int
    endpoint_id: uuid.UUID
    attempts: int
    retries: int
    lease_until: datetime


EVENT_COLUMNS = ("id", "event_type", "provider", "org_id", "event_metadata", "sequence")


def claim(
    database: Database, endpoint_id: uuid.UUID, count: int, lease: timedelta = LEASE
) -> Sequence[Claimed]:
    """Take up to ``count`` due deliveries of an endpoint under a lease, those due first first."""
    until, event = utc_now() + lease, WebhookEvent
    with database.write_lightly() as connection:
        taken = {row.event_id: row for row in _lease(connection, endpoint_id, count, until)}
        if not taken:
            return []
        columns = (event.__table__.c[name] for name in EVENT_COLUMNS)
        query = sa.select(*columns, _as_stored(connection, event.payload)).where(
            among(connection, event.id, list(taken))
        )
        events = {row.id: row for row in connection.execute(query)}
    in_order = sorted(taken.values(), key=lambda row: row.next_attempt_at)
    return [_claimed(events[row.event_id], row, endpoint_id, until) for row in in_order]


def _claimed(event: AnyRow, delivery: AnyRow, endpoint_id: uuid.UUID, until: datetime) -> Claimed:
    return Claimed(
        event.id,
        event.event_type,
        event.provider,
        event.org_id,
        msgspec.Raw(event.payload),
        event.event_metadata,
        event.sequence,
        endpoint_id,
        delivery.attempts,
        delivery.retries,
        until,
    )


def _as_stored(connection: sa.Connection, payload: Any) -> sa.Label[str]:
    """Return a payload as the text it is kept as: it goes into the body as it is."""
    text = sa.type_coerce if connection.dialect.name == "sqlite" else sa.cast
    return text(payload, sa.Text).label("payload")


def _lease(
    connection: sa.Connection, endpoint_id: uuid.UUID, count: int, until: datetime
) -> Iterable[AnyRow]:
    delivery = WebhookDelivery
    due = (
        sa.select(delivery.event_id)
        .where(delivery.endpoint_id == endpoint_id, _is_due(utc_now()))
        .order_by(delivery.next_attempt_at)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    mine = sa.and_(delivery.endpoint_id == endpoint_id, delivery.event_id.in_(sa.select(due.c.event_id)))
    take = sa.update(delivery).where(mine).values(lease_until=until)
    return connection.execute(
        take.returning(delivery.event_id, delivery.attempts, delivery.retries, delivery.next_attempt_at)
    )


def begin_probe(database: Database, endpoint: AnyRow, until: datetime) -> bool:
    """Say whether this process may try one event of an endpoint that does not answer; others may not then."""
    table = WebhookEndpoint
    probing = breaker_of(endpoint).probing(until)
    mine = sa.update(table).where(table.id == endpoint.id, table.breaker == endpoint.breaker)
    mine = mine.where(table.probe_at == endpoint.probe_at)
    with database.write() as connection:
        values = {"breaker": probing.state, "probe_at": probing.probe_at}
        return connection.execute(mine.values(**values)).rowcount == 1


def release(database: Database, deliveries: Sequence[Claimed]) -> None:
    """Give back claimed deliveries that were not tried."""
    if not deliveries:
        return
    table = WebhookDelivery
    columns = {"event_id": sa.Text(), "endpoint_id": sa.Uuid(), "lease": UtcDateTime(timezone=True)}
    rows = [(row.id, row.endpoint_id, row.lease_until) for row in deliveries]
    with database.write() as connection:
        ours = listed(connection, rows, columns)
        connection.execute(sa.update(table).where(*held(ours)).values(lease_until=None))


def held(ours: sa.Subquery) -> tuple[sa.ColumnElement[bool], ...]:
    """Match deliveries that are still under the lease of whoever claimed them."""
    table = WebhookDelivery
    return (
        table.event_id == ours.c.event_id,
        table.endpoint_id == ours.c.endpoint_id,
        table.lease_until == ours.c.lease,
    )
