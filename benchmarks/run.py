"""`make bench`: runs every benchmark, peers interleaved, and writes ``benchmarks/RESULTS.md``.

Nothing here is a test of time: machines are shared, so each figure is a ratio against a named peer or
limit measured in the same run, from the best wall clock and the median CPU of ``BENCH_ROUNDS`` rounds.
It takes about a quarter of an hour on two quiet cores.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import child, database, delivery, loads, pages, report

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SMALL, LARGE = 1_000, 10_000
ARROW_SETTINGS = ("arrow-20", "arrow-50")
DLT_SETTINGS = ("default", "threads-5", "threads-20", "async-20", *ARROW_SETTINGS)
CLIENTS = ("aiohttp", "provider", "backline", "httpx-aiohttp", "httpx")


@contextmanager
def served() -> Iterator[str]:
    """Serve the local Spotify; yield the base of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.server", str(port)], cwd=child.REPOSITORY)
    try:
        while True:
            try:
                requests_served(f"http://127.0.0.1:{port}/v1")
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def requests_served(api_url: str) -> int:
    """Return how many pages the local Spotify has served."""
    with urllib.request.urlopen(api_url.removesuffix("/v1") + "/requests") as reply:
        return int(reply.read())


class Bench:
    """Collects the loads of all rounds."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self.loads: dict[tuple[str, int], list[loads.Load]] = defaultdict(list)

    def add(self, *found: loads.Load) -> None:
        """Keep loads and say how they went."""
        for load in found:
            self.loads[load.name, load.accounts].append(load)
            print(
                f"{load.name:24} {load.accounts:6} accounts {load.cost.wall_seconds:7.1f} s"
                f" {load.cost.cpu_seconds:7.1f} s CPU {load.cost.peak_mib:5.0f} MiB"
                f" {load.records_per_second:9,.0f} records/s",
                flush=True,
            )

    def summaries(self) -> dict[tuple[str, int], loads.Summary]:
        """Return what is known of each kind of load."""
        return {kind: loads.Summary.of(found) for kind, found in self.loads.items()}

    def best_dlt(self) -> tuple[str, str]:
        """Return dlt's fastest settings so far: of those that give it items, and with Arrow tables."""
        seconds = {
            name.removeprefix("dlt "): found.wall_seconds for (name, _), found in self.summaries().items()
        }
        items = [name for name in DLT_SETTINGS if name not in ARROW_SETTINGS]
        return min(items, key=seconds.__getitem__), min(ARROW_SETTINGS, key=seconds.__getitem__)

    def round(self, settings: tuple[str, ...]) -> None:
        """Run every load once, those of the peers first."""
        for setting in settings:
            self.add(loads.dlt(self.api_url, SMALL, setting))
        self.add(*loads.backline(self.api_url, SMALL))
        self.add(loads.raw(self.api_url, SMALL))
        before = requests_served(self.api_url)
        self.add(*loads.backline(self.api_url, LARGE))
        print(f"{requests_served(self.api_url) - before} requests for {2 * LARGE} accounts", flush=True)
        self.add(loads.raw(self.api_url, LARGE))


def transports(api_url: str) -> dict[str, float]:
    """Return the CPU microseconds a request of each client, the best of the rounds."""
    best = dict.fromkeys(CLIENTS, float("inf"))
    for _ in range(ROUNDS):
        for client in CLIENTS:
            cost = child.run([sys.executable, "-m", "benchmarks.transport", api_url, client])
            best[client] = min(best[client], float(cost.output))
    return best


def commits() -> dict[str, dict[str, float]]:
    """Return milliseconds an account by database and size of the group."""
    program, found = [sys.executable, "-m", "benchmarks.group_commit"], {}
    with tempfile.TemporaryDirectory() as home, database.fresh(f"{database.PREFIX}_{SMALL}") as url:
        found["PostgreSQL"] = json.loads(child.run(program, loads.settings(url, home, "")).output)
        embedded = loads.settings("", home, "")
        child.run([sys.executable, "-m", "benchmarks.accounts", "200"], embedded)
        found["SQLite"] = json.loads(child.run(program, embedded).output)
    return found


def main() -> None:
    loads.install_dlt()
    started = report.Conditions.now()
    templates = [loads.template(size) for size in (SMALL, LARGE)]
    try:
        with served() as api_url:
            bench = Bench(api_url)
            for turn in range(ROUNDS):
                bench.round(DLT_SETTINGS if turn == 0 else bench.best_dlt())
            bench.add(loads.dlt(api_url, SMALL, "merge", loads=2))
            best = bench.best_dlt()
            bench.add(loads.dlt(api_url, LARGE, best[1]))
            text = report.page(started, bench.summaries(), best, transports(api_url), commits())
    finally:
        for name in templates:
            database.drop(name)
    text = f"{text}\n{pages.section()}\n{delivery.section()}"
    (child.REPOSITORY / "benchmarks" / "RESULTS.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
