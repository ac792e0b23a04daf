"""Public pages: Backline's visits against crawlee and against a bare loop, on one browser binary.

``python -m benchmarks.pages`` runs it alone and writes its section of ``RESULTS.md``. The ways take turns, so
that what else the machine does meets them all alike; CPU is that of the whole tree of processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import child
from benchmarks.environment import install
from resources.settings import Settings
from resources.visiting.binary import find_browser, version_of
from resources.visiting.blocking import PATTERNS
from resources.visiting.engine import ARGUMENTS

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PAGES, LIGHT_PAGES = int(os.environ.get("BENCH_PAGES", "60")), 400
WAYS = ("backline", "bare", "crawlee-shared", "crawlee-incognito")
IN_FLIGHT = (4, 8)
CRAWLEE_VENV = child.REPOSITORY / ".venv-crawlee"
CRAWLEE_LOCK = child.REPOSITORY / "benchmarks" / "crawlee.lock"
TITLE = "## Public pages"
MEASURES = {"pages_per_second": "pages/s", "cpu_seconds": "CPU a page", "pss_mib": "memory (PSS)"}
MIB = 1024**2


@dataclass(frozen=True)
class Cost:
    """What one run of a way cost between its warm-up and its last page."""

    pages_per_second: float
    cpu_seconds: float
    pss_mib: float
    rss_mib: float

    @classmethod
    def of(cls, found: Sequence[Cost]) -> Cost:
        """Sum up runs: the best pages a second, the median CPU, the highest peaks."""
        return cls(
            max(cost.pages_per_second for cost in found),
            statistics.median(cost.cpu_seconds for cost in found),
            max(cost.pss_mib for cost in found),
            max(cost.rss_mib for cost in found),
        )


class Tree:
    """A process and all that descend from it, watched by a thread for how much they hold."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self.pss = self.rss = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def cpu_seconds(self) -> float:
        """Return the CPU time of all, and of those that have ended."""
        total = 0.0
        for process in [self._root, *self._root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])
        return total

    def end(self) -> None:
        """Watch no longer."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(1.0):
            pss = rss = 0
            for process in [self._root, *self._root.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    held = process.memory_full_info()
                    pss, rss = pss + held.pss, rss + held.rss
            self.pss, self.rss = max(self.pss, pss), max(self.rss, rss)


def run(way: str, origin: str, in_flight: int, pages: int, binary: Path) -> Cost:
    """Run one way to its end."""
    kind, _, setting = way.partition("-")
    if kind == "crawlee":
        command = [CRAWLEE_VENV / "bin" / "python", "benchmarks/peer_crawlee.py", setting]
    else:
        command = [sys.executable, "-m", "benchmarks.pages_way", kind]
    arguments = [*command, origin, in_flight, pages, binary]
    given = {"BENCH_ARGUMENTS": json.dumps(ARGUMENTS), "BENCH_PATTERNS": json.dumps(PATTERNS)}
    process = subprocess.Popen(
        [str(argument) for argument in arguments],
        cwd=child.REPOSITORY,
        env={**os.environ, **given, "BACKLINE_BROWSER_PATH": str(binary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    tree = Tree(process.pid)
    try:
        return _measured(process, tree, pages)
    finally:
        tree.end()
        process.wait(60)


def _measured(process: subprocess.Popen[str], tree: Tree, pages: int) -> Cost:
    assert process.stdin is not None
    _await(process, "ready")
    cpu_before, before = tree.cpu_seconds(), time.perf_counter()
    _await(process, "done")
    seconds, cpu = time.perf_counter() - before, tree.cpu_seconds() - cpu_before
    process.stdin.write("\n")
    process.stdin.close()
    return Cost(pages / seconds, cpu / pages, tree.pss / MIB, tree.rss / MIB)


def _await(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise child.ChildFailed(f"{process.args} ended before it was {word}")


@contextmanager
def served() -> Iterator[str]:
    """Serve the local site; yield its origin."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "benchmarks.pages_site", origin.rpartition(":")[2]]
    server = subprocess.Popen(command, cwd=child.REPOSITORY)
    try:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{origin}/page/1").close()
                break
            time.sleep(0.1)
        yield origin
    finally:
        server.terminate()
        server.wait()


