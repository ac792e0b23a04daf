"""The sensors that keep grants alive, and announce those that end before they do."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import sqlalchemy as sa

from resources.backline import Backline
from resources.database import AnyRow, Database, utc_now
from resources.endings import cure_of, end_of, ends_before
from resources.errors import BacklineError
from resources.events import Event, event_id, write_events
from resources.grants import GRANT_COLUMNS, GrantKeeper, open_grant
from resources.oauth import TokenClient
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant
from resources.transport import open_client

CHECK_EVERY_SECONDS = 3_600
ANNOUNCED_AT_ONCE = 500
RENEWED_AT_ONCE, RENEWED_TOGETHER, LONGEST_RENEWAL_SECONDS = 500, 4, 20


def announce_ending(database: Database, provider: Provider) -> int:
    """Write one ``error.occurred`` a grant that is about to reach its end of life; return how many end."""
    ending, query = 0, _ending(provider)
    last: AnyRow | None = None
    while True:
        chunk = query if last is None else query.where(ConnectedAccount.id > last.id)
        with database.write() as connection:
            rows = connection.execute(chunk).all()
            write_events(connection, [_event(provider, row) for row in rows])
        ending += len(rows)
        if len(rows) < ANNOUNCED_AT_ONCE:
            return ending
        last = rows[-1]


def _ending(provider: Provider) -> sa.Select[*tuple[Any, ...]]:
    account, times = ConnectedAccount, (Grant.authorized_at, Grant.ends_at, Grant.expires_at)
    return (
        sa.select(account.id, account.org_id, account.display_name, *times)
        .join(Grant)
        .where(account.provider == provider.name, account.status == "connected")
        .where(ends_before(provider, utc_now() + provider.oauth.announce))
        .order_by(account.id)
        .limit(ANNOUNCED_AT_ONCE)
    )


def _event(provider: Provider, row: AnyRow) -> Event:
    ends = end_of(provider, row)
    day = f"{ends:%Y-%m-%d}" if ends else "an unknown day"
    mark = [row.authorized_at.isoformat()]
    if provider.oauth.renewal and row.expires_at:  # each renewal is another end
        mark.append(row.expires_at.isoformat())
    return Event(
        id=event_id("grant_ending", row.id, *mark),
        type="error.occurred",
        provider=provider.name,
        org_id=row.org_id,
        payload={
            "error": "grant_ending",
            "message": f"{provider.title} ends the grant of {row.display_name} on {day}",
            "cure": f"Reconnect the account in the console before that day. {cure_of(provider, row)}".strip(),
            "accountId": str(row.id),
            "runId": None,
        },
        created_at=utc_now(),
    )


def due_for_renewal(database: Database, provider: Provider) -> list[AnyRow]:
    """Return the grants whose access tokens should renew themselves now, those that end first."""
    renewal = provider.oauth.renewal
    if renewal is None:
        return []
    account, now = ConnectedAccount, utc_now()
    query = (
        sa.select(account.org_id, *GRANT_COLUMNS)
        .join(Grant)
        .where(account.provider == provider.name, account.status == "connected")
        .where(sa.or_(Grant.expires_at.is_(None), Grant.expires_at.between(now, now + renewal.ahead)))
        .where(Grant.updated_at <= now - renewal.min_age)
        .order_by(Grant.expires_at, account.id)
        .limit(RENEWED_AT_ONCE)
    )
    with database.read() as connection:
        return list(connection.execute(query).all())


async def renew(backline: Backline, provider: Provider) -> int:
    """Let access tokens renew themselves, whether or not their accounts are synced; return how many did."""
    rows = await asyncio.to_thread(due_for_renewal, backline.database, provider)
    if not rows:
        return 0
    waiting = iter(rows)
    async with open_client(RENEWED_TOGETHER, backline.transport) as client:
        keeper = GrantKeeper(backline, provider, TokenClient(backline, provider, client))
        until = time.monotonic() + LONGEST_RENEWAL_SECONDS
        renewing = [_renew_some(backline, keeper, waiting, until) for _ in range(RENEWED_TOGETHER)]
        return sum(await asyncio.gather(*renewing))


async def _renew_some(
    backline: Backline, keeper: GrantKeeper, waiting: Iterator[AnyRow], until: float
) -> int:
    """Take grants from those that wait, one after the other, until it is time to stop."""
    renewed = 0
    while time.monotonic() < until and (row := next(waiting, None)) is not None:
        with contextlib.suppress(BacklineError):  # it was told of, or is tried again in an hour
            held = open_grant(backline.vault, row)
            fresh = await keeper.fresh(held, row.org_id)
            renewed += fresh.generation > held.generation
    return renewed


@dg.sensor(
    minimum_interval_seconds=CHECK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Announces grants that reach their end of life within two weeks (Spotify: six months after "
    "consent; Google apps in testing: seven days; Instagram: a token that did not renew itself). Each is "
    "told once; the cure is to reconnect it in the console.",
)
def grants_ending(backline: dg.ResourceParam[Backline]) -> dg.SkipReason:
    """Announce what ends soon."""
    ending = {provider.title: announce_ending(backline.database, provider) for provider in PROVIDERS.values()}
    return dg.SkipReason(f"Ending soon: {ending}.")


@dg.sensor(
    minimum_interval_seconds=CHECK_EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Lets Instagram's access tokens, which last 60 days and have no refresh token, renew "
    "themselves every ten days, also those of accounts that are not synced.",
)
def grants_renewal(backline: dg.ResourceParam[Backline]) -> dg.SkipReason:
    """Renew what is due."""
    renewing = {
        provider.title: asyncio.run(renew(backline, provider))
        for provider in PROVIDERS.values()
        if provider.oauth.renewal
    }
    return dg.SkipReason(f"Renewed: {renewing}.")
