"""Running a coroutine inside a Dagster step, so that Ctrl-C and Dagster's `Terminate` end it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")
ENDING = (signal.SIGINT, signal.SIGTERM)


def run_interruptibly(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work``; a signal that asks to end cancels it, and reaches its handler once it has wound up.

    Dagster's handler raises, wherever the main thread is; inside uvloop that is logged and forgotten.
    """
    if threading.current_thread() is not threading.main_thread():
        return uvloop.run(work)  # signals go to the main thread
    handlers = {number: signal.getsignal(number) for number in ENDING}
    received: list[int] = []
    try:
        return uvloop.run(_cancelled_by_signals(work, received))
    except asyncio.CancelledError:
        _restore(handlers)
        if received:
            signal.raise_signal(received[0])
        raise
    finally:
        _restore(handlers)


async def _cancelled_by_signals(work: Coroutine[Any, Any, Result], received: list[int]) -> Result:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def on_signal(number: int, _frame: object) -> None:
        received.append(number)
        loop.call_soon_threadsafe(task.cancel)

    for number in ENDING:
        signal.signal(number, on_signal)
    return await task


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
