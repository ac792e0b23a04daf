"""The sensor that announces grants which end, before they do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dagster as dg
import sqlalchemy as sa

from resources.backline import Backline
from resources.database import AnyRow, Database, utc_now
from resources.events import Event, event_id, write_events
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant

CHECK_EVERY_SECONDS = 3_600
ANNOUNCED_AT_ONCE = 500


def announce_ending(database: Database, provider: Provider) -> int:
    """Write one ``error.occurred`` a grant that is about to reach its end of life; return how many end."""
    oauth, ending = provider.oauth, 0
    if oauth.lifetime is None:
        return 0
    query = _ending(provider, utc_now() - oauth.lifetime + oauth.announce)
    last: AnyRow | None = None
    while True:
        following = sa.tuple_(Grant.authorized_at, ConnectedAccount.id)
        chunk = query if last is None else query.where(following > sa.tuple_(last.authorized_at, last.id))
        with database.write() as connection:
            rows = connection.execute(chunk).all()
            write_events(connection, [_event(provider, row) for row in rows])
        ending += len(rows)
        if len(rows) < ANNOUNCED_AT_ONCE:
            return ending
        last = rows[-1]


def _ending(provider: Provider, authorized_before: datetime) -> sa.Select[*tuple[Any, ...]]:
    account = ConnectedAccount
    return (
        sa.select(account.id, account.org_id, account.display_name, Grant.authorized_at)
        .join(Grant)
        .where(account.provider == provider.name, account.status == "connected")
        .where(Grant.authorized_at < authorized_before)
        .order_by(Grant.authorized_at, account.id)
        .limit(ANNOUNCED_AT_ONCE)
    )


def _event(provider: Provider, row: AnyRow) -> Event:
    ends = row.authorized_at + (provider.oauth.lifetime or row.authorized_at.resolution)
    message = f"{provider.title} ends the grant of {row.display_name} on {ends:%Y-%m-%d}"
    return Event(
        id=event_id("grant_ending", row.id, row.authorized_at.isoformat()),
        type="error.occurred",
        provider=provider.name,
        org_id=row.org_id,
        payload={
            "error": "grant_ending",
            "message": message,
            "cure": "Reconnect the account in the console before that day.",
            "accountId": str(row.id),
            "runId": None,
        },
        created_at=utc_now(),
    )


@dg.sensor(
    minimum_interval_seconds=CHECK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Announces grants that reach their end of life within two weeks (Spotify: six months after "
    "consent). Each is told once; the cure is to reconnect it in the console.",
)
def grants_ending(backline: dg.ResourceParam[Backline]) -> dg.SkipReason:
    """Announce what ends soon."""
    ending = {provider.title: announce_ending(backline.database, provider) for provider in PROVIDERS.values()}
    return dg.SkipReason(f"Ending soon: {ending}.")
