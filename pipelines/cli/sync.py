"""`backline sync`: runs the provider's Dagster assets here and now, with progress."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click
import dagster as dg
import sqlalchemy as sa
from dagster import RunsFilter
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from assets.runs import TAKES_UP_TAG, root_run_id
from assets.streams import SOURCE_TAG, shards_of, stream_key
from pipelines.api import definitions
from pipelines.cli.output import errors, json_option, migrated, people, show_json, show_table
from pipelines.instance import open_instance
from pipelines.jobs import job_name
from resources.backline import Backline
from resources.database import utc_now
from resources.errors import InputRefused
from resources.provider import Provider
from resources.providers import find_provider
from resources.sync.report import SyncReport
from resources.tables import ConnectedAccount, Org, SyncResult
from sensors.runs import KILLED_TAG, PROCESS_TAG, close_dead_runs, process_name

SCOPE_TAG = "backline/scope"
TAKEN_UP_WITHIN = timedelta(days=1)  # what an older run committed is worth reading again
DAY = click.DateTime(["%Y-%m-%d"])


@dataclass(frozen=True)
class Scope:
    """What the command was asked to sync."""

    provider: Provider
    streams: tuple[str, ...]
    orgs: tuple[str, ...]
    accounts: tuple[uuid.UUID, ...]
    only_failed: bool
    full: bool

    @property
    def tag(self) -> str:
        """A word that is the same for the same scope, by which an unfinished run is found again."""
        parts = (*self.streams, *self.orgs, *map(str, self.accounts), self.only_failed, self.full)
        return uuid.uuid5(uuid.NAMESPACE_OID, "\0".join(map(str, parts))).hex

    @property
    def run_config(self) -> dict[str, Any]:
        """The run's configuration; the console log is left to the progress bar."""
        config = {
            "orgs": list(self.orgs),
            "accounts": [str(account) for account in self.accounts],
            "only_failed": self.only_failed,
            "full": self.full,
        }
        return {
            "ops": {f"{self.provider.name}_streams": {"config": config}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        }


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
    scope = Scope(find_provider(provider), streams, orgs, accounts, only_failed, full)
    _check_days(scope.provider, first, last)
    total = _check(backline, scope)
    runs = _run_shards(backline, scope, total, quiet=as_json)
    summary = _summary(backline, scope, runs)
    if as_json:
        show_json(summary)
    else:
        _show(summary)
    context.exit(0 if summary["ok"] else 1)


def _check_days(provider: Provider, first: datetime | None, last: datetime | None) -> None:
    """Refuse days: no stream that is declared so far has a history that can be asked for by the day."""
    if first is None and last is None:
        return
    if first is None or last is None:
        missing = "--from" if first is None else "--to"
        raise InputRefused(missing, "is missing", "give the first and the last day")
    if first > last:
        problem = f"{first:%Y-%m-%d} is after {last:%Y-%m-%d}"
        raise InputRefused("--from", problem, "give the earlier day first")
    problem = f"no stream of {provider.title} has a history by the day"
    raise InputRefused("--from and --to", problem, "leave them out, or say --full to read all there is")


def _check(backline: Backline, scope: Scope) -> int:
    """Refuse names that do not exist; return how many accounts the scope has."""
    known = [stream.name for stream in scope.provider.streams]
    for name in scope.streams:
        if name not in known:
            raise InputRefused("stream", f"{name!r} is unknown", f"use some of {', '.join(known)}")
    account = ConnectedAccount
    wanted = sa.select(account.id, account.status).where(account.provider == scope.provider.name)
    with backline.database.read() as connection:
        slugs = set(connection.execute(sa.select(Org.slug).where(Org.slug.in_(scope.orgs))).scalars())
        named = connection.execute(wanted.where(account.id.in_(scope.accounts)))
        states = {row.id: row.status for row in named}
        wanted = wanted.join(Org).where(Org.slug.in_(scope.orgs)) if scope.orgs else wanted
        connected = wanted.where(account.status == "connected").subquery()
        total = connection.execute(sa.select(sa.func.count()).select_from(connected)).scalar_one()
    for field, missing in (("org", set(scope.orgs) - slugs), ("account", set(scope.accounts) - set(states))):
        if missing:
            names = ", ".join(sorted(map(str, missing)))
            raise InputRefused(field, f"{names} is unknown", "see `backline accounts list`")
    for account_id, state in states.items():
        if state != "connected":
            problem = f"{account_id} is {state.replace('_', ' ')}"
            raise InputRefused("account", problem, "connect it in the console")
    return len(scope.accounts) or total


def _run_shards(backline: Backline, scope: Scope, total: int, *, quiet: bool) -> list[str]:
    """Execute one Dagster run a shard; return their ids."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[records]} records"),
        TimeElapsedColumn(),
    )
    runs = []
    with (
        open_instance(backline.settings) as instance,
        Progress(*columns, console=errors, disable=quiet) as progress,
    ):
        close_dead_runs(instance)
        task = progress.add_task(f"{scope.provider.title} accounts", total=total, records=0)
        before = [0, 0]

        def on_commit(report: SyncReport) -> None:
            progress.update(
                task, completed=before[0] + report.accounts.total(), records=before[1] + report.records
            )

        job = definitions(backline, on_commit).resolve_job_def(job_name(scope.provider))
        for shard in shards_of(backline.settings.shards).get_partition_keys():
            result = job.execute_in_process(
                instance=instance,
                run_config=scope.run_config,
                partition_key=shard,
                asset_selection=[stream_key(scope.provider, name) for name in scope.streams] or None,
                tags=_tags(instance, scope, shard),
                raise_on_error=False,
            )
            runs.append(result.run_id)
            if not result.success:
                errors.print(f"[red]Run {result.run_id} failed:[/] {escape(_reason(result))}")
            done = progress.tasks[0]
            before = [int(done.completed), done.fields["records"]]
    return runs


def _reason(result: dg.ExecuteInProcessResult) -> str:
    """Return why a run failed, from the innermost cause."""
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and failure.user_failure_data.description:
                return failure.user_failure_data.description
            error = failure.error
            while error is not None and error.cause is not None:
                error = error.cause
            return error.message.strip() if error is not None else "no reason was recorded"
    return "it ended before any step"


def _tags(instance: dg.DagsterInstance, scope: Scope, shard: str) -> dict[str, str]:
    tags = {SOURCE_TAG: "manual", SCOPE_TAG: f"{scope.tag}/{shard}", PROCESS_TAG: process_name()}
    wanted = RunsFilter(
        job_name=job_name(scope.provider),
        tags={SCOPE_TAG: tags[SCOPE_TAG]},
        created_after=utc_now() - TAKEN_UP_WITHIN,
    )
    last = next(iter(instance.get_runs(wanted, limit=1)), None)
    if last is not None and last.tags.get(KILLED_TAG) == "true":
        tags[TAKES_UP_TAG] = root_run_id(last)
        errors.print(f"Taking up run {last.run_id}, which was killed.")
    return tags


def _summary(backline: Backline, scope: Scope, runs: Sequence[str]) -> dict[str, Any]:
    """Sum up what the runs left in ``sync_results``."""
    result = SyncResult
    totals = [
        sa.func.sum(getattr(result, name)).label(name)
        for name in ("records", "rejected", "deleted", "requests")
    ]
    states = [
        sa.func.sum(sa.case((result.status == state, 1), else_=0)).label(state)
        for state in ("ok", "partial", "failed")
    ]
    streams = sa.select(result.asset, *states, *totals).where(result.run_id.in_(runs)).group_by(result.asset)
    troubles = (
        sa.select(
            Org.slug.label("org"),
            ConnectedAccount.display_name.label("account"),
            result.asset,
            result.status,
            result.error_type,
            result.error_message,
        )
        .join(ConnectedAccount, ConnectedAccount.id == result.account_id)
        .join(Org, Org.id == result.org_id)
        .where(result.run_id.in_(runs), result.status != "ok")
        .order_by(result.status, Org.slug)
        .limit(20)
    )
    with backline.database.read() as connection:
        by_asset = {row.asset: dict(row._mapping) for row in connection.execute(streams)}  # noqa: SLF001  # SQLAlchemy's public name
        named = [dict(row._mapping) for row in connection.execute(troubles)]  # noqa: SLF001
    order = [f"{scope.provider.name}/{stream.name}" for stream in scope.provider.streams]
    rows = [
        {name: int(value) if name != "asset" else value for name, value in by_asset[asset].items()}
        for asset in order
        if asset in by_asset
    ]
    return {
        "ok": not named and _succeeded(backline, runs),
        "runs": list(runs),
        "streams": rows,
        "troubles": named,
    }


def _succeeded(backline: Backline, runs: Sequence[str]) -> bool:
    with open_instance(backline.settings) as instance:
        return all((run := instance.get_run_by_id(run_id)) is not None and run.is_success for run_id in runs)


def _show(summary: dict[str, Any]) -> None:
    show_table(
        "Streams",
        summary["streams"],
        "No connected accounts to sync: connect one in the console, or `backline accounts import`.",
    )
    if summary["troubles"]:
        show_table("What went wrong", summary["troubles"], "")
    people.print(f"Run{'s' if len(summary['runs']) > 1 else ''} {', '.join(summary['runs'])}")
