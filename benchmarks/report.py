"""Writes what a run found as Markdown: ratios first, then the figures they are made of."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from benchmarks import database
from benchmarks.loads import Summary

SMALL, LARGE = 1_000, 10_000
Summaries = Mapping[tuple[str, int], Summary]


@dataclass(frozen=True)
class Conditions:
    """Where and when a run was made."""

    date: str
    cores: int
    load: float
    python: str
    postgresql: str

    @classmethod
    def now(cls) -> Conditions:
        """Look at this machine and its PostgreSQL."""
        with psycopg.connect(database.ADMIN_URL) as connection:
            version = connection.execute("SHOW server_version").fetchone()
        assert version is not None
        cores, load = os.cpu_count() or 1, os.getloadavg()[0]
        return cls(
            f"{datetime.now(UTC):%Y-%m-%d}", cores, load, platform.python_version(), version[0].split()[0]
        )

    def line(self) -> str:
        """Return one line that says it."""
        return (
            f"{self.date}, {self.cores} cores (load {self.load:.1f} before the run), Python {self.python}, "
            f"PostgreSQL {self.postgresql}"
        )


def page(
    conditions: Conditions,
    found: Summaries,
    best_dlt: tuple[str, str],
    transports: Mapping[str, float],
    commits: Mapping[str, Mapping[str, float]],
) -> str:
    """Return the whole page."""
    text = (
        f"Written by `make bench`: {conditions.line()}, load {os.getloadavg()[0]:.1f} after it. Cores are "
        "shared, so only the ratios tell something, and only within one run. Walls are the best, CPU the "
        "median of the runs, peaks the highest; each run is a fresh process on a fresh database, imports "
        "included, and its rows were checked to be all that was served, once each."
    )
    parts = [
        "# Results",
        text,
        *_ratios(found, *(f"dlt {setting}" for setting in best_dlt)),
        *_loads(found),
        *_transports(transports),
        *_commits(commits),
    ]
    return "\n\n".join(parts) + "\n"


def _ratios(found: Summaries, items: str, arrow: str) -> list[str]:
    ours, small = found["Backline", LARGE], found["Backline", SMALL]
    again, small_again = found["Backline, second load", LARGE], found["Backline, second load", SMALL]
    limit = "raw aiohttp → COPY"
    rows = [
        (f"records/s, 10,000 accounts : {items}, 1,000", _rate(ours, found[items, SMALL]), "≥ 4"),
        (f"records/s, 10,000 accounts : {arrow}, 1,000", _rate(ours, found[arrow, SMALL]), "≥ 4"),
        (f"records/s, 10,000 accounts : {arrow}, 10,000", _rate(ours, found[arrow, LARGE]), "≥ 4"),
        (f"records/s, 1,000 accounts : {items}, 1,000", _rate(small, found[items, SMALL]), ""),
        (f"records/s, 1,000 accounts : {arrow}, 1,000", _rate(small, found[arrow, SMALL]), ""),
        ("records/s, second loads: 10,000 : dlt merge, 1,000", _rate(again, found["dlt merge", SMALL]), ""),
        (f"CPU a record, {items}, 1,000 : 10,000 accounts", _cpu(found[items, SMALL]) / _cpu(ours), ""),
        (f"CPU a record, {arrow}, 1,000 : 10,000 accounts", _cpu(found[arrow, SMALL]) / _cpu(ours), ""),
        ("records/s, 10,000 accounts : the raw loop, 10,000", _rate(ours, found[limit, LARGE]), "limit"),
        ("records/s, 1,000 accounts : the raw loop, 1,000", _rate(small, found[limit, SMALL]), "limit"),
        ("CPU a record, 10,000 : the raw loop, 10,000", _cpu(ours) / _cpu(found[limit, LARGE]), "limit"),
        ("peak memory, 10,000 accounts : 1,000 accounts", ours.peak_mib / small.peak_mib, "≤ 1.3"),
        ("peak memory, second load : the same", again.peak_mib / small_again.peak_mib, "≤ 1.3"),
    ]
    lines = [f"| {name} | **{ratio:.2f}** | {goal} |" for name, ratio, goal in rows]
    text = (
        "Accounts × 3 pages × 50 records from a local Spotify that answers after 5 ms into PostgreSQL, all "
        "on this machine. Backline is `backline sync spotify saved_tracks`: a Dagster run with typed "
        "decoding, rate limit, cursors, upserts, results, deletions and events. dlt appends to a table "
        "without a key, with its fastest setting of those below that gets items, and its fastest that gets "
        "ready-made Arrow tables. The raw loop is `raw_loop.py`: no key, no types, one transaction."
    )
    return [
        "## Many accounts into PostgreSQL",
        text,
        "\n".join(["| ratio | | goal |", "|---|---|---|", *lines]),
    ]


def _rate(one: Summary, other: Summary) -> float:
    return one.records_per_second / other.records_per_second


def _cpu(found: Summary) -> float:
    return found.cpu_seconds / found.records


def _loads(found: Summaries) -> list[str]:
    head = "| load | accounts | runs | wall s | records/s | CPU s | peak MiB |\n|---|---|---|---|---|---|---|"
    ranked = sorted(found.values(), key=lambda load: (load.accounts, -load.records_per_second))
    lines = [
        f"| {load.name} | {load.accounts:,} | {load.runs} | {load.wall_seconds:.1f} "
        f"| {load.records_per_second:,.0f} | {load.cpu_seconds:.1f} | {load.peak_mib:.0f} |"
        for load in ranked
    ]
    return ["\n".join([head, *lines])]


def _transports(found: Mapping[str, float]) -> list[str]:
    lines = [f"| {name} | {cpu:.0f} | {cpu / found['aiohttp']:.1f} |" for name, cpu in found.items()]
    text = (
        "A page of 50 records (52 kB), 32 requests in flight; `provider` is what a sync calls, all included."
    )
    head = "| client | CPU µs a request | : aiohttp |\n|---|---|---|"
    return ["## HTTP transports", text, "\n".join([head, *lines])]


def _commits(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = []
    for name, times in found.items():
        figures = " | ".join(f"{milliseconds:.2f}" for milliseconds in times.values())
        lines.append(f"| {name} | {figures} | {times['1'] / times['64']:.0f} |")
    text = "Milliseconds an account of ten rows, by how many accounts share a transaction."
    head = "| database | 1 | 8 | 64 | 1 : 64 |\n|---|---|---|---|---|"
    return ["## Group commit", text, "\n".join([head, *lines])]
