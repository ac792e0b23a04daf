"""`backline db`: upgrade, prune, backup."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
from rich.markup import escape

from pipelines.cli.output import json_option, migrated, people, show_json
from pipelines.instance import open_instance
from pipelines.retention import prune as prune_all
from resources import migrations
from resources.backline import Backline
from resources.database import Database
from resources.errors import BacklineError, InputRefused


class BackupFailed(BacklineError):
    """The database's own program did not write the backup; the message repeats what it said."""


@click.group()
def db() -> None:
    """The database."""


@db.command()
@json_option
def upgrade(*, as_json: bool) -> None:
    """Bring the database to the newest revision and make missing stream tables."""
    changed = [str(name) for name in migrations.upgrade(Backline().database)]
    if as_json:
        show_json({"changed": changed})
    else:
        people.print(f"Changed: {', '.join(changed)}." if changed else "Nothing to change.")


@db.command()
@json_option
def prune(*, as_json: bool) -> None:
    """Delete runs, results and finished events older than BACKLINE_RETENTION_DAYS."""
    backline = migrated(Backline())
    with open_instance(backline.settings) as instance:
        counts = prune_all(backline, instance)
    if as_json:
        show_json(counts)
    else:
        people.print("Deleted " + ", ".join(f"{count} {name}" for name, count in counts.items()) + ".")


@db.command()
@click.argument("target", type=click.Path(path_type=Path))
@json_option
def backup(target: Path, *, as_json: bool) -> None:
    """Write the whole database to TARGET while it is in use; sealed values stay sealed."""
    if target.exists():
        raise InputRefused("target", f"{target} exists", "name a file that does not")
    if not target.parent.is_dir():
        raise InputRefused("target", f"{target.parent} is not a folder", "make it first")
    database = migrated(Backline()).database
    _make_private(target)
    try:
        _backup_sqlite(database, target) if database.is_sqlite else _backup_postgresql(database, target)
    except BaseException:
        target.unlink()
        raise
    if as_json:
        show_json({"target": str(target), "bytes": target.stat().st_size})
    else:
        size = f"{target.stat().st_size:,} bytes"
        people.print(f"Wrote {escape(str(target))} ({size}). Keep the encryption keys elsewhere.")


def _make_private(target: Path) -> None:
    """Make an empty file that its owner alone may read, for the backup to be written into."""
    try:
        target.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        problem = f"{target} cannot be made ({error.strerror})"
        raise InputRefused("target", problem, "name a file in a folder that you may write to") from error


def _backup_sqlite(database: Database, target: Path) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.connection.driver_connection.execute("VACUUM INTO ?", (str(target),))  # type: ignore[union-attr]


def _backup_postgresql(database: Database, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise InputRefused("pg_dump", "is not on the PATH", "apt install postgresql-client")
    url = database.url
    arguments = ["--format=custom", f"--file={target}", f"--dbname={url.database}"]
    arguments += [f"--host={url.host}"] if url.host else []
    arguments += [f"--port={url.port}"] if url.port else []
    arguments += [f"--username={url.username}"] if url.username else []
    environment = {"PGPASSWORD": str(url.password)} if url.password else {}
    done = subprocess.run(  # noqa: S603  # our own arguments
        [program, *arguments], check=False, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise BackupFailed(f"pg_dump said: {done.stderr.strip()}")
