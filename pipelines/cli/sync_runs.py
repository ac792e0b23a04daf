"""The runs that `backline sync` executes: what they are asked, and which killed one they take up."""

from __future__ import annotations

import gc
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg
from dagster import RunsFilter
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from assets.runs import TAKES_UP_TAG, root_run_id
from assets.streams import SOURCE_TAG, shards_of, stream_key
from pipelines.api import definitions
from pipelines.cli.output import errors
from pipelines.instance import open_instance
from pipelines.jobs import job_name
from resources.backline import Backline
from resources.database import utc_now
from resources.provider import Provider
from resources.sync.report import SyncReport
from resources.sync.request import SyncRequest
from sensors.runs import KILLED_TAG, PROCESS_TAG, close_dead_runs, process_name

SCOPE_TAG, INTERRUPTED = "backline/scope", "DagsterExecutionInterruptedError"
TAKEN_UP_WITHIN = timedelta(days=1)  # what an older run committed is worth reading again


@dataclass(frozen=True)
class Scope:
    """What the command was asked to sync."""

    provider: Provider
    streams: tuple[str, ...]
    orgs: tuple[str, ...]
    accounts: tuple[uuid.UUID, ...]
    only_failed: bool
    full: bool
    days: tuple[date, date] | None = None

    @property
    def tag(self) -> str:
        """A word that is the same for the same scope, by which an unfinished run is found again."""
        parts = (*self.streams, *self.orgs, *map(str, self.accounts), self.only_failed, self.full, self.days)
        return uuid.uuid5(uuid.NAMESPACE_OID, "\0".join(map(str, parts))).hex

    @property
    def run_config(self) -> dict[str, Any]:
        """The run's configuration; the console log is left to the progress bar."""
        config: dict[str, Any] = {
            "orgs": list(self.orgs),
            "accounts": [str(account) for account in self.accounts],
            "only_failed": self.only_failed,
            "full": self.full,
        }
        if self.days is not None:
            config |= {"first_day": self.days[0].isoformat(), "last_day": self.days[1].isoformat()}
        return {
            "ops": {f"{self.provider.name}_streams": {"config": config}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        }

    def request(self) -> SyncRequest:
        """Return the same as one request of all shards, to plan it."""
        names = self.streams or tuple(stream.name for stream in self.provider.streams)
        return SyncRequest(
            self.provider,
            self.provider.selected(names),
            run_id="plan",
            root_run_id="plan",
            orgs=self.orgs,
            accounts=self.accounts,
            only_failed=self.only_failed,
            full=self.full,
            days=self.days,
            source="manual",
        )


def run_shards(backline: Backline, scope: Scope, total: int, *, quiet: bool) -> list[str]:
    """Execute one Dagster run a shard, with a progress bar on the error output; return their ids."""
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
        gc.collect()
        gc.freeze()  # what is loaded by now stays; looking through it again and again cost a second a run
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
            if _was_interrupted(result):
                errors.print("Interrupted; what was committed stays, and the next sync reads the rest.")
                break
            if not result.success:
                errors.print(f"[red]Run {result.run_id} failed:[/] {escape(failure_reason(result))}")
            done = progress.tasks[0]
            before = [int(done.completed), done.fields["records"]]
    return runs


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Say whether a person ended the run; the further shards are not begun then."""
    failures = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return any(error is not None and error.cls_name == INTERRUPTED for error in failures)


def failure_reason(result: dg.ExecuteInProcessResult) -> str:
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
