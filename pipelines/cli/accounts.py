"""`backline accounts`: list, import, test, disconnect."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import click
import sqlalchemy as sa
from rich.markup import escape

from pipelines.cli.output import errors, json_option, migrated, people, show_json, show_table
from resources.accounts import (
    Connection,
    configure,
    connect,
    disconnect,
    list_accounts,
    org_id_of,
    parse_import_line,
)
from resources.backline import Backline
from resources.errors import BacklineError, GrantExpired, InputRefused
from resources.providers import find_provider
from resources.verification import asking, find_account

IMPORT_AT_ONCE = 500
LONGEST_LINE_BYTES = 1024 * 1024


@click.group()
def accounts() -> None:
    """The connected accounts."""


@accounts.command("list")
@click.option("--org", help="Only this org's, by its slug.")
@click.option("--provider", help="Only this provider's.")
@json_option
def list_command(org: str | None, provider: str | None, *, as_json: bool) -> None:
    """List accounts and their state; no secret is shown."""
    backline = migrated(Backline())
    if provider is not None:
        find_provider(provider)
    with backline.database.read() as connection:
        if org is not None:
            org_id_of(connection, org)
        rows = [dict(row._mapping) for row in list_accounts(connection, org, provider)]  # noqa: SLF001  # SQLAlchemy's public name
    if as_json:
        show_json(rows)
        return
    shown = (
        "org",
        "provider",
        "display_name",
        "status",
        "sync_status",
        "last_sync_at",
        "error_message",
        "id",
    )
    show_table(
        "Accounts",
        [{name: row[name] for name in shown} for row in rows],
        "No accounts yet: connect one in the console, or `backline accounts import`.",
    )


@accounts.command("import")
@click.argument("file", type=click.File("rb"), metavar="FILE|-")
@json_option
@click.pass_context
def import_command(context: click.Context, file: IO[bytes], *, as_json: bool) -> None:
    """Import accounts from JSON lines; wrong lines are named and left out, the right ones are kept.

    A line: {"org": "acme", "provider": "spotify", "external_id": "31abc", "display_name": "Acme",
    "grant": {"access_token": "…", "refresh_token": "…", "expires_at": "2026-11-23T10:00:00Z",
    "scopes": ["user-top-read"]}, "config": {"artist_ids": ["…"]}}
    """
    backline = migrated(Backline())
    imported, refused = 0, []
    for lines in _batches(_numbered(file), IMPORT_AT_ONCE):
        accepted, wrong = _parse(lines)
        wrong += _store(backline, accepted)
        imported += len(lines) - len(wrong)
        refused += sorted(wrong, key=lambda one: one["line"])
    if as_json:
        show_json({"imported": imported, "refused": refused})
    else:
        for one in refused:
            told = escape(f"{one['field']}: {one['problem']}; {one['cure']}")
            errors.print(f"[red]line {one['line']}:[/] {told}", soft_wrap=True)
        people.print(f"Imported {imported}, refused {len(refused)}.")
    context.exit(1 if refused else 0)


def _numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not empty with their numbers; one that is too long is skipped over."""
    number = 0
    while line := file.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        rest = line
        while len(rest) > LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE_BYTES + 1)
        if line.strip():
            yield number, line


def _batches(lines: Iterator[tuple[int, bytes]], size: int) -> Iterator[list[tuple[int, bytes]]]:
    while batch := list(itertools.islice(lines, size)):
        yield batch


def _parse(lines: Iterable[tuple[int, bytes]]) -> tuple[list[tuple[int, Connection]], list[dict[str, Any]]]:
    """Return the accounts of the right lines, and the refusals of the others, each with its line's number."""
    accepted, wrong = [], []
    for number, line in lines:
        try:
            accepted.append((number, parse_import_line(_decoded(line))))
        except InputRefused as error:
            wrong.append(_refusal(number, error))
    return accepted, wrong


def _decoded(line: bytes) -> str:
    if len(line.rstrip(b"\r\n")) > LONGEST_LINE_BYTES:
        problem = f"is longer than {LONGEST_LINE_BYTES:,} bytes"
        raise InputRefused("line", problem, "write one account a line")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InputRefused("line", f"is not UTF-8 at byte {error.start}", "save the file as UTF-8") from None


def _refusal(number: int, error: InputRefused) -> dict[str, Any]:
    return {"line": number, "field": error.field, "problem": error.problem, "cure": error.cure}


def _store(backline: Backline, accounts: Sequence[tuple[int, Connection]]) -> list[dict[str, Any]]:
    """Store accounts in one transaction; where it is refused, one by one, and return whose was refused."""
    try:
        with backline.database.write() as connection:
            for _, wanted in accounts:
                connect(backline, wanted, "import", connection)
    except sa.exc.OperationalError:
        raise
    except sa.exc.StatementError as error:
        if len(accounts) > 1:
            return [refusal for one in accounts for refusal in _store(backline, [one])]
        problem = f"the database refuses it ({type(error.orig).__name__})"
        return [_refusal(accounts[0][0], InputRefused("line", problem, "correct its times and texts"))]
    return []


@accounts.command("test")
@click.argument("account", type=click.UUID)
@json_option
@click.pass_context
def test_command(context: click.Context, account: uuid.UUID, *, as_json: bool) -> None:
    """Ask the provider who ACCOUNT is, with its own grant."""
    backline = migrated(Backline())
    try:
        name = asyncio.run(_who(backline, account))
        verdict = {"account": account, "ok": True, "message": f"the provider knows it as {name}"}
    except InputRefused:
        raise
    except BacklineError as error:
        verdict = {"account": account, "ok": False, "message": str(error)}
    if as_json:
        show_json(verdict)
    else:
        people.print(
            f"{'[green]good[/]' if verdict['ok'] else '[red]bad[/]'}: {escape(str(verdict['message']))}"
        )
    context.exit(0 if verdict["ok"] else 1)


async def _who(backline: Backline, account_id: uuid.UUID) -> str:
    """Return the name by which the provider knows an account; raise where the grant is another's."""
    account = find_account(backline, account_id)
    if account is None or account.grant is None:
        problem = f"{account_id} is unknown or disconnected"
        raise InputRefused("account", problem, "see `backline accounts list`")
    async with asking(backline, account.provider) as asker:
        person = await asker.person(account.grant, account.org_id)
    if account.external_id not in person.ids:
        problem = f"the grant speaks for {person.name}, not for {account.external_id}"
        raise GrantExpired(account.provider.name, problem)
    return person.name


@accounts.command("configure")
@click.argument("account", type=click.UUID)
@click.argument("key")
@click.argument("values", nargs=-1, metavar="[VALUE…]")
@json_option
def configure_command(account: uuid.UUID, key: str, values: tuple[str, ...], *, as_json: bool) -> None:
    """Set KEY of ACCOUNT's configuration to VALUEs, for instance artist_ids; without any, take it out."""
    configure(migrated(Backline()), account, key, values, "command line")
    if as_json:
        show_json({"account": account, "key": key, "values": values})
    else:
        people.print(f"Set {escape(key)} of {account} to {len(values)} value(s); the next sync reads them.")


@accounts.command("disconnect")
@click.argument("account", type=click.UUID)
@json_option
def disconnect_command(account: uuid.UUID, *, as_json: bool) -> None:
    """Forget ACCOUNT's grant and stop syncing it; its rows stay."""
    disconnect(migrated(Backline()), account, "command line")
    if as_json:
        show_json({"account": account, "status": "disconnected"})
    else:
        people.print(f"Disconnected {account}.")