def measured(binary: Path) -> dict[tuple[str, int], Cost]:
    """Run all ways in turn; return what each cost, by its name and the pages in flight."""
    install(CRAWLEE_VENV, CRAWLEE_LOCK)
    plan = [(way, in_flight, PAGES) for in_flight in IN_FLIGHT for way in WAYS]
    plan += [("light", in_flight, LIGHT_PAGES) for in_flight in IN_FLIGHT]
    found: defaultdict[tuple[str, int], list[Cost]] = defaultdict(list)
    with served() as origin:
        for _ in range(ROUNDS):
            for way, in_flight, pages in plan:
                cost = run(way, origin, in_flight, pages, binary)
                found[way, in_flight].append(cost)
                print(f"{way:18} {in_flight} in flight {cost}", flush=True)
    return {kind: Cost.of(costs) for kind, costs in found.items()}


def section() -> str:
    """Return what was found, as a section of the results."""
    load, binary = os.getloadavg()[0], find_browser(Settings())
    if binary is None:
        return f"{TITLE}\n\nNot measured: no browser was found.\n"
    found = measured(binary)
    what = f"{binary.name} {version_of(binary)}"
    head = (
        f"A local page of 500 KB with 30 parts, {ROUNDS} × {PAGES} pages a way, the ways in turn, on the "
        f"same binary ({what}); load {load:.1f} before and {os.getloadavg()[0]:.1f} after. Pages/s are the "
        "best of the runs; CPU, of all processes between the warm-up and the last page, is their median; "
        "peaks are the highest. Every page was checked to show its own number. Backline's visits are with "
        "robots.txt, budget, outcome and cookies, and evidence of the one page in twenty that has another "
        "layout. The bare loop has a fresh context a page and blocks the same. crawlee shares one context as "
        "it comes; with `incognito` each page has its own; it is given the same switches."
    )
    return "\n\n".join([TITLE, head, _ratios(found), _table(found)]) + "\n"


def _ratios(found: dict[tuple[str, int], Cost]) -> str:
    lines = ["| ratio | 4 in flight | 8 in flight | goal |", "|---|---|---|---|"]
    for peer in WAYS[1:]:
        goals = ("≥ 0.9", "", "") if peer == "bare" else ("", "< 1", "< 1")
        rows = zip(MEASURES, goals, strict=True)
        for name, goal in rows:
            ratios = [getattr(found["backline", n], name) / getattr(found[peer, n], name) for n in IN_FLIGHT]
            cells = " | ".join(f"**{ratio:.2f}**" for ratio in ratios)
            what = {"pages_per_second": "pages/s", "cpu_seconds": "CPU a page", "pss_mib": "memory (PSS)"}[
                name
            ]
            lines.append(f"| {what}, Backline : {peer.replace('-', ', ')} | {cells} | {goal} |")
    return "\n".join(lines)


def _table(found: dict[tuple[str, int], Cost]) -> str:
    lines = ["| way | in flight | pages/s | CPU s a page | PSS MiB | RSS MiB |", "|---|---|---|---|---|---|"]
    names = {"backline": "Backline, browser", "light": "Backline, light way", "bare": "bare Playwright"}
    for (way, in_flight), cost in sorted(found.items(), key=lambda one: (one[0][1], one[1].cpu_seconds)):
        figures = (
            f"{cost.pages_per_second:.2f} | {cost.cpu_seconds:.3f} | {cost.pss_mib:.0f} | {cost.rss_mib:.0f}"
        )
        lines.append(f"| {names.get(way, way.replace('-', ', '))} | {in_flight} | {figures} |")
    return "\n".join(lines)


def main() -> None:
    path = child.REPOSITORY / "benchmarks" / "RESULTS.md"
    text = section()
    before, _, _ = path.read_text().partition(TITLE)
    path.write_text(f"{before.rstrip()}\n\n{text}")
    print(text)


if __name__ == "__main__":
    main()
