"""Requests that several accounts share: each account says what it needs, full requests go out at once.

A request that is not full waits until nothing but waiting is left: every account under way needs an
answer, and none is on its way. One of the accounts asks for all of them, with its own grant or with the
app's key; where its grant is refused, another of them asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from resources.errors import ParkingError, PermissionMissing, ProviderError
from resources.records import Row


@dataclass(frozen=True)
class Answer:
    """The rows that a request brought, by their ids; ``problems`` tell why some may be missing."""

    rows: Mapping[str, Row]
    problems: tuple[str, ...] = ()


Ask = Callable[[Sequence[str]], Awaitable[Answer]]


@dataclass(eq=False)
class Wait:
    """One account that waits for rows."""

    ask: Ask
    missing: set[str]
    done: asyncio.Future[None]
    rows: dict[str, Row] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)


class Crowd:
    """The accounts under way in one run, at most ``size``, and the shared requests that they wait for."""

    def __init__(self, size: int) -> None:
        self._size, self._is_complete = size, False
        self._active = self._waiting = self._in_flight = 0
        self._queues: list[SharedRequests] = []

    def requests(self, size: int) -> SharedRequests:
        """Return a new queue of requests for at most ``size`` ids each."""
        queue = SharedRequests(self, size)
        self._queues.append(queue)
        return queue

    async def aclose(self) -> None:
        """Give up the requests under way, at the end of the run or in the middle of it."""
        for queue in self._queues:
            await queue.aclose()

    def enter(self) -> None:
        """Count one more account under way."""
        self._active += 1

    def complete(self) -> None:
        """Take notice that no further account will enter."""
        self._is_complete = True
        self.flush_if_idle()

    def leave(self) -> None:
        """Count one account less; it may have been the one that the others waited for."""
        self._active -= 1
        self.flush_if_idle()

    def waits(self, change: int) -> None:
        """Count accounts that began, or ended, to wait."""
        self._waiting += change

    def flies(self, change: int) -> None:
        """Count requests that went out, or came back."""
        self._in_flight += change

    def flush_if_idle(self) -> None:
        """Send what is not full where waiting longer cannot fill it."""
        is_full = self._is_complete or self._active >= self._size
        if is_full and not self._in_flight and self._waiting == self._active:
            for queue in self._queues:
                queue.flush()


class SharedRequests:
    """The requests of one stream that accounts share."""

    def __init__(self, crowd: Crowd, size: int) -> None:
        self._crowd, self._size = crowd, size
        self._pending: list[tuple[str, Wait]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, ids: Collection[str], ask: Ask) -> Wait:
        """Return once all ids were asked for; raise the ``ProviderError`` that stood in the way."""
        wait = Wait(ask, set(ids), asyncio.get_running_loop().create_future())
        if not wait.missing:
            return wait
        self._crowd.waits(1)
        self._pending += [(one, wait) for one in dict.fromkeys(ids)]
        self._send_full()
        self._crowd.flush_if_idle()
        try:
            await wait.done
        except asyncio.CancelledError:
            self._forget(wait)
            raise
        return wait

    def flush(self) -> None:
        """Send what is waiting, full or not."""
        while self._pending:
            self._send()

    async def aclose(self) -> None:
        """Give up what is under way; nobody waits for it any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _send_full(self) -> None:
        while len(self._pending) >= self._size:
            self._send()

    def _send(self) -> None:
        batch, self._pending = self._pending[: self._size], self._pending[self._size :]
        self._crowd.flies(1)
        task = asyncio.create_task(self._fetch(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, batch: Sequence[tuple[str, Wait]]) -> None:
        host = batch[0][1]
        try:
            answer = await host.ask([one for one, _ in batch])
        except Exception as error:  # noqa: BLE001  # it is raised in the accounts that wait for it
            self._fail(batch, host, error)
        else:
            for one, wait in batch:
                self._give(wait, one, answer)
        finally:
            self._crowd.flies(-1)
            self._crowd.flush_if_idle()

    def _give(self, wait: Wait, one: str, answer: Answer) -> None:
        if wait.done.done():
            return
        if one in answer.rows:
            wait.rows[one] = answer.rows[one]
        elif answer.problems:  # one of them may be why; who was answered has no part in them
            wait.doubtful.add(one)
            wait.problems += [problem for problem in answer.problems if problem not in wait.problems]
        wait.missing.discard(one)
        if not wait.missing:
            self._crowd.waits(-1)
            wait.done.set_result(None)

    def _fail(self, batch: Sequence[tuple[str, Wait]], host: Wait, error: Exception) -> None:
        """Fail whom the error concerns: the account that asked where it is its own, otherwise all of them.

        The others are asked for again, by another of them.
        """
        for wait in dict.fromkeys(wait for _, wait in batch):
            if wait is host or not _is_of_account(error):
                self._raise_in(wait, error)
        rest = [(one, wait) for one, wait in batch if not wait.done.done()]
        self._pending = [*rest, *(entry for entry in self._pending if not entry[1].done.done())]
        self._send_full()

    def _raise_in(self, wait: Wait, error: Exception) -> None:
        if not wait.done.done():
            self._crowd.waits(-1)
            wait.done.set_exception(error)

    def _forget(self, wait: Wait) -> None:
        self._pending = [entry for entry in self._pending if entry[1] is not wait]
        if wait.missing and not (wait.done.done() and not wait.done.cancelled()):
            self._crowd.waits(-1)


def _is_of_account(error: Exception) -> bool:
    """Say whether an error is about the account that asked, so that another may be answered."""
    is_whole = isinstance(error, ProviderError) and error.whole_account
    return (is_whole and not isinstance(error, ParkingError)) or isinstance(error, PermissionMissing)
