"""The sensor that announces grants which end, before they do."""

from __future__ import annotations

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
    oauth, now = provider.oauth, utc_now()
    if oauth.lifetime is None:
        return 0
    query = (
        sa.select(
            ConnectedAccount.id, ConnectedAccount.org_id, ConnectedAccount.display_name, Grant.authorized_at
        )
        .join(Grant)
        .where(ConnectedAccount.provider == provider.name, ConnectedAccount.status == "connected")
        .where(Grant.authorized_at < now - oauth.lifetime + oauth.announce)
        .order_by(Grant.authorized_at)
        .limit(ANNOUNCED_AT_ONCE)
    )
    with database.write() as connection:
        rows = connection.execute(query).all()
        write_events(connection, [_event(provider, row) for row in rows])
    return len(rows)


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
