"""`backline sync`: runs the provider's Dagster assets here and now, with progress."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import click
import sqlalchemy as sa

from pipelines.cli.output import errors, json_option, migrated, people, show_json, show_table
from pipelines.cli.sync_runs import Scope, run_shards
from pipelines.cli.sync_summary import summarise
from resources import parking
from resources.backline import Backline
from resources.errors import InputRefused
from resources.names import known_accounts
from resources.provider import Provider
from resources.providers import find_provider
from resources.sync.plan import plan_of
from resources.tables import ConnectedAccount, Org

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("provider")
@click.argument("streams", nargs=-1, metavar="[STREAM…]")
@click.option("--org", "orgs", multiple=True, help="Only this org, by its slug; may be repeated.")
@click.option(
    "--account", "accounts", multiple=True, type=click.UUID, help="Only this account; may be repeated."
)
@click.option("--only-failed", is_flag=True, help="Only accounts whose last sync failed in part or whole.")
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day to read, of a history by the day.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day to read, likewise.")
@click.option("--full", is_flag=True, help="Forget where the last sync stopped and read everything.")
@json_option
@click.pass_context
def sync(  # noqa: PLR0913  # one parameter an option
    context: click.Context,
    provider: str,
    streams: tuple[str, ...],
    orgs: tuple[str, ...],
    accounts: tuple[uuid.UUID, ...],
    *,
    only_failed: bool,
    first: datetime | None,
    last: datetime | None,
    full: bool,
    as_json: bool,
) -> None:
    """Sync PROVIDER's STREAMs (all where none is named) as a Dagster run of this process.

    A run of the same scope that was killed within the last day is taken up: what it committed is not
    repeated.
    """
    backline = migrated(Backline())
    known = find_provider(provider)
    days = _days(known, streams, first, last)
    streams = streams or (tuple(s.name for s in known.streams if s.days and not s.optional) if days else ())
    scope = Scope(known, streams, orgs, accounts, only_failed, full, days)
    total = _check(backline, scope)
    parked = parking.current(backline.database, scope.provider)
    if parked is not None:
        raise parked
    if not as_json:
        _show_plan(backline, scope)
    runs = run_shards(backline, scope, total, quiet=as_json)
    summary = summarise(backline, scope.provider, runs)
    if as_json:
        show_json(summary)
    else:
        _show(summary)
    context.exit(0 if summary["ok"] else 1)


def _days(
    provider: Provider, streams: Sequence[str], first: datetime | None, last: datetime | None
) -> tuple[date, date] | None:
    """Return the days asked for; refuse them where a stream has no history by the day."""
    if first is None and last is None:
        return None
    if first is None or last is None:
        missing = "--from" if first is None else "--to"
        raise InputRefused(missing, "is missing", "give the first and the last day")
    if first > last:
        problem = f"{first:%Y-%m-%d} is after {last:%Y-%m-%d}"
        raise InputRefused("--from", problem, "give the earlier day first")
    having = [stream.name for stream in provider.streams if stream.days]
    if not having:
        problem = f"no stream of {provider.title} has a history by the day"
        raise InputRefused("--from and --to", problem, "leave them out, or say --full to read all there is")
    if without := [name for name in streams if name not in having]:
        problem = f"{', '.join(without)} has no history by the day"
        raise InputRefused("--from and --to", problem, f"name some of {', '.join(having)}, or no stream")
    return first.date(), last.date()


def _show_plan(backline: Backline, scope: Scope) -> None:
    """Say what the sync will cost of the app's quota, before it begins."""
    quota = backline.quota(scope.provider)
    if quota is not None:
        plan = plan_of(backline.database, scope.request(), quota)
        color = "dim" if plan.is_affordable else "yellow"
        errors.print(f"[{color}]{scope.provider.title}: {plan}.[/]")


def _check(backline: Backline, scope: Scope) -> int:
    """Refuse names that do not exist; return how many accounts the scope has."""
    known = [stream.name for stream in scope.provider.streams]
    for name in scope.streams:
        if name not in known:
            raise InputRefused("stream", f"{name!r} is unknown", f"use some of {', '.join(known)}")
    with backline.database.read() as connection:
        states = known_accounts(connection, scope.provider, scope.orgs, scope.accounts)
    for account_id, state in states.items():
        if state != "connected":
            problem = f"{account_id} is {state.replace('_', ' ')}"
            raise InputRefused("account", problem, "connect it in the console")
    account = ConnectedAccount
    wanted = sa.select(sa.func.count()).where(account.provider == scope.provider.name)
    if scope.orgs:
        wanted = wanted.where(account.org_id.in_(sa.select(Org.id).where(Org.slug.in_(scope.orgs))))
    with backline.database.read() as connection:
        total = connection.execute(wanted.where(account.status == "connected")).scalar_one()
    return len(scope.accounts) or total


def _show(summary: dict[str, Any]) -> None:
    show_table(
        "Streams",
        summary["streams"],
        "Nothing was synced. If no account is connected, use the console or `backline accounts import`.",
    )
    if summary["troubles"]:
        show_table("What went wrong", summary["troubles"], "")
    people.print(f"Run{'s' if len(summary['runs']) > 1 else ''} {', '.join(summary['runs'])}")
