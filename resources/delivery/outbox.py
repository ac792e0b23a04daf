"""The outbox in the database: what is due, endpoint by endpoint, is claimed under a lease."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from resources.bulk import among, listed
from resources.database import AnyRow, Database, utc_now
from resources.delivery.breaker import Breaker
from resources.tables import UtcDateTime, WebhookDelivery, WebhookEndpoint, WebhookEvent

LEASE = timedelta(seconds=60)
BODY_COLUMNS = ("event_type", "provider", "org_id", "payload", "event_metadata", "sequence")


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    delivery = WebhookDelivery
    free = sa.or_(delivery.lease_until.is_(None), delivery.lease_until < now)
    return sa.and_(delivery.status == "pending", delivery.next_attempt_at <= now, free)


def breaker_of(endpoint: Any) -> Breaker:
    """Return the breaker of an endpoint's row."""
    names = ("failures", "trips", "opened_at", "probe_at")
    return Breaker(endpoint.breaker, **{name: getattr(endpoint, name) for name in names})


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


def claim(
    database: Database, endpoint_id: uuid.UUID, count: int, lease: timedelta = LEASE
) -> Sequence[AnyRow]:
    """Take up to ``count`` due deliveries of an endpoint under a lease, those due first first.

    Each row is a delivery's ``endpoint_id``, ``attempts``, ``retries`` and ``lease_until``, with its event.
    """
    now, delivery, event = utc_now(), WebhookDelivery, WebhookEvent
    due = (
        sa.select(delivery.event_id)
        .where(delivery.endpoint_id == endpoint_id, _is_due(now))
        .order_by(delivery.next_attempt_at)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    mine = sa.and_(delivery.endpoint_id == endpoint_id, delivery.event_id.in_(sa.select(due.c.event_id)))
    take = sa.update(delivery).where(mine).values(lease_until=now + lease).returning(delivery.event_id)
    with database.write() as connection:
        taken = connection.execute(take).scalars().all()
        if not taken:
            return []
        ours = (delivery.endpoint_id, delivery.attempts, delivery.retries, delivery.lease_until)
        columns = (event.__table__.c[name] for name in ("id", *BODY_COLUMNS))
        query = sa.select(*columns, *ours).join(delivery, delivery.event_id == event.id)
        query = query.where(delivery.endpoint_id == endpoint_id, among(connection, event.id, taken))
        return connection.execute(query.order_by(delivery.next_attempt_at)).all()


def begin_probe(database: Database, endpoint: AnyRow, until: datetime) -> bool:
    """Say whether this process may try one event of an endpoint that does not answer; others may not then."""
    table = WebhookEndpoint
    probing = breaker_of(endpoint).probing(until)
    mine = sa.update(table).where(table.id == endpoint.id, table.breaker == endpoint.breaker)
    mine = mine.where(table.probe_at == endpoint.probe_at)
    with database.write() as connection:
        values = {"breaker": probing.state, "probe_at": probing.probe_at}
        return connection.execute(mine.values(**values)).rowcount == 1


def release(database: Database, deliveries: Sequence[AnyRow]) -> None:
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
