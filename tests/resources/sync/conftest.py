"""Syncs against the simulator, and what they left in the database."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from resources.database import Clock, utc_now
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.streams import table_of
from resources.sync.engine import SyncEngine
from resources.sync.report import SyncReport
from resources.sync.request import SyncRequest
from resources.tables import Base

SPOTIFY = PROVIDERS["spotify"]


@dataclass
class Syncing:
    """A simulated installation whose syncs are run here."""

    simulated: Any
    provider: Provider = SPOTIFY

    def request(
        self, *streams: str, run: str | None = None, root: str | None = None, **more: Any
    ) -> SyncRequest:
        """Return a request for some streams, all where none is named."""
        run = run or uuid.uuid4().hex
        names = streams or tuple(stream.name for stream in self.provider.streams)
        return SyncRequest(self.provider, self.provider.selected(names), run, root or run, **more)

    def sync(self, *streams: str, clock: Clock = utc_now, **more: Any) -> SyncReport:
        """Run a sync without waiting for real; ``clock`` is what the streams are read by."""
        request, transport = self.request(*streams, **more), self.simulated.wire
        engine = SyncEngine(self.simulated.backline, request, transport=transport, clock=clock)
        return self.simulated.run(engine.run())

    def stored(
        self, stream: str, account: uuid.UUID | None = None, *, gone: bool = False
    ) -> list[dict[str, Any]]:
        """Return a stream's rows that are there, or with ``gone`` those that were deleted."""
        table = table_of(self.provider, self.provider.stream(stream))
        query = sa.select(table).where(
            table.c.deleted_at.is_not(None) if gone else table.c.deleted_at.is_(None)
        )
        if account is not None:
            query = query.where(table.c.account_id == account)
        return self.simulated.rows(query.order_by(*table.primary_key))

    def events(self, kind: str = "data.synced") -> list[dict[str, Any]]:
        """Return the events of a type, oldest first."""
        table = Base.metadata.tables["webhook_events"]
        query = sa.select(table).where(table.c.event_type == kind).order_by(table.c.created_at, table.c.id)
        return self.simulated.rows(query)

    def results(self, **marks: Any) -> list[dict[str, Any]]:
        """Return the results that bear the marks."""
        table = Base.metadata.tables["sync_results"]
        query = sa.select(table).order_by(table.c.account_id, table.c.asset)
        for name, value in marks.items():
            query = query.where(table.c[name] == value)
        return self.simulated.rows(query)

    def account(self, account: uuid.UUID) -> dict[str, Any]:
        """Return an account's row."""
        table = Base.metadata.tables["connected_accounts"]
        (found,) = self.simulated.rows(sa.select(table).where(table.c.id == account))
        return found

    def everything(self, *but: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return all stream tables' rows, without the columns named."""
        found = {}
        for stream in self.provider.streams:
            table = table_of(self.provider, stream)
            columns = [column for column in table.columns if column.name not in but]
            rows = self.simulated.rows(sa.select(*columns).order_by(*table.primary_key))
            found[stream.name] = [tuple(map(str, row.values())) for row in rows]
        return found


@pytest.fixture
def syncing(simulated: Any) -> Syncing:
    return Syncing(simulated)


@pytest.fixture
def on_youtube(simulated: Any) -> Syncing:
    return Syncing(simulated, PROVIDERS["youtube"])


@pytest.fixture
def on_instagram(simulated: Any) -> Syncing:
    return Syncing(simulated, PROVIDERS["instagram"])


@pytest.fixture(scope="session")
def spotify() -> Provider:
    return SPOTIFY
