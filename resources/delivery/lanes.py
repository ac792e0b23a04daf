"""A lane: one endpoint's events on their way, as many at once as it takes, whatever the others do."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from resources.backline import Backline
from resources.database import AnyRow, utc_now
from resources.delivery.endpoints import Kept, signing_secrets, unsealed
from resources.delivery.outbox import Claimed, breaker_of
from resources.delivery.pace import Pace
from resources.delivery.recording import Result
from resources.delivery.wire import Answer, Letter, Wire
from resources.errors import BacklineError
from resources.events import body_of
from resources.limiter import AppLimiter
from resources.provider import Limit
from resources.schemas import PATHS

MOST_WAITING = 2_000
SLOW_SECONDS = 1.0


def address_of(backline: Backline, endpoint: AnyRow, event_type: str) -> str:
    """Return where an endpoint's events of a type go."""
    return endpoint.url or f"{backline.settings.n8n_url.rstrip('/')}/webhook/{PATHS[event_type]}"


@dataclass(frozen=True)
class Parts:
    """What all lanes of a round, which ends at ``until``, stand on.

    ``done`` takes each result; ``wake`` is called when a lane could take more, and when it has done all.
    """

    backline: Backline
    wire: Wire
    until: float
    done: Callable[[Result], None]
    wake: Callable[[], None]


class Lane:
    """The way to one endpoint during one round."""

    def __init__(self, parts: Parts, endpoint: AnyRow) -> None:
        self.endpoint, self.workers, self.unsent = endpoint, set[asyncio.Task[None]](), list[Claimed]()
        self._parts, self._backline, self.is_stopped = parts, parts.backline, False
        self._under_way: dict[str, float] = {}
        self._waiting, self._more, self._is_probe = deque[Claimed](), False, False
        self._low, self._answered, self._is_held = 0, 0, False
        self._patience = timedelta(seconds=parts.wire.patience)
        self._pace = Pace(endpoint.max_in_flight or self._backline.settings.delivery_concurrency)
        self._breaker = breaker_of(endpoint)
        self._limiter = _limiter(self._backline, endpoint)
        self._kept, self._fault = _opened(self._backline, endpoint)

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way or waits to be."""
        return bool(self.workers or self._waiting)

    @property
    def is_resting(self) -> bool:
        """Whether the endpoint does not answer, or asked to be left alone, as far as this lane has seen."""
        return self._is_held or self._breaker.state != "closed"

    @property
    def is_slow(self) -> bool:
        """Whether a post has been under way for long: it may be so until its receiver is given up."""
        oldest = next(iter(self._under_way.values()), None)
        return oldest is not None and time.perf_counter() - oldest > SLOW_SECONDS

    def room(self) -> int:
        """Return how many more deliveries are worth claiming: about what it took since it was last asked."""
        wanted = min(max(2 * self._pace.limit, 2 * self._answered), MOST_WAITING)
        self._answered = 0
        return max(0, wanted - len(self._waiting) - len(self.workers))

    def take(self, deliveries: Sequence[Claimed], *, is_probe: bool, more: bool) -> None:
        """Begin with claimed deliveries; ``more`` may be due."""
        self._waiting.extend(deliveries)
        self._is_probe, self._more, self._low = is_probe, more, len(self._waiting) // 2
        self._staff()

    def stop(self) -> None:
        """Begin nothing any more."""
        self.is_stopped = True
        self.unsent.extend(self._waiting)
        self._waiting.clear()

    async def aclose(self) -> None:
        """Close the connections to the shared counts of the endpoint's rate."""
        if self._limiter is not None:
            await self._limiter.aclose()

    def _staff(self) -> None:
        for _ in range(min(self._pace.limit - len(self.workers), len(self._waiting))):
            self.workers.add(asyncio.create_task(self._work()))

    def _leave(self) -> None:
        """Take a worker off at once: the next one asks how many there are."""
        task = asyncio.current_task()
        if task is not None:
            self.workers.discard(task)
        if not self.workers:
            self._parts.wake()

    async def _work(self) -> None:
        try:
            while self._waiting and len(self.workers) <= self._pace.limit:
                await self._deliver(self._waiting.popleft())
        finally:
            self._leave()

    async def _deliver(self, delivery: Claimed) -> None:
        if self._more and len(self._waiting) == self._low:
            self._parts.wake()
        if not await self._may_post(delivery):
            self.unsent.append(delivery)
            return
        url = address_of(self._backline, self.endpoint, delivery.event_type)
        started, is_probe = time.perf_counter(), self._is_probe
        self._under_way[delivery.id] = started
        answer = await self._post(delivery, url)
        del self._under_way[delivery.id]
        self._learn(answer, time.perf_counter() - started)
        self._parts.done(Result(delivery, url, answer, is_probe))

    async def _may_post(self, delivery: Claimed) -> bool:
        """Wait for the endpoint's rate; say no where it is down, or round or lease would end before."""
        if self.is_stopped or (self.is_resting and not self._is_probe):
            return False
        if self._limiter is not None:
            try:
                async with asyncio.timeout(max(0.0, self._parts.until - time.monotonic())):
                    await self._limiter.acquire()
            except TimeoutError:
                return False
        return utc_now() + self._patience < delivery.lease_until

    async def _post(self, delivery: Claimed, url: str) -> Answer:
        if self._kept is None:
            return Answer(utc_now(), 0, None, None, self._fault, None)
        secrets = signing_secrets(self._backline, self._kept)
        return await self._parts.wire.post(
            Letter(url, delivery.id, body_of(delivery), secrets, self._kept.headers)
        )

    def _learn(self, answer: Answer, seconds: float) -> None:
        self._answered += 1
        self._is_held = self._is_held or answer.asks_for_time
        self._pace.answered(seconds, taken=answer.shows_life)
        self._breaker = self._breaker.after((answer.shows_life,), utc_now())
        self._staff()


def _limiter(backline: Backline, endpoint: AnyRow) -> AppLimiter | None:
    if not endpoint.rate_limit:
        return None
    return AppLimiter(
        f"endpoint/{endpoint.id}", Limit.parse(endpoint.rate_limit), backline.settings.redis_url
    )


def _opened(backline: Backline, endpoint: AnyRow) -> tuple[Kept | None, str | None]:
    """Return what is sealed of an endpoint, or why it cannot be used."""
    try:
        return unsealed(backline, endpoint), None
    except BacklineError as error:
        return None, str(error)
