"""Events: what n8n is told, each with an id that follows from what it tells of."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from resources.database import insert_into
from resources.delivery.routing import route
from resources.errors import EventInvalid
from resources.schemas import EventType, validator_of
from resources.tables import EVENT_SEQUENCE, WebhookEvent

Source = Literal["api", "scraper", "manual"]

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_CHARACTERS, ID_BITS = 26, 128
LARGEST_BODY_BYTES = 64 * 1024
LONGEST_TEXT = 1_000


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


def body_of(event: Any) -> bytes:
    """Return the body of what has a ``webhook_events`` row's columns, the same bytes on every attempt."""
    body = {
        "id": event.id,
        "type": event.event_type,
        "provider": event.provider,
        "orgId": str(event.org_id),
        "payload": event.payload,
        "metadata": {**event.event_metadata, "sequence": event.sequence},
    }
    return msgspec.json.encode(body, order="sorted")


def write_events(connection: sa.Connection, events: Iterable[Event]) -> None:
    """Write events, and their ways to the endpoints that want them, in the caller's transaction.

    One that is there already is left alone. Raise ``EventInvalid`` where one is not what its schema
    promises, or too large: that is a fault of whoever made it.
    """
    wanted = list(events)
    if not wanted:
        return
    rows = [
        _row(event, sequence)
        for event, sequence in zip(wanted, _sequences(connection, len(wanted)), strict=True)
    ]
    for row in rows:
        _validate(row)
    insert = insert_into(connection, WebhookEvent).on_conflict_do_nothing().returning(WebhookEvent.id)
    new = set(connection.execute(insert, rows).scalars())
    route(connection, [row for row in rows if row["id"] in new])


def _row(event: Event, sequence: int) -> dict[str, Any]:
    return {
        "id": event.id,
        "sequence": sequence,
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


def _sequences(connection: sa.Connection, count: int) -> Sequence[int]:
    if connection.dialect.name == "sqlite":  # which has one writer at a time, and no sequences
        last = connection.execute(sa.select(sa.func.max(WebhookEvent.sequence))).scalar_one() or 0
        return range(last + 1, last + 1 + count)
    drawn = sa.select(EVENT_SEQUENCE.next_value()).select_from(sa.func.generate_series(1, count))
    return connection.execute(drawn).scalars().all()


def _validate(row: dict[str, Any]) -> None:
    body = body_of(SimpleNamespace(**row))
    fault = next(validator_of(row["event_type"]).iter_errors(msgspec.json.decode(body)), None)
    if fault is not None:
        raise EventInvalid(row["event_type"], fault.json_path, fault.validator)
    if len(body) > LARGEST_BODY_BYTES:
        raise EventInvalid(row["event_type"], "$", f"{LARGEST_BODY_BYTES} bytes at most")


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
    """Return the payload with long texts cut, and with as many of its ``errors`` as fit, the rest counted."""
    cut = {name: _cut(value) for name, value in payload.items()}
    errors = [{name: _cut(value) for name, value in error.items()} for error in payload.get("errors", ())]
    omitted = payload.get("errorsOmitted", 0)
    while errors and len(msgspec.json.encode({**cut, "errors": errors})) > LARGEST_BODY_BYTES - 1024:
        omitted += len(errors) - len(errors) // 2
        errors = errors[: len(errors) // 2]
    changed = {"errors": errors, "errorsOmitted": omitted}
    return {**cut, **{name: value for name, value in changed.items() if name in payload}}


def _cut(value: Any) -> Any:
    return f"{value[: LONGEST_TEXT - 1]}…" if isinstance(value, str) and len(value) > LONGEST_TEXT else value
