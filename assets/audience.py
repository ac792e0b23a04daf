"""The audience as Dagster assets: by account, by org, and its growth; over all providers, by shard."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from assets.streams import OWNERS, shards_of, stream_key
from resources.audience.computing import refresh_growth, refresh_org_daily
from resources.audience.daily import ProviderAudience, refresh_daily
from resources.audience.report import OrgReport, snapshots_of
from resources.audience.shards import Shard
from resources.backline import Backline
from resources.provider import Provider

GROUP = "audience"
PROVIDERS_READ = "providers_read"
PROVIDERS_READ_DESCRIPTION = (
    "Every provider's streams could be read. If red: `failed providers` names the fault and the run's log "
    "has its trace; `backline db upgrade` mends a missing table or column. What one provider missed is "
    "written by the next good refresh, the others are not held up."
)
DAILY, ORG_DAILY, GROWTH = (dg.AssetKey([GROUP, name]) for name in ("daily", "org_daily", "growth"))


class AudienceConfig(dg.Config):
    """How much to read: what changed since the last refresh, or all there is."""

    full: bool = False


def audience_assets(providers: Sequence[Provider], shards: int) -> list[dg.AssetsDefinition]:
    """Return the audience's assets over these providers."""
    return [_daily(providers, shards), _org_daily(providers, shards), _growth(shards)]


def _shard(context: dg.AssetExecutionContext, shards: int) -> Shard:
    return Shard(int(context.partition_key), shards)


def _daily(providers: Sequence[Provider], shards: int) -> dg.AssetsDefinition:
    named = {stream_key(one, metric.stream): None for one in providers for metric in one.audience}

    @dg.asset(
        key=DAILY,
        deps=list(named),
        kinds={"sql"},
        description="Followers, views, plays and the like of every connected account, one number a day.\n\n"
        "Table `audience_daily`, made from the streams that the providers' declarations name. Reads what "
        "was synced since the last refresh; `full` reads all there is.",
        check_specs=[dg.AssetCheckSpec(PROVIDERS_READ, asset=DAILY, description=PROVIDERS_READ_DESCRIPTION)],
        partitions_def=shards_of(shards),
        group_name=GROUP,
        owners=OWNERS,
    )
    def audience_daily(
        context: dg.AssetExecutionContext, config: AudienceConfig, backline: dg.ResourceParam[Backline]
    ) -> Iterator[Any]:
        done = refresh_daily(backline.database, providers, _shard(context, shards), full=config.full)
        failed = {name: part.error for name, part in done.items() if part.error is not None}
        for name, error in failed.items():
            context.log.error("The audience of %s could not be written.", name, exc_info=error)
        yield _daily_result(done, failed)
        if failed and len(failed) == len(done):  # after the result: what only raises leaves old checks green
            raise dg.Failure(f"No provider's audience could be written: {', '.join(failed)}; see the log.")

    return audience_daily


def _daily_result(
    done: Mapping[str, ProviderAudience], failed: Mapping[str, Exception]
) -> dg.MaterializeResult[Any]:
    rows = {f"rows_{name}": sum(part.rows.values()) for name, part in done.items()}
    faults = [{"provider": name, "error": type(error).__name__} for name, error in failed.items()]
    verdict = dg.AssetCheckResult(
        check_name=PROVIDERS_READ,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"failed providers": table_of(faults, ("provider", "error"))},
    )
    return dg.MaterializeResult(metadata={"rows": sum(rows.values()), **rows}, check_results=[verdict])


def _org_daily(providers: Sequence[Provider], shards: int) -> dg.AssetsDefinition:
    snapshots = snapshots_of(providers)

    @dg.asset(
        key=ORG_DAILY,
        deps=[DAILY],
        kinds={"pandas"},
        description="The audience of every org by provider and day: the sum over its accounts, how many "
        "these are, and how many count with the number of an earlier day.\n\nTable `org_audience_daily`. "
        "A number of now is carried over days without a sync, for 90 at most.",
        partitions_def=shards_of(shards),
        group_name=GROUP,
        owners=OWNERS,
    )
    def audience_org_daily(
        context: dg.AssetExecutionContext, config: AudienceConfig, backline: dg.ResourceParam[Backline]
    ) -> dg.MaterializeResult[Any]:
        shard = _shard(context, shards)
        return _org_result(refresh_org_daily(backline.database, snapshots, shard, full=config.full))

    return audience_org_daily


def _growth(shards: int) -> dg.AssetsDefinition:
    @dg.asset(
        key=GROWTH,
        deps=[ORG_DAILY],
        kinds={"pandas"},
        description="Where each number of an org stands, its change over 7 and 28 days, and each provider's "
        "share of the org's followers.\n\nTable `org_audience_growth`. A change is null where there is no "
        "number of that many days ago.",
        partitions_def=shards_of(shards),
        group_name=GROUP,
        owners=OWNERS,
    )
    def audience_growth(
        context: dg.AssetExecutionContext, config: AudienceConfig, backline: dg.ResourceParam[Backline]
    ) -> dg.MaterializeResult[Any]:
        return _org_result(refresh_growth(backline.database, _shard(context, shards), full=config.full))

    return audience_growth


def _org_result(report: OrgReport) -> dg.MaterializeResult[Any]:
    columns = tuple(report.preview[0]) if report.preview else ("org_id",)
    return dg.MaterializeResult(
        metadata={"rows": report.rows, "orgs": report.orgs, "preview": table_of(report.preview, columns)}
    )


def table_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dg.MetadataValue[Any]:
    """Return rows as a table of a materialization's or check's metadata."""
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in columns])
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], schema=schema)
