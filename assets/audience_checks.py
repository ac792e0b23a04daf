"""Checks over all providers: who has been silent, and whose lists came back much shorter than usual.

They are of all shards and run by the clock: what fell silent updates nothing that could start them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

import dagster as dg

from assets.audience import DAILY, table_of
from resources.audience.computing import measure_volume
from resources.audience.drops import Drop, Volume
from resources.audience.silence import Silence, silences
from resources.backline import Backline
from resources.database import utc_now
from resources.provider import Provider

DESCRIPTIONS = {
    "provider_silence": "Every provider's connected accounts were synced with success within a day. If red: "
    "read the provider's last run and whether it is parked; a whole provider is an error, more than 5 % of "
    "its accounts a warning: see these in the console.",
    "volume": "No account's list came back with less than half of its usual records. If red: several "
    "accounts of a provider mean that it leaves records out without an error, so see its status page and "
    "sync with `full` when it is over; one account alone may have been cleared up by its owner.",
}


def audience_checks(
    providers: Sequence[Provider], condition: "dg.AutomationCondition[dg.AssetCheckKey]"
) -> dg.AssetChecksDefinition:
    """Return the checks over these providers, evaluated whenever the condition says."""

    @dg.multi_asset_check(
        name="audience_checks",
        specs=[
            dg.AssetCheckSpec(name, asset=DAILY, description=text, automation_condition=condition)
            for name, text in DESCRIPTIONS.items()
        ],
        can_subset=True,
    )
    def check_audience(
        context: dg.AssetCheckExecutionContext, backline: dg.ResourceParam[Backline]
    ) -> Iterator[dg.AssetCheckResult]:
        chosen = {key.name for key in context.selected_asset_check_keys}
        if "provider_silence" in chosen:
            yield judge_silence(silences(backline.database, providers, utc_now()))
        if "volume" in chosen:
            yield judge_volume(measure_volume(backline.database, providers, utc_now()))

    return check_audience


def judge_silence(found: Sequence[Silence]) -> dg.AssetCheckResult:
    """Return the verdict: a silent provider is an error, a share of silent accounts a warning."""
    rows = [
        {"provider": one.provider, "accounts": one.accounts, "silent": one.silent, "oldest": str(one.oldest)}
        for one in found
    ]
    return dg.AssetCheckResult(
        asset_key=DAILY,
        check_name="provider_silence",
        passed=not any(one.is_finding for one in found),
        severity=_severity(is_error=any(one.is_whole for one in found)),
        metadata={
            "silent": sum(one.silent for one in found),
            "providers": table_of(rows, ("provider", "accounts", "silent", "oldest")),
        },
    )


def judge_volume(found: Volume) -> dg.AssetCheckResult:
    """Return the verdict: drops of several accounts of a provider are an error, of one a warning."""
    rows: list[dict[str, Any]] = [asdict(drop) for drop in found.drops]
    return dg.AssetCheckResult(
        asset_key=DAILY,
        check_name="volume",
        passed=not found.drops,
        severity=_severity(is_error=found.is_widespread),
        metadata={
            "judged": found.judged.total(),
            "dropped": found.dropped.total(),
            "drops": table_of(rows, [field.name for field in fields(Drop)]),
        },
    )


def _severity(*, is_error: bool) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN
