"""Dagster's instance: its folder, its configuration, and its storage made once before anything starts."""

from __future__ import annotations

import fcntl
import shutil
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
        shutil.copyfile(CONFIGURATION, home / CONFIGURATION.name)
    return home


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
