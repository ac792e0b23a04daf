"""The dispatcher: brings what is due to every endpoint, each at its own pace, and records it in batches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

import httpx
from sqlalchemy.exc import DBAPIError

from resources.backline import Backline
from resources.database import AnyRow, is_passing, utc_now
from resources.delivery.lanes import Lane, Parts
from resources.delivery.outbox import LEASE, begin_probe, claim, due_endpoints, release
from resources.delivery.recording import DeliveryReport, Result, record
from resources.delivery.wire import POST_TIMEOUT_SECONDS, Wire

logger = logging.getLogger(__name__)

LONGEST_ROUND_SECONDS = 20
POLL_SECONDS = 0.08
ENDPOINTS_AT_ONCE = 64
MOST_UNRECORDED = 4_000
LINGER_SECONDS = 0.05
RECORDING_PAUSE_SECONDS = 0.5
RECORDING_GRACE_SECONDS = 30


class Dispatcher:
    """Delivers due events; any number of them may run at once.

    ``lease`` is how long a claimed event is nobody else's, ``patience`` the seconds a receiver has.
    """

    def __init__(
        self,
        backline: Backline,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        lease: timedelta = LEASE,
        patience: float = POST_TIMEOUT_SECONDS,
    ) -> None:
        self._backline, self._transport = backline, transport
        self._lease, self._patience = lease, patience

    async def deliver_due(self, seconds: float) -> DeliveryReport:
        """Deliver what is due until nothing is, or ``seconds`` have passed; no receiver makes it raise.

        Posts under way at the end are waited for, up to their patience; meanwhile others go on.
        """
        until = time.monotonic() + min(seconds, LONGEST_ROUND_SECONDS)
        report = DeliveryReport()
        due = await asyncio.to_thread(self._due)
        if due:
            async with Wire(self._backline.settings, self._transport, self._patience) as wire:
                await _Round(self._backline, wire, self._lease, until, report).run()
        return report

    def _due(self) -> Sequence[AnyRow]:
        return due_endpoints(self._backline.database, with_n8n=bool(self._backline.settings.n8n_url))


class _Round:
    """One round of delivering: lanes, what they are given, and what came of it."""

    def __init__(
        self, backline: Backline, wire: Wire, lease: timedelta, until: float, report: DeliveryReport
    ) -> None:
        self._backline, self._database = backline, backline.database
        self._lease, self._until, self._report = lease, until, report
        self._lanes: dict[uuid.UUID, Lane] = {}
        self._results: list[Result] = []
        self._is_recording = False
        self._wake, self._news, self._ended = asyncio.Event(), asyncio.Event(), False
        self._parts = Parts(backline, wire, until, self._done, self._wake.set)

    async def run(self) -> None:
        """Deliver until nothing is due and nothing under way, or the time is up, or the database is away."""
        recording = asyncio.create_task(self._record_all())
        try:
            await self._claim_until_done()
        except DBAPIError as error:
            logger.warning("Nothing more can be claimed for now: %s", type(error.orig).__name__)
        finally:
            await self._finish()
            self._ended = True
            self._news.set()
            await recording

    async def _claim_until_done(self) -> None:
        """Claim until nothing is due, or the time is up and nobody keeps us who is not given up yet.

        While one hangs, the others go on: a round that only waited would hold up their events as well.
        """
        last = self._until + self._parts.wire.patience
        while time.monotonic() < last:
            is_over = time.monotonic() >= self._until
            if is_over and not self._stop_slow_lanes():
                break
            self._wake.clear()
            claimed = await self._claim_all() if len(self._results) < MOST_UNRECORDED else 0
            if not claimed and not self._is_busy() and not self._wake.is_set():
                break  # and nothing was recorded meanwhile that may have made something due
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    def _stop_slow_lanes(self) -> bool:
        """Let slow lanes begin nothing more; say whether one still has a post under way."""
        for lane in self._lanes.values():
            if lane.is_slow or lane.endpoint.rate_limit:
                lane.stop()
        return any(lane.is_slow for lane in self._lanes.values())

    def _is_busy(self) -> bool:
        return bool(self._results) or self._is_recording or self._is_under_way()

    def _is_under_way(self) -> bool:
        return any(lane.is_busy for lane in self._lanes.values())

    async def _claim_all(self) -> int:
        """Give every lane that has room some of what is due for it; return how many deliveries."""
        with_n8n = bool(self._backline.settings.n8n_url)
        endpoints = list(await asyncio.to_thread(due_endpoints, self._database, with_n8n=with_n8n))
        total = 0
        for endpoint in random.sample(endpoints, min(len(endpoints), ENDPOINTS_AT_ONCE)):
            total += await self._claim(self._lane(endpoint), endpoint)
        return total

    def _lane(self, endpoint: AnyRow) -> Lane:
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = Lane(self._parts, endpoint)
            self._lanes[endpoint.id] = lane
        return lane

    async def _claim(self, lane: Lane, endpoint: AnyRow) -> int:
        is_probe = endpoint.breaker != "closed"
        room = int(not lane.is_busy) if is_probe else lane.room()
        if not room or lane.is_stopped or (lane.is_resting and not is_probe):
            return 0
        if is_probe and not await asyncio.to_thread(
            begin_probe, self._database, endpoint, utc_now() + self._lease
        ):
            return 0
        deliveries = await asyncio.to_thread(claim, self._database, endpoint.id, room, self._lease)
        lane.take(deliveries, is_probe=is_probe, more=len(deliveries) == room and not is_probe)
        return len(deliveries)

    def _done(self, result: Result) -> None:
        self._results.append(result)
        self._news.set()

    async def _finish(self) -> None:
        """Wait for the posts under way, and give back what was not begun."""
        for lane in self._lanes.values():
            lane.stop()
        while workers := [worker for lane in self._lanes.values() for worker in lane.workers]:
            await asyncio.wait(workers)
        unsent = [delivery for lane in self._lanes.values() for delivery in lane.unsent]
        with contextlib.suppress(DBAPIError):  # their leases end by themselves
            await asyncio.to_thread(release, self._database, unsent)
        for lane in self._lanes.values():
            await lane.aclose()

    async def _record_all(self) -> None:
        """Record what has come since, batch after batch, until the round has ended."""
        while not self._ended or self._results:
            await self._news.wait()
            self._news.clear()
            while self._results:
                await asyncio.sleep(LINGER_SECONDS if self._is_under_way() else 0)
                batch, self._results, self._is_recording = self._results, [], True
                await self._record(batch)
                self._is_recording = False
                self._wake.set()

    async def _record(self, batch: Sequence[Result]) -> None:
        """Record a batch, trying again while the database is away.

        One that it refuses is recorded half by half; what is left out at last is repeated after its lease.
        """
        deadline = max(self._until, time.monotonic()) + RECORDING_GRACE_SECONDS
        while True:
            try:
                return await asyncio.to_thread(record, self._database, batch, self._report)
            except DBAPIError as error:
                if is_passing(error) and time.monotonic() < deadline:
                    logger.warning("The database is away; %d attempts wait to be recorded.", len(batch))
                    await asyncio.sleep(RECORDING_PAUSE_SECONDS)
                elif is_passing(error) or len(batch) == 1:
                    logger.exception("%d attempts are not recorded, and will be repeated.", len(batch))
                    return None
                else:
                    break
        middle = len(batch) // 2
        await self._record(batch[:middle])
        return await self._record(batch[middle:])
