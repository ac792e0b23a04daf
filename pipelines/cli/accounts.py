"""`backline accounts`: list, import, test, disconnect."""

from __future__ import annotations

import asyncio
import uuid
from typing import IO, Any

import click

from pipelines.cli.output import errors, json_option, migrated, people, show_json, show_table
from resources.accounts import connect, disconnect, list_accounts, parse_import_line
from resources.backline import Backline
from resources.errors import BacklineError, GrantExpired, InputRefused
from resources.verification import asking, find_account

IMPORT_AT_ONCE = 500


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
    with backline.database.read() as connection:
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
@click.argument("file", type=click.File("r", encoding="utf-8"), metavar="FILE|-")
@json_option
@click.pass_context
def import_command(context: click.Context, file: IO[str], *, as_json: bool) -> None:
    """Import accounts from JSON lines; wrong lines are named and left out, the right ones are kept.

    A line: {"org": "acme", "provider": "spotify", "external_id": "31abc", "display_name": "Acme",
    "grant": {"access_token": "…", "refresh_token": "…", "expires_at": "2026-11-23T10:00:00Z",
    "scopes": ["user-top-read"]}, "config": {"artist_ids": ["…"]}}
    """
    backline = migrated(Backline())
    imported, refused = 0, []
    connections = []
    try:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    connections.append(parse_import_line(line))
                except InputRefused as error:
                    refused.append(
                        {"line": number, "field": error.field, "problem": error.problem, "cure": error.cure}
                    )
            if len(connections) == IMPORT_AT_ONCE:
                imported += _store(backline, connections)
    except UnicodeDecodeError as error:
        refused.append(
            {
                "line": None,
                "field": "file",
                "problem": "is not UTF-8",
                "cure": f"convert it; read up to byte {error.start}",
            }
        )
    imported += _store(backline, connections)
    if as_json:
        show_json({"imported": imported, "refused": refused})
    else:
        for one in refused:
            errors.print(
                f"[red]line {one['line']}:[/] {one['field']}: {one['problem']}; {one['cure']}", markup=True
            )
        people.print(f"Imported {imported}, refused {len(refused)}.")
    context.exit(1 if refused else 0)


def _store(backline: Backline, connections: list[Any]) -> int:
    """Store what is collected, in one transaction, and empty the list."""
    if not connections:
        return 0
    with backline.database.write() as connection:
        for wanted in connections:
            connect(backline, wanted, "import", connection)
    count = len(connections)
    connections.clear()
    return count


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
        people.print(f"{'[green]good[/]' if verdict['ok'] else '[red]bad[/]'}: {verdict['message']}")
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
