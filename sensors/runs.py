"""The sensor that finds runs which ended badly without telling anybody: lost workers, killed commands."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster import DagsterRun, DagsterRunStatus, RunRecord, RunsFilter

from assets.runs import root_run_id
from resources.backline import Backline
from resources.database import Database, utc_now
from resources.events import Event, event_id, write_events
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant, Org, WebhookEvent

REREAD = timedelta(hours=24)
CHECK_EVERY_SECONDS = 15
MAX_RETRIES_TAG = "dagster/max_retries"  # nothing could run a command's run again
PROCESS_TAG, KILLED_TAG = "backline/process", "backline/killed"
PARTITION_TAG, RUN_KEY_TAG = "dagster/partition", "dagster/run_key"
RETRIED_BY_TAG = "dagster/auto_retry_run_id"
IN_PROGRESS = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)
BADLY_ENDED = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def process_name() -> str:
    """Return what names this process on its host, as put into the tags of runs that it executes itself."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def _started(pid: int) -> str:
    """Return when a process started, to tell it from another of its number; empty where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return "0" if _exists(pid) else ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def close_dead_runs(instance: dg.DagsterInstance) -> list[DagsterRun]:
    """Mark as failed the unfinished runs whose executing command on this host is gone; return them."""
    dead = []
    for run in instance.get_runs(RunsFilter(statuses=list(IN_PROGRESS))):
        host, _, rest = run.tags.get(PROCESS_TAG, "").partition("/")
        pid, _, started = rest.partition("/")
        if host == socket.gethostname() and pid.isdecimal() and _started(int(pid)) != started:
            instance.add_run_tags(run.run_id, {KILLED_TAG: "true", MAX_RETRIES_TAG: "0"})
            instance.report_run_failed(run, "The command that executed this run is gone.")
            dead.append(run)
    return dead


def tell_of_failures(instance: dg.DagsterInstance, backline: Backline) -> int:
    """Write ``error.occurred`` for each org that a badly ended run left without any event; return how many.

    Runs of the last day are read again each time: an event that is there already is left alone, so no
    position can slip past one.
    """
    wanted = RunsFilter(statuses=list(BADLY_ENDED), updated_after=utc_now() - REREAD)
    records = instance.get_run_records(wanted)
    events = [event for record in records for event in _missing_events(backline, record)]
    with backline.database.write() as connection:
        write_events(connection, events)
    return len(events)


def release_accounts(instance: dg.DagsterInstance, database: Database) -> int:
    """Mark as failed the accounts that are called running though no run is at work; return how many."""
    busy = {provider_of(run) for run in instance.get_runs(RunsFilter(statuses=list(IN_PROGRESS)))}
    idle = [provider.name for provider in PROVIDERS.values() if provider not in busy]
    left = ConnectedAccount.provider.in_(idle) & (ConnectedAccount.sync_status == "running")
    message = "The sync was stopped before this account was done. The next sync repeats it."
    values = {"sync_status": "failed", "error_type": "run_failed", "error_message": message}
    with database.write() as connection:
        return connection.execute(sa.update(ConnectedAccount).where(left).values(**values)).rowcount


def _missing_events(backline: Backline, record: RunRecord) -> list[Event]:
    run = record.dagster_run
    provider = provider_of(run)
    if provider is None or run.is_complete_and_waiting_to_retry or RETRIED_BY_TAG in run.tags:
        return []
    with backline.database.read() as connection:
        org_ids = connection.execute(_untold_orgs(backline, record, provider)).scalars().all()
    return [_event(run, provider, org_id) for org_id in org_ids]


def _untold_orgs(backline: Backline, record: RunRecord, provider: Provider) -> sa.Select[uuid.UUID]:
    account, run = ConnectedAccount, record.dagster_run
    config, ended = _sync_config(run.run_config), _end_of(record)
    told = sa.exists().where(
        WebhookEvent.org_id == account.org_id,
        WebhookEvent.provider == provider.name,
        WebhookEvent.run_id == root_run_id(run),
    )
    query = (
        sa.select(account.org_id)
        .distinct()
        .join(Org, Org.id == account.org_id)
        .join(Grant, Grant.account_id == account.id)
        .where(account.provider == provider.name, account.status == "connected", ~told)
        .where(account.created_at < ended, Grant.authorized_at < ended)  # who came later missed nothing
    )
    if run.tags.get(PARTITION_TAG, "").isdecimal():
        shard = int(run.tags[PARTITION_TAG])
        query = query.where(account.shard_hash % backline.settings.shards == shard)
    if config.get("orgs"):
        query = query.where(Org.slug.in_(config["orgs"]))
    if config.get("accounts"):
        query = query.where(account.id.in_(_account_ids(config["accounts"])))
    if config.get("only_failed"):
        query = query.where(account.sync_status.in_(("failed", "partial", "running")))
    return query


def _end_of(record: RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.create_timestamp


def _account_ids(texts: Sequence[str]) -> list[uuid.UUID]:
    """Return the ids among a run's ``accounts``; one that is malformed is why the run failed."""
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):
            found.append(uuid.UUID(text))
    return found


def _event(run: DagsterRun, provider: Provider, org_id: uuid.UUID) -> Event:
    return Event(
        id=event_id(root_run_id(run), org_id, provider.name, "error.occurred"),
        type="error.occurred",
        provider=provider.name,
        org_id=org_id,
        payload={
            "error": "run_failed",
            "message": f"The {provider.title} sync ended as {run.status.value} before this org was complete.",
            "cure": "Open the run in Dagster and re-execute it; what was committed is not repeated.",
            "accountId": None,
            "runId": run.run_id,
        },
        created_at=utc_now(),
        run_id=root_run_id(run),
    )


def provider_of(run: DagsterRun) -> Provider | None:
    """Return the provider that a run syncs, ``None`` where it syncs none; visiting pages is no sync."""
    keys = [key for key in run.asset_selection or () if not key.path[-1].endswith("_page")]
    names = {key.path[0] for key in keys} or {run.job_name.removesuffix("_sync")}
    return next((PROVIDERS[name] for name in names if name in PROVIDERS), None)


def busy_shards(instance: dg.DagsterInstance, provider: Provider) -> set[str]:
    """Return the shards of a provider that a run is syncing, or will."""
    running = instance.get_runs(RunsFilter(statuses=list(IN_PROGRESS)))
    mine = [run for run in running if provider_of(run) is provider]
    return {run.tags[PARTITION_TAG] for run in mine if PARTITION_TAG in run.tags}


def _sync_config(run_config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config of the sync's op, empty where the run has none."""
    ops: Mapping[str, Any] = run_config.get("ops", {})
    return next((op.get("config", {}) for name, op in ops.items() if name.endswith("_streams")), {})


@dg.sensor(
    minimum_interval_seconds=CHECK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells n8n of syncs that ended badly before they could tell themselves: a killed worker, a "
    "cancelled run, a code location that was down.",
)
def run_failures(context: dg.SensorEvaluationContext, backline: dg.ResourceParam[Backline]) -> dg.SkipReason:
    """Close dead runs, and tell of all that ended badly."""
    dead = close_dead_runs(context.instance)
    told = tell_of_failures(context.instance, backline)
    left = release_accounts(context.instance, backline.database)
    released = f" Released {left} accounts." if left else ""
    return dg.SkipReason(f"Closed {len(dead)} dead runs, wrote {told} events.{released}")
