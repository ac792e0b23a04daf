"""Runs a program to its end and says what it cost: wall clock, CPU and peak memory of its process."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


class ChildFailed(Exception):
    """A measured program did not end well; its last lines follow."""


@dataclass(frozen=True)
class Cost:
    """What a program cost, from its start to its end, imports included."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str


def run(arguments: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a program; raise ``ChildFailed`` where it fails.

    The peak is the kernel's ``ru_maxrss``. A child counts from its parent's size on, so that whoever
    measures imports nothing large.
    """
    started = time.perf_counter()
    child = subprocess.Popen(
        [str(argument) for argument in arguments],
        cwd=REPOSITORY,
        env={**_clean_environment(), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode:
        raise ChildFailed(f"{arguments[0]} ended with {child.returncode}:\n{output[-3000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def _clean_environment() -> dict[str, str]:
    """Return our environment without any setting of Backline or Dagster."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("BACKLINE_", "DAGSTER_"))
    }
