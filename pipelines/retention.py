"""Retention: old runs, results and delivered events are deleted; Dagster itself would keep them for ever."""

from datetime import datetime, timedelta

import dagster as dg
import sqlalchemy as sa
from dagster import DagsterRunStatus, RunsFilter

from resources.backline import Backline
from resources.database import Database, utc_now
from resources.scraping.evidence import prune as prune_evidence
from resources.tables import (
    OAuthState,
    ProviderPush,
    QuotaUsage,
    ScraperJob,
    ScraperVisit,
    SyncResult,
    WebhookEvent,
)

FINISHED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
RUNS_AT_ONCE = 100


def prune_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete finished Dagster runs, with their events, that were created before a moment; return how many."""
    wanted = RunsFilter(statuses=list(FINISHED), created_before=before)
    deleted = 0
    while runs := instance.get_run_records(wanted, limit=RUNS_AT_ONCE):
        for record in runs:
            instance.delete_run(record.dagster_run.run_id)
        deleted += len(runs)
    return deleted


def prune_rows(database: Database, before: datetime) -> dict[str, int]:
    """Delete old results, finished events with their attempts, pushes, budgets, abandoned connections."""
    newest = sa.select(sa.func.max(WebhookEvent.sequence)).scalar_subquery()  # the next follows it
    done = WebhookEvent.status.in_(("delivered", "failed")) & (WebhookEvent.sequence < newest)
    finished = done & (WebhookEvent.created_at < before)
    statements = {
        "sync_results": sa.delete(SyncResult).where(SyncResult.finished_at < before),
        "webhook_events": sa.delete(WebhookEvent).where(finished),
        "provider_pushes": sa.delete(ProviderPush).where(ProviderPush.received_at < before),
        "quota_usage": sa.delete(QuotaUsage).where(QuotaUsage.day < before.date()),
        "scraper_visits": sa.delete(ScraperVisit).where(ScraperVisit.at < before),
        "scraper_jobs": sa.delete(ScraperJob).where(ScraperJob.completed_at < before),
        "oauth_states": sa.delete(OAuthState).where(OAuthState.expires_at < utc_now()),
    }
    with database.write() as connection:
        return {name: connection.execute(statement).rowcount for name, statement in statements.items()}


def prune(backline: Backline, instance: dg.DagsterInstance) -> dict[str, int]:
    """Delete all that is older than the setting ``RETENTION_DAYS``; return the counts."""
    before = utc_now() - timedelta(days=backline.settings.retention_days)
    counts = {"dagster_runs": prune_runs(instance, before), **prune_rows(backline.database, before)}
    return {**counts, "evidence": prune_evidence(backline.database, backline.settings)}


@dg.op(description="Deletes runs, results and finished events older than BACKLINE_RETENTION_DAYS.")
def prune_old(context: dg.OpExecutionContext, backline: dg.ResourceParam[Backline]) -> None:
    """Prune and say how much."""
    counts = prune(backline, context.instance)
    context.log.info("Deleted %s.", counts)
    context.add_output_metadata(dict(counts))


@dg.job(description="Keeps the databases from growing for ever.", executor_def=dg.in_process_executor)
def retention_job() -> None:
    """Prune once."""
    prune_old()


retention_schedule = dg.ScheduleDefinition(
    name="retention_schedule",
    job=retention_job,
    cron_schedule="17 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Prunes every night.",
)
