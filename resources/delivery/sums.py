"""The state of an event, which is the sum of its deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from resources.bulk import among, listed
from resources.tables import WebhookDelivery, WebhookEvent


def sum_up(connection: sa.Connection, events: Mapping[str, str | None]) -> None:
    """Write into events, by id, what their deliveries have come to, and where they were last sent if given.

    An event without any delivery left has nothing left to be done.
    """
    if not events:
        return
    _lock(connection, list(events))
    event, sums = WebhookEvent, _sums(connection, events)
    values = {
        "status": sums.c.status,
        "attempts": sums.c.attempts,
        "n8n_webhook_url": sa.func.coalesce(sums.c.url, event.n8n_webhook_url),
        "last_attempt_at": sums.c.last,
        "next_attempt_at": sums.c.next,
        "success_at": sums.c.success,
        "error_message": sums.c.error,
    }
    connection.execute(sa.update(event).where(event.id == sums.c.event_id).values(**values))


def _lock(connection: sa.Connection, event_ids: Sequence[str]) -> None:
    """Let nobody else sum up these events meanwhile, who would not see what is not committed yet."""
    if connection.dialect.name != "sqlite":
        mine = sa.select(WebhookEvent.id).where(among(connection, WebhookEvent.id, event_ids))
        connection.execute(mine.order_by(WebhookEvent.id).with_for_update())


def _sums(connection: sa.Connection, events: Mapping[str, str | None]) -> sa.Subquery:
    delivery = WebhookDelivery
    told = listed(connection, events.items(), {"event_id": sa.Text(), "url": sa.Text()})
    pending = sa.func.count().filter(delivery.status == "pending")
    failed = sa.func.count().filter(delivery.status == "failed")
    return (
        sa.select(
            told.c.event_id,
            told.c.url,
            sa.case((pending > 0, "pending"), (failed > 0, "failed"), else_="delivered").label("status"),
            sa.func.coalesce(sa.func.sum(delivery.attempts), 0).label("attempts"),
            sa.func.max(delivery.last_attempt_at).label("last"),
            sa.func.min(delivery.next_attempt_at).label("next"),
            sa.case((pending + failed == 0, sa.func.max(delivery.success_at))).label("success"),
            sa.func.max(delivery.error_message).filter(delivery.status != "delivered").label("error"),
        )
        .outerjoin(delivery, told.c.event_id == delivery.event_id)
        .group_by(told.c.event_id, told.c.url)
        .subquery()
    )
