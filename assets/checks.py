"""The checks of a stream: how the API answered, how fast, and whether its replies are what was declared."""

from __future__ import annotations

import dagster as dg

from resources.errors import BudgetSpent, ParkingError
from resources.provider import Stream
from resources.sync.report import StreamReport

LOWEST_SUCCESS_RATE = 0.99
LONGEST_MEAN_MS = 2_000
DESCRIPTIONS = {
    "api_success_rate": "More than 99 % of the requests were answered. If red: see which error grew in "
    "`failed accounts`, and the provider's status page; `waits` says until when the provider wants none.",
    "response_time": "The mean response took less than 2 s. If red: the provider is slow; syncs take longer.",
    "schema": "Every item was what the stream declares. If red: the provider changed its replies; compare "
    "the problems named with its changelog.",
}


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the checks of one stream."""
    return [dg.AssetCheckSpec(name, asset=key, description=text) for name, text in DESCRIPTIONS.items()]


def judge(
    key: dg.AssetKey, stream: Stream, report: StreamReport, stopped: ParkingError | None = None
) -> list[dg.AssetCheckResult]:
    """Return the verdicts of one run over one stream; ``stopped`` is why it did not ask for all accounts."""
    usage, rate = report.usage, success_rate(report)
    mean_ms = usage.latency.mean_ms
    imposed = stopped is not None and not isinstance(stopped, BudgetSpent)
    return [
        dg.AssetCheckResult(
            asset_key=key,
            check_name="api_success_rate",
            passed=rate > LOWEST_SUCCESS_RATE and not imposed,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "success_rate": round(rate, 4),
                "requests": usage.requests,
                "refused": usage.refused,
                **({"waits": str(stopped)} if stopped else {}),
            },
        ),
        dg.AssetCheckResult(
            asset_key=key,
            check_name="response_time",
            passed=mean_ms < LONGEST_MEAN_MS,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"mean_ms": round(mean_ms, 1), "p95_ms": round(usage.latency.percentile_ms(0.95), 1)},
        ),
        dg.AssetCheckResult(
            asset_key=key,
            check_name="schema",
            passed=not report.problems and not _contract_troubles(report),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "rejected": report.rejected,
                "problems": dg.MetadataValue.md(_listed([*report.problems, *_contract_troubles(report)])),
                "columns": len(stream.reader.columns),
            },
        ),
    ]


def success_rate(report: StreamReport) -> float:
    """Return the share of requests that were answered; an account that could not even ask counts as one."""
    unasked = max(report.accounts["failed"] - report.usage.refused, 0)
    asked = report.usage.requests + unasked
    return 1 - (report.usage.refused + unasked) / asked if asked else 1.0


def _contract_troubles(report: StreamReport) -> list[str]:
    return [trouble.message for trouble in report.troubles if trouble.error == "contract"]


def _listed(problems: list[str]) -> str:
    return "\n".join(f"- {problem}" for problem in problems) or "none"
