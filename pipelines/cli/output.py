"""What commands print: tables and sentences for people, one JSON document for machines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from resources.backline import Backline
from resources.errors import InputRefused
from resources.migrations import is_current

Function = TypeVar("Function", bound=Callable[..., Any])
PIPED_WIDTH = 200
people = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
errors = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPED_WIDTH)

json_option: Callable[[Function], Function] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of tables."
)


def show_json(value: Any) -> None:
    """Print a document for machines."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def show_table(title: str, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """Print rows as a table, or ``empty`` where there are none; the first row names the columns."""
    if not rows:
        people.print(escape(empty))
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(escape(_shown(value)) for value in row.values()))
    people.print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "strftime") else str(value)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong, on the error output, and end with ``code``."""
    errors.print(f"[red]error:[/] {escape(message)}", soft_wrap=True)
    sys.exit(code)


def migrated(backline: Backline) -> Backline:
    """Return ``backline`` with a database that is ready; the embedded one is upgraded here."""
    if is_current(backline.database):
        return backline
    if not backline.database.is_sqlite:
        raise InputRefused("database", "is not at the newest revision", "run `backline db upgrade`")
    from resources.migrations import upgrade  # noqa: PLC0415

    upgrade(backline.database)
    return backline
