"""Lists that came back much shorter than usual: a provider may leave records out without an error.

Each account is its own measure: the records of its last complete pass of a stream against the median of
those before. Instagram once answered for days with a tenth of what there was, and with status 200.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from resources.audience.drops import Drop, Volume
from resources.audience.frames import frame_of
from resources.audience.shards import account_chunks
from resources.database import Database
from resources.provider import FromStream, Provider, Stream
from resources.tables import ConnectedAccount, Org, SyncResult

LOWEST_SHARE = 0.5
FEWEST_PASSES, FEWEST_RECORDS = 3, 20
HISTORY, PASSES = timedelta(days=28), 60


def is_list(stream: Stream) -> bool:
    """Say whether a complete pass of a stream brings all that there is, so that passes can be compared.

    What is read newest first is, because a pass that stops at what is known is not complete.
    """
    by_change = isinstance(stream.each, FromStream) and (stream.each.version or stream.each.ages)
    return not (stream.is_history or stream.optional or by_change)


def measure(database: Database, providers: Iterable[Provider], now: datetime) -> Volume:
    """Compare every connected account's last complete passes with those before them."""
    volume = Volume()
    for provider in providers:
        assets = [f"{provider.name}/{stream.name}" for stream in provider.streams if is_list(stream)]
        which = (ConnectedAccount.provider == provider.name) & (ConnectedAccount.status == "connected")
        for ids in account_chunks(database, which):
            passes = _passes(database, ids, assets, now - HISTORY)
            judged = _judged(passes)
            volume.judged[provider.name] += judged["account_id"].nunique()
            volume.note(_drops(database, judged[judged["records"] < LOWEST_SHARE * judged["usual"]]))
    return volume


def _passes(
    database: Database, account_ids: Sequence[uuid.UUID], assets: Sequence[str], since: datetime
) -> pd.DataFrame:
    """Read the newest complete passes of each stream of the accounts; ``age`` 1 is the last one."""
    row = SyncResult
    age = sa.func.row_number().over(
        partition_by=(row.account_id, row.asset), order_by=(row.finished_at.desc(), row.run_id)
    )
    ranked = (
        sa.select(row.account_id, row.asset, row.records, age.label("age"))
        .where(row.account_id.in_(account_ids), row.asset.in_(assets), row.finished_at >= since)
        .where(row.status == "ok", row.complete.is_(True))
        .subquery()
    )
    with database.read() as connection:
        return frame_of(connection, sa.select(ranked).where(ranked.c.age <= PASSES + 1))


def _judged(passes: pd.DataFrame) -> pd.DataFrame:
    """Return the last pass of every stream with history enough, and what is usual for it."""
    of_stream = ["account_id", "asset"]
    earlier = passes[passes["age"] > 1].groupby(of_stream)["records"]
    usual = earlier.agg(usual="median", passes="count").reset_index()
    usual = usual[(usual["passes"] >= FEWEST_PASSES) & (usual["usual"] >= FEWEST_RECORDS)]
    return passes[passes["age"] == 1].merge(usual, on=of_stream)


def _drops(database: Database, found: pd.DataFrame) -> list[Drop]:
    ids = [uuid.UUID(account_id) for account_id in found["account_id"].unique()]
    query = sa.select(ConnectedAccount.id, ConnectedAccount.display_name, Org.slug)
    query = query.join(Org, Org.id == ConnectedAccount.org_id).where(ConnectedAccount.id.in_(ids))
    with database.read() as connection:
        names = {row.id.hex: row for row in connection.execute(query)}
    return [
        Drop(
            org=names[one.account_id].slug,
            account=names[one.account_id].display_name,
            provider=one.asset.partition("/")[0],
            stream=one.asset.partition("/")[2],
            records=int(one.records),
            usual=float(one.usual),
            account_id=str(names[one.account_id].id),
        )
        for one in found.itertuples()
    ]
