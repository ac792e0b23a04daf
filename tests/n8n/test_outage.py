"""n8n away and killed while events come: all arrive, each is worked on once, and how late is printed.

The suite sends few, with workflows that hold an id for a shorter time; for the whole thing, as git has it::

    BACKLINE_N8N_EVENTS=2000 .venv/bin/pytest -o log_cli=true -o log_cli_level=INFO tests/n8n/test_outage.py
"""

import asyncio
import logging
import os
import signal
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines import processes
from pipelines.n8n_server import N8nServer
from pipelines.n8n_server.server import WORKFLOWS
from resources.backline import Backline
from resources.database import utc_now
from resources.delivery.dispatcher import Dispatcher
from resources.events import Event, event_id, write_events
from resources.migrations import upgrade
from resources.schemas import kind_of
from resources.settings import Settings
from resources.tables import Org, WebhookDelivery, WebhookEvent
from resources.vault import signing_secrets_text
from tests.n8n.conftest import Console, read_table
from tests.n8n.sending import TYPES

pytestmark = [pytest.mark.integration, pytest.mark.webhooks, pytest.mark.timeout(3_600)]

EVENTS = int(os.environ.get("BACKLINE_N8N_EVENTS", "60"))
AS_GIT_HAS_IT = EVENTS >= 1_000
AWAY_SECONDS = 20 if AS_GIT_HAS_IT else 4
WRITTEN_AT_ONCE = 10
logger = logging.getLogger(__name__)


def workflows(folder: Path) -> Path:
    """Return the workflows as git has them, or for few events ones that hold an id for 9 s, not 90."""
    if AS_GIT_HAS_IT:
        return WORKFLOWS
    for path in WORKFLOWS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        shorter = text.replace("Date.now() + 90000", "Date.now() + 9000")
        assert (shorter != text) == (path.stem in TYPES)
        (folder / path.name).write_text(shorter, encoding="utf-8")
    return folder


@pytest.fixture
def server(installed: Path, tmp_path: Path, console: Console) -> Iterator[N8nServer]:
    """An n8n of this test's own, because it is killed."""
    settings = Settings(
        home=tmp_path / "n8n",
        n8n_install=installed,
        n8n_port=processes.free_port(),
        n8n_signing_secrets="",
        n8n_api_key="",
        n8n_url="",
        public_url=console.url,
    )
    folder = tmp_path / "workflows"
    folder.mkdir()
    with N8nServer(settings, workflows=workflows(folder)) as started:
        yield started


@pytest.fixture
def backline(server: N8nServer, tmp_path: Path) -> Backline:
    """A Backline with one org, which sends to that n8n."""
    settings = Settings(
        home=tmp_path / "backline",
        n8n_url=server.url,
        n8n_signing_secrets=signing_secrets_text(server.settings),
        database_url="",
    )
    made = Backline(settings)
    upgrade(made.database)
    return made


class Outbox:
    """Events that are written, bit by bit, and what became of them."""

    def __init__(self, backline: Backline) -> None:
        self.backline, self.org, self.written = backline, uuid.uuid4(), 0
        org = {"id": self.org, "slug": "acme", "name": "Acme", "created_at": utc_now()}
        with backline.database.write() as connection:
            connection.execute(sa.insert(Org).values(org))

    def write(self, until: int) -> None:
        """Write events, of the four types in turn, until there are as many."""
        kinds = list(TYPES.values())
        numbers = range(self.written, min(until, EVENTS))
        events = [self._event(kinds[number % len(kinds)], number) for number in numbers]
        with self.backline.database.write() as connection:
            write_events(connection, events)
        self.written += len(events)

    def _event(self, kind: Any, number: int) -> Event:
        payload = dict(kind_of(kind).example["payload"])
        if "accountId" in payload:
            payload["accountId"] = str(uuid.uuid5(self.org, str(number)))
        return Event(event_id("outage", self.org, number), kind, "spotify", self.org, payload, utc_now())

    def statuses(self) -> Counter[str]:
        """Count the events by what became of them."""
        with self.backline.database.read() as connection:
            query = sa.select(WebhookEvent.status, sa.func.count()).group_by(WebhookEvent.status)
            return Counter({row[0]: row[1] for row in connection.execute(query)})

    def lags(self) -> list[tuple[datetime, datetime]]:
        """Return when each event was written and when n8n had done it."""
        with self.backline.database.read() as connection:
            query = sa.select(WebhookEvent.created_at, WebhookEvent.success_at)
            return [(row[0], row[1]) for row in connection.execute(query)]

    def retries(self) -> int:
        """Return the most retries that an event has spent."""
        with self.backline.database.read() as connection:
            return int(connection.execute(sa.select(sa.func.max(WebhookDelivery.retries))).scalar_one())


