"""Refusals are all counted in the audit log, and a flood of them takes few rows."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from resources.inbound.refusal_log import ELSEWHERE, MOST_ROWS, WINDOW_SECONDS, Kind, RefusalLog
from resources.tables import AuditEntry

pytestmark = pytest.mark.webhooks


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        """Return the time, seconds."""
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(backline, clock):
    return RefusalLog(backline, clock)


@pytest.fixture
def entries(backline):
    def read():
        query = sa.select(AuditEntry).where(AuditEntry.action == "inbound.refused")
        with backline.database.read() as connection:
            return connection.execute(query.order_by(AuditEntry.at)).all()

    return read


def kind(number=1, reason="signature"):
    return Kind("unknown", reason, f"192.0.2.{number}")


def counted(rows):
    return sum(row.details["count"] for row in rows)


def test_the_first_of_a_kind_is_written_at_once(log, entries):
    log.note(kind(1))
    log.note(kind(1, "timestamp"))
    log.note(kind(2))
    assert [row.details["count"] for row in entries()] == [1, 1, 1]
    assert (entries()[0].actor, entries()[0].subject) == ("unknown", "/hooks/n8n")
    assert entries()[0].details == {"reason": "signature", "source": "192.0.2.1", "count": 1}


def test_a_flood_takes_few_rows_and_none_of_it_is_forgotten(log, entries, clock):
    for number in range(5_000):
        log.note(kind(number))
    assert len(entries()) == MOST_ROWS
    clock.now += WINDOW_SECONDS
    log.note(kind(1))
    assert len(entries()) == MOST_ROWS + 2
    log.flush()
    rows = entries()
    assert counted(rows) == 5_001
    assert {row.details["source"] for row in rows} >= {ELSEWHERE}


def test_repeats_become_one_number_a_minute(log, entries, clock):
    for _ in range(3):
        for _ in range(1_000):
            log.note(kind())
        clock.now += WINDOW_SECONDS
    log.flush()
    assert [row.details["count"] for row in entries()] == [1, 1_000, 1_000, 999]


def test_flushing_lets_no_second_flood_in(log, entries):
    for _ in range(100):
        log.note(kind())
        log.flush()
    assert counted(entries()) == 100
    log.flush()
    assert counted(entries()) == 100


def test_threads_that_note_at_once_are_all_counted(log, entries):
    threads = [threading.Thread(target=lambda: [log.note(kind()) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.flush()
    assert counted(entries()) == 800


def test_a_database_that_fails_costs_the_entry_alone(log, backline, caplog):
    with backline.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE audit_log")
    log.note(kind())
    assert "not in the audit log" in caplog.text
