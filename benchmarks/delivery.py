"""Deliveries: what their durable state costs, how soon they come, and what bad neighbours do to good ones.

``python -m benchmarks.delivery`` runs it alone and writes its section of ``RESULTS.md``. PostgreSQL is that
of ``BENCH_POSTGRESQL_URL``; ways take turns, each a fresh process on a fresh copy of the same due events.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import child, database
from benchmarks.delivery_way import IN_FLIGHT

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
EVENTS = int(os.environ.get("BENCH_EVENTS", "100000"))
SENSOR_EVENTS, SENSOR_SECONDS = 24, 60
TITLE, TEMPLATE = "## Deliveries", f"{database.PREFIX}_events"
WAYS = ("aiohttp", "PostgreSQL", "SQLite")


@dataclass(frozen=True)
class Delivered:
    """One run: deliveries a second and the sender's own CPU a delivery."""

    per_second: float
    cpu_micros: float


class Receiver:
    """The receiver at ``origin``."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def arrivals(self) -> dict[str, float]:
        """Return when each event came first, by path and id, and have them forgotten."""
        with urllib.request.urlopen(f"{self.origin}/arrivals") as reply:
            found: dict[str, float] = json.load(reply)
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run the receiver."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.delivery_receiver", str(port)], cwd=child.REPOSITORY
    )
    receiver = Receiver(f"http://127.0.0.1:{port}")
    try:
        while True:
            with contextlib.suppress(OSError):
                receiver.arrivals()
                break
            time.sleep(0.1)
        yield receiver
    finally:
        program.terminate()
        program.wait()


def settings(url: str, home: str, receiver: Receiver) -> dict[str, str]:
    """Return the settings of one run."""
    return {
        "BACKLINE_DATABASE_URL": url,
        "BACKLINE_HOME": home,
        "BACKLINE_N8N_URL": receiver.origin,
        "BACKLINE_DELIVERY_CONCURRENCY": str(IN_FLIGHT),
        "BACKLINE_WEBHOOK_ALLOWED_HOSTS": "127.0.0.0/8",
    }


def way(name: str, receiver: Receiver, given: Mapping[str, str], *arguments: object) -> child.Cost:
    """Run one way to its end."""
    command = [sys.executable, "-m", "benchmarks.delivery_way", name, receiver.origin, *map(str, arguments)]
    return child.run(command, given)


@contextmanager
def copies(receiver: Receiver) -> Iterator[dict[str, Any]]:
    """Write the events once on each database; yield what lends a fresh copy of either."""
    with tempfile.TemporaryDirectory() as home:
        whole = Path(home) / "events.db"
        way("write", receiver, settings(f"sqlite:///{whole}", home, receiver), EVENTS)
        url = database.create(TEMPLATE).replace("postgresql:", "postgresql+psycopg:")
        way("write", receiver, settings(url, home, receiver), EVENTS)

        @contextmanager
        def sqlite() -> Iterator[str]:
            copy = Path(home) / "copy.db"
            shutil.copyfile(whole, copy)
            yield f"sqlite:///{copy}"
            for path in copy.parent.glob("copy.db*"):
                path.unlink()

        @contextmanager
        def postgresql() -> Iterator[str]:
            with database.fresh(TEMPLATE) as fresh:
                yield fresh.replace("postgresql:", "postgresql+psycopg:")

        try:
            yield {"SQLite": sqlite, "PostgreSQL": postgresql}
        finally:
            database.drop(TEMPLATE)


def throughput(receiver: Receiver) -> dict[str, Delivered]:
    """Run the ways in turn; return the best of each."""
    found: defaultdict[str, list[Delivered]] = defaultdict(list)
    with copies(receiver) as lend, tempfile.TemporaryDirectory() as home:
        for _ in range(ROUNDS):
            for name in WAYS:
                if name == "aiohttp":
                    cost = way("aiohttp", receiver, {}, EVENTS)
                else:
                    with lend[name]() as url:
                        cost = way("backline", receiver, settings(url, home, receiver))
                taken = json.loads(cost.output.splitlines()[-1])
                arrived = len(receiver.arrivals())
                assert arrived == taken["events"] == EVENTS, (name, arrived, taken)
                one = Delivered(EVENTS / taken["seconds"], cost.cpu_seconds / EVENTS * 1e6)
                found[name].append(one)
                print(
                    f"{name:12} {one.per_second:8,.0f} deliveries/s {one.cpu_micros:6.0f} µs CPU", flush=True
                )
    return {name: max(runs, key=lambda one: one.per_second) for name, runs in found.items()}


def delays(committed: Mapping[str, float], arrivals: Mapping[str, float], path: str) -> list[float]:
    """Return the seconds from each event's commit to its arrival."""
    return [arrivals[f"{path} {name}"] - at for name, at in committed.items()]


