"""Processes of a local installation: started together, ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import httpx

from resources.errors import BacklineError
from resources.settings import REPOSITORY

GRACE_SECONDS = 10
READY_SECONDS = 90


class ProcessEnded(BacklineError):
    """A process ended that should have gone on."""


def free_port() -> int:
    """Return a port of the loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Processes:
    """Child processes by name; leaving the context ends them all, and their children."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _logs: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], *, log: Path | None = None) -> None:
        """Start a child in the repository's folder and a group of its own; ``log`` gets its output."""
        self._logs[name] = f"its log, {log}, says why" if log else "its last lines say why"
        environment = {**os.environ, **self.environment}  # noqa: TID251  # handed on, not read
        with log.open("ab") if log else nullcontext() as output:
            self._running[name] = subprocess.Popen(  # noqa: S603  # our own commands
                command, cwd=REPOSITORY, env=environment, start_new_session=True, stdout=output, stderr=output
            )

    def wait_ready(self, name: str, address: str) -> None:
        """Wait until an address of a child answers; raise ``ProcessEnded`` where the child is gone first."""
        with httpx.Client(timeout=2) as client:
            self._wait_until(name, lambda: _answers(client, address), f"answer at {address}")

    def wait_listening(self, name: str, port: int) -> None:
        """Wait until a child listens on a port of the loopback; raise ``ProcessEnded`` likewise."""
        self._wait_until(name, lambda: listens(port), f"listen on port {port}")

    def _wait_until(self, name: str, is_ready: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + READY_SECONDS
        while not is_ready():
            if self._running[name].poll() is not None:
                raise ProcessEnded(f"{name} ended before it was ready; {self._logs[name]}.")
            if time.monotonic() > until:
                raise ProcessEnded(f"{name} did not {what} within {READY_SECONDS} s.")
            time.sleep(0.1)

    def wait(self) -> None:
        """Wait until one of the children ends, which is a fault; Ctrl-C ends the waiting."""
        while True:
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise ProcessEnded(f"{name} ended with {process.returncode}; {self._logs[name]}.")
            time.sleep(0.5)

    def stop_one(self, name: str) -> None:
        """End one child, kindly first."""
        alone = Processes(_running={name: self._running.pop(name)})
        alone.stop()

    def stop(self) -> None:
        """End all children, kindly first."""
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            _signal(process, signal.SIGKILL)  # what it left of its group
        self._running.clear()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code < httpx.codes.INTERNAL_SERVER_ERROR
    except httpx.HTTPError:
        return False


def listens(port: int) -> bool:
    """Say whether anything listens on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
