"""Events: what n8n is told, each with an id that follows from what it tells of."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from resources.database import AnyRow, insert_into
from resources.tables import WebhookEvent

EventType = Literal["provider.connected", "data.synced", "scraper.completed", "error.occurred"]
Source = Literal["api", "scraper", "manual"]

PATHS: dict[str, str] = {
    "provider.connected": "provider-event",
    "data.synced": "data-sync",
    "scraper.completed": "scraper-results",
    "error.occurred": "error-alerts",
}
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_CHARACTERS, ID_BITS = 26, 128
LARGEST_BODY_BYTES = 64 * 1024


def event_id(*identity: object) -> str:
    """Return ``evt_`` and 26 characters in ULID's alphabet that follow from ``identity`` alone.

    So the same completion has the same id, whichever process tells of it, and however often.
    """
    named = "\0".join(str(part) for part in identity)
    digest = hashlib.sha256(named.encode(errors="surrogatepass")).digest()
    number = int.from_bytes(digest[: ID_BITS // 8], "big")
    return "evt_" + "".join(
        CROCKFORD[number >> shift & 31] for shift in range(5 * (ID_CHARACTERS - 1), -1, -5)
    )


def stamp(moment: datetime) -> str:
    """Return a moment as bodies carry it: UTC, milliseconds, ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Event:
    """One event as it is stored; ``payload`` holds counts, ids and messages, never a secret."""

    id: str
    type: EventType
    provider: str
    org_id: uuid.UUID
    payload: dict[str, Any]
    created_at: datetime
    source: Source = "api"
    user_id: str | None = None
    run_id: str | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The ``metadata`` of the body."""
        return {"userId": self.user_id, "timestamp": stamp(self.created_at), "source": self.source}


def body_of(event: AnyRow) -> bytes:
    """Return the body to send of a ``webhook_events`` row, the same bytes on every attempt."""
    return msgspec.json.encode(
        {
            "id": event.id,
            "type": event.event_type,
            "provider": event.provider,
            "orgId": str(event.org_id),
            "payload": event.payload,
            "metadata": event.event_metadata,
        },
        order="sorted",
    )


def write_events(connection: sa.Connection, events: Iterable[Event]) -> None:
    """Write events in the caller's transaction; one that is there already is left alone."""
    rows = [
        {
            "id": event.id,
            "org_id": event.org_id,
            "event_type": event.type,
            "provider": event.provider,
            "payload": fitting(event.payload),
            "event_metadata": event.metadata,
            "run_id": event.run_id,
            "status": "pending",
            "attempts": 0,
            "next_attempt_at": event.created_at,
            "created_at": event.created_at,
        }
        for event in events
    ]
    if rows:
        connection.execute(insert_into(connection, WebhookEvent).on_conflict_do_nothing(), rows)


def told_before(
    connection: sa.Connection,
    chain: tuple[str, str],
    org_ids: Iterable[uuid.UUID],
    provider: str,
    kind: EventType,
) -> set[uuid.UUID]:
    """Return the orgs that an earlier run of a chain, its root and its newest run, told of such a kind.

    What is repaired after that is news.
    """
    root_run_id, run_id = chain
    if root_run_id == run_id:
        return set()
    earlier = {event_id(root_run_id, org_id, provider, kind): org_id for org_id in org_ids}
    found = connection.execute(sa.select(WebhookEvent.id).where(WebhookEvent.id.in_(list(earlier))))
    return {earlier[told] for told in found.scalars()}


def fitting(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload with as many of its ``errors`` as fit, the rest counted where it counts."""
    errors = list(payload.get("errors", ()))
    omitted = payload.get("errorsOmitted", 0)
    while errors and len(msgspec.json.encode({**payload, "errors": errors})) > LARGEST_BODY_BYTES - 1024:
        omitted += len(errors) - len(errors) // 2
        errors = errors[: len(errors) // 2]
    changed = {"errors": errors, "errorsOmitted": omitted}
    return {**payload, **{name: value for name, value in changed.items() if name in payload}}
