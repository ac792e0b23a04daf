"""The sensors of provider pushes: news become syncs of just their accounts, subscriptions are kept alive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster import RunsFilter

from assets.streams import SOURCE_TAG, stream_key
from resources import parking
from resources.backline import Backline
from resources.database import Database, utc_now
from resources.provider import Provider, Pushes
from resources.providers import PROVIDERS
from resources.pushes.subscriptions import obstacle, subscribe_due
from resources.tables import ConnectedAccount, ProviderPush
from sensors.runs import RUN_KEY_TAG, busy_shards

BATCH = timedelta(seconds=10)  # a burst becomes one run
ACCOUNTS_A_RUN = 200
LAUNCHED_WITHIN, LOOKED_FOR_WITHIN = timedelta(minutes=2), timedelta(hours=6)
SUBSCRIBE_EVERY_SECONDS = 300


@dataclass(frozen=True)
class Batch:
    """News that one run of one shard will look after."""

    shard: int
    accounts: Sequence[str]
    news: Sequence[Any]
    subjects: Sequence[str]


def requests_for_news(
    backline: Backline, instance: dg.DagsterInstance, provider: Provider, job: str
) -> Iterator[dg.RunRequest]:
    """Yield a run for each shard that has news, and mark those as requested."""
    pushes, shards = provider.pushes, backline.settings.shards
    if pushes is None or parking.current(backline.database, provider) is not None:
        return
    _take_back(backline.database, instance, provider)
    busy = busy_shards(instance, provider)
    for batch in _batches(backline.database, provider, shards):
        partition = f"{batch.shard:03d}"
        if partition in busy:  # two syncs of one account at once could write older values over newer ones
            continue
        key = f"pushes/{provider.name}/{partition}/{batch.news[0]}"
        _mark(backline.database, batch, key)
        config = {"accounts": list(batch.accounts), "again": list(batch.subjects)}
        yield dg.RunRequest(
            run_key=key,
            job_name=job,
            partition_key=partition,
            asset_selection=[stream_key(provider, name) for name in pushes.streams],
            run_config={"ops": {f"{provider.name}_streams": {"config": config}}},
            tags={SOURCE_TAG: "push"},
        )


def _batches(database: Database, provider: Provider, shards: int) -> list[Batch]:
    """Return what is pending, by shard, once the first of it is old enough for its burst to be over."""
    push, account = ProviderPush, ConnectedAccount
    query = (
        sa.select(push.id, push.received_at, push.subject, account.id.label("account_id"), account.shard_hash)
        .join(account, (account.provider == push.provider) & (account.external_id == push.external_id))
        .where(push.provider == provider.name, push.status == "pending", account.status == "connected")
        .order_by(push.received_at, push.id)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    batches = []
    for shard in sorted({row.shard_hash % shards for row in rows}):
        mine = [row for row in rows if row.shard_hash % shards == shard]
        if mine[0].received_at > utc_now() - BATCH:
            continue
        accounts = list(dict.fromkeys(str(row.account_id) for row in mine))[:ACCOUNTS_A_RUN]
        told = [row for row in mine if str(row.account_id) in set(accounts)]
        news, subjects = dict.fromkeys(r.id for r in told), dict.fromkeys(r.subject for r in told)
        batches.append(Batch(shard, accounts, list(news), [one for one in subjects if one]))
    return batches


def _mark(database: Database, batch: Batch, key: str) -> None:
    values = {"status": "requested", "run_key": key, "requested_at": utc_now()}
    with database.write() as connection:
        mine = ProviderPush.id.in_(list(batch.news))
        connection.execute(sa.update(ProviderPush).where(mine).values(**values))


def _take_back(database: Database, instance: dg.DagsterInstance, provider: Provider) -> None:
    """Let news be pending again whose run was never launched: the tick that asked for it was killed."""
    push, now = ProviderPush, utc_now()
    asked = (push.provider == provider.name) & (push.status == "requested")
    asked &= (push.requested_at < now - LAUNCHED_WITHIN) & (push.requested_at > now - LOOKED_FOR_WITHIN)
    with database.read() as connection:
        keys = connection.execute(sa.select(push.run_key).where(asked).distinct()).scalars().all()
    lost = [key for key in keys if not instance.get_runs(RunsFilter(tags={RUN_KEY_TAG: str(key)}), limit=1)]
    if lost:
        with database.write() as connection:
            back = sa.update(push).where(asked, push.run_key.in_(lost))
            connection.execute(back.values(status="pending", run_key=None, requested_at=None))


def push_sensor(jobs: Mapping[str, Any]) -> dg.SensorDefinition:
    """Return the sensor that turns news into runs of the providers' sync ``jobs``, by provider."""
    pushing = {name: job for name, job in jobs.items() if PROVIDERS[name].pushes is not None}

    @dg.sensor(
        jobs=list(pushing.values()),
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Syncs the accounts of which a provider pushed news, those of ten seconds together. If "
        "news stay pending: the provider is parked, or the shard is still syncing.",
    )
    def provider_pushes(
        context: dg.SensorEvaluationContext, backline: dg.ResourceParam[Backline]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        requested = [
            request
            for name, job in pushing.items()
            for request in requests_for_news(backline, context.instance, PROVIDERS[name], job.name)
        ]
        yield from requested
        if not requested:
            yield dg.SkipReason("No news.")

    return provider_pushes


@dg.sensor(
    minimum_interval_seconds=SUBSCRIBE_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Subscribes new accounts to their provider's pushes, and again before a subscription ends. "
    "Needs an address that the provider can reach; `backline pushes status` lists what stands.",
)
def push_subscriptions(backline: dg.ResourceParam[Backline]) -> dg.SkipReason:
    """Ask for what is due; an account that fails is asked for again in an hour."""
    told = [_subscribed(backline, one, one.pushes) for one in PROVIDERS.values() if one.pushes is not None]
    return dg.SkipReason(" ".join(told))


def _subscribed(backline: Backline, provider: Provider, pushes: Pushes) -> str:
    if (problem := obstacle(backline, provider)) is not None:
        return f"{problem}."
    asked, failed = asyncio.run(subscribe_due(backline, provider, pushes))
    return f"{provider.title}: asked for {asked}, {failed} failed."
