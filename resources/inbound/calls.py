"""Calls that were taken: each once by its id, with what it asks for in the same transaction."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.database import AnyRow, Database, insert_into, utc_now
from resources.inbound.effects import ACTOR, carry_out
from resources.inbound.orders import Call
from resources.inbound.outcome import ENDED, OPEN, outcome_of
from resources.tables import InboundCall

REFRESHED_AT_ONCE = 200


class CallConflicts(Exception):  # an answer to whoever called
    """The id was used for another call."""


@dataclass(frozen=True)
class Sender:
    """Under which id a call came, and from which address."""

    webhook_id: str
    source: str


@dataclass(frozen=True)
class Receipt:
    """A call that was taken; ``repeated`` says that it had been before, so that nothing was done."""

    id: uuid.UUID
    type: str
    repeated: bool


def take(database: Database, call: Call, sender: Sender) -> Receipt:
    """Take a call and write what it asks for, or return the receipt of the same call before.

    Raise ``CallConflicts`` where another call had the id, ``InputRefused`` for what does not exist.
    """
    call_id = uuid.uuid4()
    with database.write() as connection:
        insert = insert_into(connection, InboundCall).values(id=call_id, **_values(call, sender))
        mine = insert.on_conflict_do_nothing(index_elements=["webhook_id"]).returning(InboundCall.id)
        if connection.execute(mine).first() is None:
            return _receipt_before(connection, call, sender)
        results = carry_out(connection, call_id, call)
        if results is not None:
            done = {"status": "completed", "results": results, "completed_at": utc_now()}
            connection.execute(sa.update(InboundCall).where(InboundCall.id == call_id).values(**done))
        audit.record(connection, ACTOR, "inbound.taken", f"{call.type}/{call_id}", source=sender.source)
    return Receipt(call_id, call.type, repeated=False)


def asked_hash(call: Call) -> str:
    """Return what tells a repeat from another call: all that is asked for, not when it was asked."""
    asked = call.model_dump_json(exclude={"timestamp"}, by_alias=True, exclude_unset=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _values(call: Call, sender: Sender) -> dict[str, Any]:
    return {
        "webhook_id": sender.webhook_id,
        "type": call.type,
        "data": call.data.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "asked_hash": asked_hash(call),
        "source_address": sender.source,
        "status": "accepted",
        "received_at": utc_now(),
    }


def _receipt_before(connection: sa.Connection, call: Call, sender: Sender) -> Receipt:
    columns = (InboundCall.id, InboundCall.type, InboundCall.asked_hash)
    row = connection.execute(sa.select(*columns).where(InboundCall.webhook_id == sender.webhook_id)).one()
    if row.asked_hash != asked_hash(call):
        raise CallConflicts
    return Receipt(row.id, row.type, repeated=True)


def find(database: Database, call_id: uuid.UUID) -> AnyRow | None:
    """Return a call as it is now, ``None`` where there is none."""
    query = sa.select(InboundCall).where(InboundCall.id == call_id)
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or row.status in ENDED:
        return row
    _refresh(database, row)
    with database.read() as connection:
        return connection.execute(query).one_or_none()


def refresh_open(database: Database) -> None:
    """Bring the calls that have not ended up to date with what they asked for."""
    open_calls = sa.select(InboundCall).where(InboundCall.status.in_(OPEN))
    with database.read() as connection:
        rows = connection.execute(open_calls.order_by(InboundCall.received_at).limit(REFRESHED_AT_ONCE)).all()
    for row in rows:
        _refresh(database, row)


def _refresh(database: Database, row: AnyRow) -> None:
    with database.read() as connection:
        outcome = outcome_of(connection, row)
    if outcome is None or (outcome.status, outcome.results) == (row.status, row.results):
        return
    ended = utc_now() if outcome.status in ENDED else None
    mine = (InboundCall.id == row.id) & InboundCall.status.in_(OPEN)
    values = {"status": outcome.status, "results": outcome.results, "error_message": outcome.error}
    with database.write() as connection:
        connection.execute(sa.update(InboundCall).where(mine).values(**values, completed_at=ended))
