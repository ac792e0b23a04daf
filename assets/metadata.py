"""What a materialization tells: numbers that Dagster plots, and the accounts that went wrong."""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets.checks import success_rate
from resources.sync.report import StreamReport, SyncReport, Trouble

TROUBLE_SCHEMA = dg.TableSchema(
    columns=[dg.TableColumn(name) for name in ("org", "account", "error", "message", "account_id")]
)


def metadata_of(report: StreamReport, run: SyncReport) -> dict[str, Any]:
    """Return one stream's numbers; times in milliseconds, the rate from 0 to 1.

    What the ``run`` cost of the app's quota is the whole run's, the same at each of its streams.
    """
    latency = report.usage.latency
    return {
        "records": report.records,
        "accounts_ok": report.accounts["ok"],
        "accounts_partial": report.accounts["partial"],
        "accounts_failed": report.accounts["failed"],
        "api_success_rate": round(success_rate(report), 4),
        "requests": report.usage.requests,
        "response_p50_ms": round(latency.percentile_ms(0.5), 1),
        "response_p95_ms": round(latency.percentile_ms(0.95), 1),
        "deleted": report.deleted,
        "rejected": report.rejected,
        "unchanged_parents": report.unchanged,
        "incomplete_passes": report.incomplete,
        "accounts_deferred": run.deferred,
        **_quota(run),
        **({"waits": str(run.stopped)} if run.stopped else {}),
        "failed accounts": dg.MetadataValue.table(
            [_trouble(trouble) for trouble in report.troubles], schema=TROUBLE_SCHEMA
        ),
    }


def _quota(run: SyncReport) -> dict[str, Any]:
    """Return what the run was to cost, what it did, and what is left, by bucket of the quota."""
    if run.plan is None:
        return {}
    figures: dict[str, Any] = {"quota plan": str(run.plan)}
    for bucket, left in run.plan.left.items():
        paid = run.paid.get(bucket, 0)
        figures |= {f"quota_{bucket}_planned": run.plan.costs.get(bucket, 0), f"quota_{bucket}_spent": paid}
        figures[f"quota_{bucket}_left"] = left - paid
    return figures


def _trouble(trouble: Trouble) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "org": trouble.org,
            "account": trouble.account,
            "error": trouble.error,
            "message": trouble.message,
            "account_id": trouble.account_id,
        }
    )
