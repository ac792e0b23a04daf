"""What `backline sync` says at its end, from what its runs left in ``sync_results``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pipelines.instance import open_instance
from resources.backline import Backline
from resources.provider import Provider
from resources.tables import ConnectedAccount, Org, SyncResult

NAMED_TROUBLES = 20
COUNTS = ("records", "rejected", "deleted", "requests")


def summarise(backline: Backline, provider: Provider, runs: Sequence[str]) -> dict[str, Any]:
    """Return the runs' sums by stream, and the accounts that went wrong, one row an account and error."""
    with backline.database.read() as connection:
        by_asset = {row["asset"]: dict(row) for row in connection.execute(_streams(runs)).mappings()}
        troubles = [dict(row) for row in connection.execute(_troubles(runs)).mappings()]
    order = [f"{provider.name}/{stream.name}" for stream in provider.streams]
    return {
        "ok": not troubles and _succeeded(backline, runs),
        "runs": list(runs),
        "streams": [by_asset[asset] for asset in order if asset in by_asset],
        "troubles": troubles,
    }


def _streams(runs: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    result = SyncResult
    states = [
        sa.func.sum(sa.case((result.status == state, 1), else_=0)).label(state)
        for state in ("ok", "partial", "failed")
    ]
    sums = [sa.cast(sa.func.sum(getattr(result, name)), sa.BigInteger).label(name) for name in COUNTS]
    return sa.select(result.asset, *states, *sums).where(result.run_id.in_(runs)).group_by(result.asset)


def _troubles(runs: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    result, account = SyncResult, ConnectedAccount
    who = (Org.slug, account.display_name, result.status, result.error_type)
    return (
        sa.select(
            Org.slug.label("org"),
            account.display_name.label("account"),
            result.status,
            result.error_type,
            sa.func.count().label("streams"),
            sa.func.min(result.error_message).label("error_message"),
        )
        .join(account, account.id == result.account_id)
        .join(Org, Org.id == result.org_id)
        .where(result.run_id.in_(runs), result.status != "ok")
        .group_by(*who, account.id)
        .order_by(result.status, Org.slug, account.display_name)
        .limit(NAMED_TROUBLES)
    )


def _succeeded(backline: Backline, runs: Sequence[str]) -> bool:
    with open_instance(backline.settings) as instance:
        return all((run := instance.get_run_by_id(run_id)) is not None and run.is_success for run_id in runs)
