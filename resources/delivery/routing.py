"""Routing: which endpoints want an event, decided once, in the transaction that writes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from resources.database import AnyRow, insert_into
from resources.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent


def wants(endpoint: Any, event: Any) -> bool:
    """Say whether an endpoint wants an event: of its org, a type and a provider it asked for."""
    return (
        endpoint.org_id in (None, event["org_id"])
        and event["event_type"] in (endpoint.event_types or (event["event_type"],))
        and event["provider"] in (endpoint.providers or (event["provider"],))
    )


def route(connection: sa.Connection, events: Sequence[Mapping[str, Any]]) -> None:
    """Write a delivery for each endpoint that wants one of some new events.

    An event that nobody wants has nothing left to be done, and counts as delivered.
    """
    if not events:
        return
    endpoints = _enabled(connection, {event["org_id"] for event in events})
    rows = list(_deliveries(endpoints, events))
    if rows:
        connection.execute(insert_into(connection, WebhookDelivery).on_conflict_do_nothing(), rows)
    unwanted = {event["id"] for event in events} - {row["event_id"] for row in rows}
    if unwanted:
        done = sa.update(WebhookEvent).where(WebhookEvent.id.in_(unwanted))
        connection.execute(done.values(status="delivered", next_attempt_at=None))


def _enabled(connection: sa.Connection, org_ids: Collection[Any]) -> Sequence[AnyRow]:
    endpoint = WebhookEndpoint
    names = (endpoint.id, endpoint.org_id, endpoint.event_types, endpoint.providers)
    theirs = sa.or_(endpoint.org_id.is_(None), endpoint.org_id.in_(org_ids))
    return connection.execute(sa.select(*names).where(endpoint.enabled, theirs)).all()


def _deliveries(endpoints: Sequence[AnyRow], events: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for event in events:
        for endpoint in endpoints:
            if wants(endpoint, event):
                yield {
                    "event_id": event["id"],
                    "endpoint_id": endpoint.id,
                    "status": "pending",
                    "next_attempt_at": event["created_at"],
                    "created_at": event["created_at"],
                }
