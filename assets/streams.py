"""A provider's streams as Dagster assets: one multi-asset, made from the provider's declaration."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from assets.checks import check_specs, judge
from assets.interrupts import run_interruptibly
from assets.metadata import metadata_of
from assets.runs import root_run_id
from resources.backline import Backline
from resources.errors import BudgetSpent, InputRefused
from resources.provider import FromStream, Provider, Stream
from resources.sync.engine import Progress
from resources.sync.report import SyncReport
from resources.sync.request import SyncRequest
from resources.sync.run import sync_and_deliver

OWNERS = ("team:data",)
PERIODS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
}
LOG_EVERY_SECONDS = 10
SOURCE_TAG = "backline/source"


class SyncConfig(dg.Config):
    """Which accounts to sync, and how; all connected ones where nothing is said.

    ``first_day`` and ``last_day`` (``2026-11-23``) read days again of streams with a history by the day.
    ``again`` are ids of videos or posts whose parts are read again whenever they were read last.
    """

    orgs: list[str] = []  # noqa: RUF012  # pydantic copies it
    accounts: list[str] = []  # noqa: RUF012  # likewise
    again: list[str] = []  # noqa: RUF012  # likewise
    only_failed: bool = False
    full: bool = False
    first_day: str = ""
    last_day: str = ""


def shards_of(shards: int) -> dg.StaticPartitionsDefinition:
    """Return the partitions: every org lives in one, by a hash of its id."""
    return dg.StaticPartitionsDefinition([f"{shard:03d}" for shard in range(shards)])


def stream_key(provider: Provider, stream: str) -> dg.AssetKey:
    """Return ``[provider, stream]``."""
    return dg.AssetKey([provider.name, stream])


def provider_assets(
    provider: Provider, shards: int, on_commit: Progress | None = None
) -> dg.AssetsDefinition:
    """Return the provider's streams as one multi-asset whose streams can be chosen one by one.

    ``on_commit`` hears the sum after each commit; without it the sum is logged now and then.
    """

    @dg.multi_asset(
        name=f"{provider.name}_streams",
        specs=[_spec(provider, stream) for stream in provider.streams],
        check_specs=[
            spec for stream in provider.streams for spec in check_specs(stream_key(provider, stream.name))
        ],
        partitions_def=shards_of(shards),
        can_subset=True,
        pool=provider.name,
    )
    def sync_streams(
        context: dg.AssetExecutionContext, config: SyncConfig, backline: dg.ResourceParam[Backline]
    ) -> Iterator[Any]:
        request = _request(context, config, provider, shards)
        listener = on_commit or _logged(context.log.info)
        report = run_interruptibly(
            sync_and_deliver(backline, request, on_commit=listener, transport=backline.transport)
        )
        # results come before the failure: a run that only raises leaves old green checks standing
        yield from _results(context, provider, request, report)
        if reason := failure_of(report, provider, backline.settings.failure_threshold):
            raise dg.Failure(reason, allow_retries=False)

    return sync_streams


def _spec(provider: Provider, stream: Stream) -> dg.AssetSpec:
    period = PERIODS[provider.every]
    return dg.AssetSpec(
        stream_key(provider, stream.name),
        description=f"{stream.doc}\n\nTable `{provider.name}_{stream.name}`, read from `GET {stream.path}`. "
        f"What went wrong stands in the last materialization's `failed accounts`. [API]({provider.docs})",
        deps=[stream_key(provider, stream.each.stream)] if isinstance(stream.each, FromStream) else [],
        group_name=provider.name,
        owners=OWNERS,
        kinds={provider.name, "api"},
        tags={"backline/provider": provider.name},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=4 * period, warn_window=2 * period),
    )


def _results(
    context: dg.AssetExecutionContext, provider: Provider, request: SyncRequest, report: SyncReport
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Yield what was chosen of the streams that were synced: their materializations, their checks."""
    for stream in request.streams:
        key, summary = stream_key(provider, stream.name), report.streams[stream.name]
        checks = [
            check for check in judge(key, stream, summary, report.stopped) if _is_chosen(context, check)
        ]
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(
                asset_key=key, metadata=metadata_of(summary, report), check_results=checks
            )
        else:
            yield from checks


def _is_chosen(context: dg.AssetExecutionContext, check: dg.AssetCheckResult) -> bool:
    return any(
        chosen.asset_key == check.asset_key and chosen.name == check.check_name
        for chosen in context.selected_asset_check_keys
    )


def _request(
    context: dg.AssetExecutionContext, config: SyncConfig, provider: Provider, shards: int
) -> SyncRequest:
    chosen = {key.path[-1] for key in context.selected_asset_keys}
    chosen |= {check.asset_key.path[-1] for check in context.selected_asset_check_keys}
    run, streams = context.run, provider.selected(tuple(chosen))
    return SyncRequest(
        provider=provider,
        streams=streams,
        run_id=run.run_id,
        root_run_id=root_run_id(run),
        # checks run alone carry no partition: they are of all shards
        shard=int(context.partition_key) if context.has_partition_key else 0,
        shards=shards if context.has_partition_key else 1,
        orgs=tuple(config.orgs),
        accounts=tuple(_account_id(account) for account in config.accounts),
        only_failed=config.only_failed,
        full=config.full,
        again=frozenset(config.again),
        days=asked_days(streams, config.first_day, config.last_day),
        source="manual" if run.tags.get(SOURCE_TAG) == "manual" else "api",
    )


def asked_days(streams: Sequence[Stream], first: str, last: str) -> tuple[date, date] | None:
    """Read the days that a person asked for; raise ``InputRefused`` where no stream has them."""
    if not first and not last:
        return None
    begin, end = _day("first_day", first), _day("last_day", last)
    if begin > end:
        raise InputRefused("first_day", f"{begin} is after {end}", "give the earlier day first")
    if without := [stream.name for stream in streams if stream.days is None]:
        problem = f"{', '.join(without)} {'has' if len(without) == 1 else 'have'} no history by the day"
        raise InputRefused("first_day", problem, "choose streams that have, or leave the days out")
    return begin, end


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"{text!r} is no day" if text else "is missing"
        raise InputRefused(field, problem, "give the first and the last day as 2026-11-23") from None


def _account_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InputRefused("accounts", f"{text!r} is not a UUID", "see `backline accounts list`") from None


def _logged(log: Callable[[str], None]) -> Callable[[SyncReport], None]:
    """Return a listener that logs the sum so far, now and then."""
    last = time.monotonic()

    def on_commit(report: SyncReport) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_EVERY_SECONDS:
            last = time.monotonic()
            states = dict(report.accounts)
            log(f"{report.accounts.total()} accounts, {report.records} records so far: {states}")

    return on_commit


def failure_of(report: SyncReport, provider: Provider, threshold: float) -> str | None:
    """Return why a run fails as a whole, ``None`` where it does not."""
    if report.failed_share <= threshold:
        return None
    failed, total = report.accounts["failed"], report.accounts.total()
    if report.deferred and report.stopped is not None and not isinstance(report.stopped, BudgetSpent):
        return (
            f"{report.deferred} of {total + report.deferred} {provider.title} accounts wait; {report.stopped}"
        )
    first = next(trouble for stream in report.streams.values() for trouble in stream.troubles)
    return (
        f"{failed} of {total} {provider.title} accounts failed; "
        f"the first, {first.account} of {first.org}: {first.message}"
    )
