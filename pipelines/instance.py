"""Dagster's instance: its folder, its configuration, and its storage made once before anything starts."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from resources.settings import REPOSITORY, Settings

CONFIGURATION = REPOSITORY / "dagster.yaml"


def prepare_home(settings: Settings) -> Path:
    """Make Dagster's home; one that has a configuration of its own keeps it."""
    home = settings.resolved_dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if settings.dagster_home is None or not (home / CONFIGURATION.name).exists():
        _replace(home / CONFIGURATION.name, CONFIGURATION.read_bytes())
    return home


def _replace(path: Path, content: bytes) -> None:
    """Write a file that others may be reading: they meet the old one or the new one, whole."""
    if path.exists() and path.read_bytes() == content:
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(content)
    Path(draft.name).replace(path)


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance; its storage is made by one process at a time.

    Three processes that met an empty SQLite home at once broke it for good in 3 of 8 tries.
    """
    home = prepare_home(settings)
    with (home / ".initialising").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = dg.DagsterInstance.from_config(str(home))
        instance.get_runs_count()
        instance.get_dynamic_partitions("backline")  # touches the event log, the first touch makes it
    with instance:
        yield instance