@contextmanager
def delivering(backline: Backline) -> Iterator[None]:
    """Deliver what is due, round after round, in a thread of its own."""
    over = threading.Event()

    def rounds() -> None:
        while not over.is_set():
            asyncio.run(Dispatcher(backline).deliver_due(5))
            over.wait(0.5)

    thread = threading.Thread(target=rounds)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def stop(server: N8nServer) -> None:
    server.stop()


def kill(server: N8nServer) -> None:
    """End n8n and its children as a lack of memory does."""
    child = server._child
    assert child
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    server.stop()


class Outage:
    """n8n taken away by one way, and brought back."""

    def __init__(self, end: Callable[[N8nServer], None], server: N8nServer) -> None:
        self.name, self.began = end.__name__, utc_now()
        end(server)
        time.sleep(AWAY_SECONDS)
        server.start()
        self.ended = utc_now()

    def log(self, lags: list[tuple[datetime, datetime]]) -> None:
        """Say how late the events of that time were, and when the first came after it."""
        late = [done - at for at, done in lags if self.began <= at <= self.ended]
        first = min(done for _, done in lags if done > self.ended) - self.ended
        logger.info(
            "%s: n8n away for %.0f s, %s; the first event came %.1f s after its return",
            self.name, (self.ended - self.began).total_seconds(), described(late), first.total_seconds(),
        )  # fmt: skip


def described(late: list[timedelta]) -> str:
    """Say the lag of some events."""
    seconds = sorted(one.total_seconds() for one in late)
    if len(seconds) < 2:
        return f"lag of {len(seconds)} events: {seconds}"
    median, high = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    return f"lag of {len(seconds)} events: median {median:.2f} s, p95 {high:.1f} s, worst {seconds[-1]:.1f} s"


def run(outbox: Outbox, server: N8nServer) -> list[Outage]:
    """Write and deliver all events, with n8n stopped at a third of them, and killed at two thirds."""
    outages: list[Outage] = []
    ends = [stop, kill]
    with delivering(outbox.backline):
        writing = threading.Thread(target=write_all, args=(outbox,))
        writing.start()
        while (found := outbox.statuses())["delivered"] < EVENTS:
            assert not found["failed"], found
            if len(outages) < len(ends) and found["delivered"] >= EVENTS * (len(outages) + 1) // 3:
                outages.append(Outage(ends[len(outages)], server))
            time.sleep(0.1)
        writing.join()
    return outages


def write_all(outbox: Outbox) -> None:
    """Write a few events at a time, about as fast as n8n does them, whether it is there or not."""
    while outbox.written < EVENTS:
        outbox.write(outbox.written + WRITTEN_AT_ONCE)
        while outbox.statuses()["pending"] > 2 * WRITTEN_AT_ONCE and not is_away(outbox):
            time.sleep(0.1)
        time.sleep(1)


def is_away(outbox: Outbox) -> bool:
    """Say whether Backline has found that n8n does not answer."""
    with outbox.backline.database.read() as connection:
        query = "SELECT count(*) FROM webhook_endpoints WHERE breaker <> 'closed'"
        return bool(connection.exec_driver_sql(query).scalar_one())


def test_every_event_arrives_and_is_done_once(server: N8nServer, backline: Backline) -> None:
    """n8n stopped at a third and killed at two thirds costs time, and no event."""
    outbox, began = Outbox(backline), time.monotonic()
    outages = run(outbox, server)
    took = time.monotonic() - began
    assert outbox.statuses() == {"delivered": EVENTS}
    time.sleep(2)  # n8n writes down an execution after it has answered
    ids = {row["event_id"] for row in read_table(server, "backline_receipts")}
    done = Counter(row["event_id"] for row in read_table(server, "backline_receipts") if row["done"])
    assert (len(ids), set(done.values())) == (EVENTS, {1})
    assert_worked_once(server, done)
    lags = outbox.lags()
    logger.info("%d events in %.0f s; %s", EVENTS, took, described([done - at for at, done in lags]))
    for outage in outages:
        outage.log(lags)
    logger.info("most retries spent by an event: %d", outbox.retries())


def assert_worked_once(server: N8nServer, done: Counter[str]) -> None:
    """One finished execution an event, or one that was killed between its mark and its end; one row each."""
    finished = Counter(it.event["id"] for it in server.executions() if it.worked and it.event)
    assert set(finished.values()) == {1}
    assert finished.keys() <= done.keys()
    killed = done.keys() - finished.keys()
    logger.info("executions killed after their mark, before n8n wrote them down: %d", len(killed))
    assert len(killed) <= 32, "no more than were on their way"
    for table in ("backline_synced", "backline_scraped"):
        rows = Counter(row["event_id"] for row in read_table(server, table))
        assert (len(rows), set(rows.values())) == (EVENTS // 4, {1})
    alerts = [row for row in read_table(server, "backline_alerts") if row["kind"] != "follow_up"]
    assert (len(alerts), {row["count"] for row in alerts}) == (EVENTS // 4, {1})
