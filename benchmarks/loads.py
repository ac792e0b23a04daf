"""The loads that are compared: Backline, dlt and the raw loop, each a fresh process on a fresh database."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import child, database, environment

PER_ACCOUNT = 150
ENCRYPTION_KEY = "a" * 43 + "="
DLT_VENV = child.REPOSITORY / ".venv-dlt"
DLT_LOCK = child.REPOSITORY / "benchmarks" / "dlt.lock"


class RowsDiffer(Exception):
    """A load did not leave exactly the records that were served."""


@dataclass(frozen=True)
class Load:
    """One measured load."""

    name: str
    accounts: int
    cost: child.Cost

    @property
    def records_per_second(self) -> float:
        """Records over the wall clock of the whole process."""
        return self.accounts * PER_ACCOUNT / self.cost.wall_seconds


@dataclass(frozen=True)
class Summary:
    """Several loads of one kind: best wall clock, median CPU, highest peak."""

    name: str
    accounts: int
    runs: int
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float

    @classmethod
    def of(cls, loads: Sequence[Load]) -> Summary:
        """Sum up loads of the same kind."""
        costs = [load.cost for load in loads]
        return cls(
            loads[0].name,
            loads[0].accounts,
            len(loads),
            min(cost.wall_seconds for cost in costs),
            statistics.median(cost.cpu_seconds for cost in costs),
            max(cost.peak_mib for cost in costs),
        )

    @property
    def records(self) -> int:
        """Records that one load wrote."""
        return self.accounts * PER_ACCOUNT

    @property
    def records_per_second(self) -> float:
        """Records over the best wall clock of the whole process."""
        return self.records / self.wall_seconds


def settings(url: str, home: str, api_url: str) -> dict[str, str]:
    """Return Backline's settings for one run."""
    return {
        "BACKLINE_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://"),
        "BACKLINE_HOME": home,
        "BACKLINE_ENCRYPTION_KEYS": ENCRYPTION_KEY,
        "BACKLINE_SPOTIFY_API_URL": api_url,
        "BACKLINE_SPOTIFY_RATE_LIMIT": "10000000/1",
    }


def template(accounts: int) -> str:
    """Make a migrated database with that many connected accounts; return its name."""
    name = f"{database.PREFIX}_{accounts}"
    url = database.create(name)
    with tempfile.TemporaryDirectory() as home:
        child.run([sys.executable, "-m", "benchmarks.accounts", str(accounts)], settings(url, home, ""))
    return name


def backline(api_url: str, accounts: int, loads: int = 2) -> list[Load]:
    """Run `backline sync spotify saved_tracks` as a user does, again on what the first run left."""
    names = ("Backline", "Backline, second load")[:loads]
    program = [Path(sys.executable).with_name("backline"), "sync", "spotify", "saved_tracks", "--json"]
    with tempfile.TemporaryDirectory() as home, database.fresh(f"{database.PREFIX}_{accounts}") as url:
        found = []
        for name in names:
            found.append(Load(name, accounts, child.run(program, settings(url, home, api_url))))
            check(url, "(SELECT * FROM spotify_saved_tracks WHERE deleted_at IS NULL)", accounts)
        return found


def dlt(api_url: str, accounts: int, setting: str, loads: int = 1) -> Load:
    """Run dlt with one of its settings; of several loads the last is measured."""
    arguments = [DLT_VENV / "bin" / "python", "benchmarks/peer_dlt.py", api_url]
    with database.fresh() as url:
        for _ in range(loads):
            cost = child.run([*arguments, url, "0", str(accounts), setting])
        check(url, "bench.saved_tracks", accounts)
    return Load(f"dlt {setting}", accounts, cost)


def raw(api_url: str, accounts: int) -> Load:
    """Run the raw loop."""
    with database.fresh() as url:
        cost = child.run([sys.executable, "-m", "benchmarks.raw_loop", api_url, url, str(accounts)])
        check(url, "saved_tracks", accounts)
    return Load("raw aiohttp → COPY", accounts, cost)


def check(url: str, table: str, accounts: int) -> None:
    """Raise ``RowsDiffer`` where the table does not hold every record once."""
    columns = "count(*), count(DISTINCT track_id), sum(duration_ms)::bigint, count(DISTINCT account_id)"
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT {columns} FROM {table} AS loaded").fetchone()
    durations = sum(120_000 + place * 937 for place in range(PER_ACCOUNT))
    wanted = (accounts * PER_ACCOUNT, accounts * PER_ACCOUNT, accounts * durations, accounts)
    if found != wanted:
        raise RowsDiffer(f"{table} holds {found}, not {wanted}")


def install_dlt() -> None:
    """Make dlt's environment from its lock, unless it is there."""
    environment.install(DLT_VENV, DLT_LOCK)
