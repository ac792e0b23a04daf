"""Ending a coroutine by a signal, as Dagster and Ctrl-C do."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time

import pytest

from assets.interrupts import run_interruptibly
from resources.settings import REPOSITORY


class Interrupted(BaseException):
    """What Dagster's handler raises is no Exception either."""


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request):
    """A signal whose handler raises, as inside a Dagster step."""

    def raising(_number, _frame):
        raise Interrupted

    before = signal.signal(request.param, raising)
    yield request.param, raising
    signal.signal(request.param, before)


def test_a_result_is_returned_and_the_handler_restored(number):
    assert run_interruptibly(asyncio.sleep(0, "done")) == "done"
    assert signal.getsignal(number[0]) is number[1]


def test_a_signal_ends_the_work_after_it_has_wound_up_and_reaches_its_handler(number):
    wound_up = []

    async def work():
        asyncio.get_running_loop().call_later(0.05, signal.raise_signal, number[0])
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0)
            wound_up.append(True)

    started = time.monotonic()
    with pytest.raises(Interrupted):
        run_interruptibly(work())
    assert (wound_up, time.monotonic() - started < 10) == ([True], True)
    assert signal.getsignal(number[0]) is number[1]


def test_an_error_of_the_work_is_its_own(number):
    async def work():
        raise LookupError

    with pytest.raises(LookupError):
        run_interruptibly(work())
    assert signal.getsignal(number[0]) is number[1]


def test_work_outside_the_main_thread_runs_without_signals():
    results = []
    thread = threading.Thread(target=lambda: results.append(run_interruptibly(asyncio.sleep(0, "done"))))
    thread.start()
    thread.join()
    assert results == ["done"]


STEP = """
import asyncio
import dagster as dg
from assets.interrupts import run_interruptibly

async def endless():
    print("begun", flush=True)
    await asyncio.sleep(120)

@dg.asset
def sleeping():
    run_interruptibly(endless())

with dg.DagsterInstance.ephemeral() as instance:
    try:
        dg.materialize([sleeping], instance=instance, raise_on_error=False)
    except BaseException as error:
        print(type(error).__name__)
    print(instance.get_runs()[0].status.value)
"""


def test_an_interrupted_step_ends_its_run():
    """As failed, which is what Dagster calls a run that nobody asked it to terminate."""
    command = [sys.executable, "-c", STEP]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, **pipes) as program:
        assert program.stdout.readline() == "begun\n"
        program.send_signal(signal.SIGINT)
        said = program.communicate(timeout=60)[0]
    assert said.splitlines()[-1] == "FAILURE"
