"""The same call that comes many times at once is taken once, and everybody gets the same receipt."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from resources.errors import InputRefused
from resources.inbound.calls import CallConflicts, Sender, take
from resources.inbound.orders import sample_of
from resources.inbound.reading import read
from resources.tables import AuditEntry, InboundCall, RequestedSync

pytestmark = pytest.mark.webhooks
AT_ONCE = 12


def body(**data):
    return json.dumps(sample_of("sync.requested") | {"data": {"provider": "spotify", **data}}).encode()


def counted(database, table):
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def attempt(database, text, call_id="msg_1"):
    try:
        return take(database, read(text), Sender(call_id, "192.0.2.1"))
    except (CallConflicts, InputRefused) as refusal:
        return refusal


def test_one_call_that_comes_many_times_at_once_is_taken_once(database):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        receipts = list(pool.map(lambda _: attempt(database, body()), range(AT_ONCE)))
    assert len({receipt.id for receipt in receipts}) == 1
    assert [receipt.repeated for receipt in receipts].count(False) == 1
    assert (counted(database, InboundCall), counted(database, RequestedSync)) == (1, 1)


def test_different_calls_that_come_at_once_under_one_id_are_one_call_and_conflicts(database):
    bodies = [body(full=number % 2 == 0, streams=["profile"] * number) for number in range(1, AT_ONCE + 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda text: attempt(database, text), bodies))
    assert [isinstance(one, CallConflicts) for one in outcomes].count(False) == 1
    assert counted(database, RequestedSync) == 1


def test_a_call_that_names_what_is_not_there_leaves_nothing(database):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda _: attempt(database, body(org="nobody")), range(AT_ONCE)))
    assert {type(one) for one in outcomes} == {InputRefused}
    assert [counted(database, table) for table in (InboundCall, RequestedSync, AuditEntry)] == [0, 0, 0]
