"""What a person or program may order about events: that some are sent again."""

import uuid
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.backline import Backline
from resources.database import AnyRow
from resources.delivery.replay import Selection, replay
from resources.tables import Org, WebhookEndpoint


def replay_events(backline: Backline, actor: str, *selections: Selection) -> int:
    """Make deliveries due again, and note who asked; return of how many events."""
    with backline.database.write() as connection:
        count = sum(replay(connection, selection) for selection in selections)
        asked = [_told(selection) for selection in selections]
        audit.record(connection, actor, "events.replayed", "webhook_events", events=count, asked=asked)
    return count


def _told(selection: Selection) -> dict[str, Any]:
    """Return the fields that were given, as the audit log holds them."""
    given = {name: value for name, value in asdict(selection).items() if value}
    return {name: list(value) if isinstance(value, tuple) else str(value) for name, value in given.items()}


def find_endpoint(backline: Backline, endpoint_id: uuid.UUID) -> AnyRow | None:
    """Return an endpoint and its org's slug, or ``None`` where there is none of that id."""
    endpoint = WebhookEndpoint
    with backline.database.read() as connection:
        return connection.execute(
            sa.select(endpoint.__table__, Org.slug.label("org"))
            .outerjoin(Org, Org.id == endpoint.org_id)
            .where(endpoint.id == endpoint_id)
        ).one_or_none()


def replay_failed(backline: Backline, actor: str, endpoint: AnyRow) -> int:
    """Send now what an endpoint gave up, what waits for a later try, and what it missed while disabled.

    Events that are older than an org's endpoint were never meant for it.
    """
    since = None if endpoint.url is None else endpoint.created_at
    waiting = Selection(status="pending", endpoint_id=endpoint.id)
    return replay_events(
        backline, actor, waiting, Selection(status="failed", endpoint_id=endpoint.id, since=since)
    )
