"""A sync that tells of itself: its events are tried at once; the sensor is the guarantee."""

from __future__ import annotations

import asyncio
import logging

import httpx

from resources.backline import Backline
from resources.delivery.dispatcher import LONGEST_ROUND_SECONDS, Dispatcher
from resources.sync.engine import Progress, SyncEngine
from resources.sync.report import SyncReport
from resources.sync.request import SyncRequest

logger = logging.getLogger(__name__)


async def sync_and_deliver(
    backline: Backline,
    request: SyncRequest,
    *,
    on_commit: Progress = lambda _: None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> SyncReport:
    """Run the request, delivering its events meanwhile; return how it went."""
    teller = _Teller(Dispatcher(backline, transport))

    def committed(report: SyncReport) -> None:
        teller.heard(report.events)
        on_commit(report)

    telling = asyncio.create_task(teller.tell())
    try:
        return await SyncEngine(backline, request, on_commit=committed, transport=transport).run()
    finally:
        teller.end()
        await telling


class _Teller:
    """Delivers in the background, round after round, while a run writes events."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher, self._events = dispatcher, 0
        self._news, self._ended = asyncio.Event(), False

    def heard(self, events: int) -> None:
        """Take notice of how many events the run has written so far."""
        if events > self._events:
            self._events = events
            self._news.set()

    def end(self) -> None:
        """Let the round under way be the last one."""
        self._ended = True
        self._news.set()

    async def tell(self) -> None:
        """Deliver whenever there is news, until the end; the last round picks up what came during another."""
        while not self._ended:
            await self._news.wait()
            self._news.clear()
            if self._events:
                await self._deliver()

    async def _deliver(self) -> None:
        try:
            await self._dispatcher.deliver_due(LONGEST_ROUND_SECONDS)
        except Exception:  # the sync is committed whatever happens here, and the sensor delivers
            logger.exception("The run could not deliver its events; the sensor will.")