def prompt(receiver: Receiver) -> list[float]:
    """Return the delays of events that are tried right after their commit, on PostgreSQL."""
    with database.fresh() as fresh, tempfile.TemporaryDirectory() as home:
        given = settings(fresh.replace("postgresql:", "postgresql+psycopg:"), home, receiver)
        way("write", receiver, given, 0)
        committed = json.loads(way("prompt", receiver, given).output.splitlines()[-1])
        return delays(committed, receiver.arrivals(), "/webhook/data-sync")


def neighbours(receiver: Receiver) -> tuple[list[float], list[float]]:
    """Return the delays of a good endpoint alone, and beside nine bad ones."""
    with database.fresh() as fresh, tempfile.TemporaryDirectory() as home:
        given = settings(fresh.replace("postgresql:", "postgresql+psycopg:"), home, receiver)
        way("write", receiver, given, 0)
        found = json.loads(way("neighbours", receiver, given).output.splitlines()[-1])
        arrivals = receiver.arrivals()
        return delays(found["alone"], arrivals, "/good"), delays(found["beside"], arrivals, "/good")


def by_the_sensor(receiver: Receiver) -> list[float]:
    """Return the delays of events that nobody but the sensor delivers: written beside a running daemon."""
    with tempfile.TemporaryDirectory() as home:
        given = settings(f"sqlite:///{home}/backline.db", home, receiver)
        way("write", receiver, given, 0)
        command = [Path(sys.executable).with_name("backline"), "up", "--only", "dagster"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        given["BACKLINE_DAGSTER_URL"] = f"http://127.0.0.1:{port}"
        with Path(home, "log").open("wb") as log:
            daemon = subprocess.Popen(command, env={**os.environ, **given}, cwd=home, stdout=log, stderr=log)
        try:
            way("write", receiver, given, 1, 0)
            while not receiver.arrivals():  # until the sensor ticks
                time.sleep(1)
            committed = {}
            for number in range(1, SENSOR_EVENTS + 1):
                way("write", receiver, given, 1, number)
                committed[number] = time.time()
                time.sleep(SENSOR_SECONDS / SENSOR_EVENTS)
            time.sleep(15)
        finally:
            daemon.terminate()
            daemon.wait(60)
        arrived = sorted(receiver.arrivals().values())
        return [at - then for at, then in zip(arrived, committed.values(), strict=True)]


def median_ms(found: Sequence[float]) -> float:
    """Return the median in milliseconds."""
    return statistics.median(found) * 1_000


def section() -> str:
    """Return what was found, as a section of the results."""
    load = os.getloadavg()[0]
    with receiving() as receiver:
        best = throughput(receiver)
        soon, alone_beside, swept = prompt(receiver), neighbours(receiver), by_the_sensor(receiver)
    alone, beside = alone_beside
    head = (
        f"{EVENTS:,} due events of 1.2 KB to a bare protocol on this machine, {IN_FLIGHT} in flight, the "
        f"best of {ROUNDS} runs a way, the ways in turn; load {load:.1f} before and "
        f"{os.getloadavg()[0]:.1f} after. "
        "All arrived. The aiohttp loop signs and posts and keeps nothing; Backline claims each delivery, and "
        "records its attempt, its state and its event's. CPU is the sender's own, without the database's."
    )
    peer = best["aiohttp"].per_second
    rows = ["| way | deliveries/s | : aiohttp | CPU µs a delivery | goal |", "|---|---|---|---|---|"]
    for name in WAYS:
        one, goal = best[name], "≥ 0.5" if name == "PostgreSQL" else ""
        ratio = one.per_second / peer
        rows.append(f"| {name} | {one.per_second:,.0f} | **{ratio:.2f}** | {one.cpu_micros:.0f} | {goal} |")
    apart = median_ms(beside) / median_ms(alone)
    more = ["| | median | worst | goal |", "|---|---|---|---|"]
    more += [
        f"| {what} | {median_ms(found):,.0f} ms | {max(found) * 1_000:,.0f} ms | {goal} |"
        for what, found, goal in (
            ("commit to receiver, tried by the run", soon, "median < 500 ms"),
            ("commit to receiver, by the sensor alone", swept, "worst < 10 s"),
            ("a good endpoint alone", alone, ""),
            ("beside three slow, three failing, three hanging", beside, f"median {apart:.2f} ×, ≤ 1.5"),
        )
    ]
    return "\n\n".join([TITLE, head, "\n".join(rows), "\n".join(more)]) + "\n"


def main() -> None:
    """Measure, and put the section in the place of the old one."""
    results = child.REPOSITORY / "benchmarks" / "RESULTS.md"
    text, found = results.read_text(), section()
    before, _, after = text.partition(TITLE)
    rest = after.partition("\n## ")
    results.write_text(before.rstrip() + "\n\n" + found + (f"\n## {rest[2]}" if rest[1] else ""))
    print(found)


if __name__ == "__main__":
    main()
