"""Subscriptions: asking providers to push, before they stop, and believing a hub that asks back."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import sqlalchemy as sa

from resources.backline import Backline
from resources.database import AnyRow, insert_into, utc_now
from resources.errors import BacklineError, ContractChanged, Transient
from resources.grants import GRANT_COLUMNS, GrantKeeper, open_grant
from resources.oauth import TokenClient
from resources.provider import Provider, Pushes
from resources.pushes.proof import subscription_secrets
from resources.tables import ConnectedAccount, Grant, PushSubscription
from resources.transport import open_client

logger = logging.getLogger(__name__)

ASK_AGAIN = timedelta(hours=1)
ASKED_AT_ONCE, ASKED_TOGETHER, LONGEST_ROUND_SECONDS = 500, 4, 20
LONGEST_LEASE, ANSWERED_WITHIN = timedelta(days=30), timedelta(days=1)


def callback(backline: Backline, provider: Provider, account_id: uuid.UUID | None = None) -> str:
    """Return the address that a provider pushes to."""
    path = f"/hooks/{provider.name}" + (f"/{account_id}" if account_id else "")
    return f"{backline.settings.public_url.rstrip('/')}{path}"


def obstacle(backline: Backline, provider: Provider) -> str | None:
    """Return why a provider cannot reach us, ``None`` where it can."""
    pushes = provider.pushes
    if pushes is None:
        return f"{provider.title} pushes nothing"
    theirs = backline.api_urls(provider)[pushes.host]
    if _is_local(backline.settings.public_url) and not _is_local(theirs):
        return (
            f"{provider.title} cannot reach {backline.settings.public_url}; "
            "set BACKLINE_PUBLIC_URL to a public address"
        )
    return None


def _is_local(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".test"))


def due(backline: Backline, provider: Provider, pushes: Pushes) -> list[AnyRow]:
    """Return the accounts that are to be subscribed, or again before their lease ends; new ones first."""
    account, mine, now = ConnectedAccount, PushSubscription, utc_now()
    wanted = sa.or_(
        mine.account_id.is_(None),
        (mine.status == "verified") & (mine.lease_until < now + pushes.renew_ahead),
        mine.status != "verified",
    )
    query = (
        sa.select(account.org_id, account.external_id, *GRANT_COLUMNS)
        .join(Grant, Grant.account_id == account.id)
        .outerjoin(mine, mine.account_id == account.id)
        .where(account.provider == provider.name, account.status == "connected", wanted)
        .where(sa.or_(mine.asked_at.is_(None), mine.asked_at < now - ASK_AGAIN))
        .order_by(mine.asked_at.is_not(None), mine.asked_at, account.id)
        .limit(ASKED_AT_ONCE)
    )
    with backline.database.read() as connection:
        return list(connection.execute(query).all())


async def subscribe_due(backline: Backline, provider: Provider, pushes: Pushes) -> tuple[int, int]:
    """Ask for what is due, within a bounded time; return how many were asked for, and how many failed."""
    rows = await asyncio.to_thread(due, backline, provider, pushes)
    asked = failed = 0
    until = time.monotonic() + LONGEST_ROUND_SECONDS
    async with open_client(ASKED_TOGETHER, backline.transport) as client:
        for row in rows:
            if time.monotonic() > until:
                break
            try:
                await _subscribe(backline, provider, pushes, row, client)
                asked += 1
            except BacklineError as error:
                failed += 1
                await asyncio.to_thread(_note, backline, row.account_id, status="failed", error=str(error))
    return asked, failed


async def _subscribe(
    backline: Backline, provider: Provider, pushes: Pushes, row: AnyRow, client: httpx.AsyncClient
) -> None:
    topic = pushes.topic.format(external_id=row.external_id)
    address = backline.api_urls(provider)[pushes.host] + pushes.path.format(external_id=row.external_id)
    await asyncio.to_thread(_ask, backline, provider, row.account_id, topic)  # the hub may ask back at once
    if pushes.way == "websub":
        form = _hub_form(backline, provider, pushes, row.account_id, topic)
        await _post(provider, client, httpx.Request("POST", address, data=form))
        return
    keeper = GrantKeeper(backline, provider, TokenClient(backline, provider, client))
    grant = await keeper.fresh(open_grant(backline.vault, row), row.org_id)
    headers = {"authorization": f"Bearer {grant.tokens.access_token}"}
    await _post(provider, client, httpx.Request("POST", address, params=pushes.params, headers=headers))
    await asyncio.to_thread(confirm, backline, row.account_id, topic, pushes.lease)


def _hub_form(
    backline: Backline, provider: Provider, pushes: Pushes, account_id: uuid.UUID, topic: str
) -> dict[str, str]:
    return {
        "hub.mode": "subscribe",
        "hub.topic": topic,
        "hub.callback": callback(backline, provider, account_id),
        "hub.secret": subscription_secrets(backline, account_id)[0],
        "hub.lease_seconds": str(int(pushes.lease.total_seconds())),
        "hub.verify": "async",
    }


async def _post(provider: Provider, client: httpx.AsyncClient, request: httpx.Request) -> None:
    try:
        response = await client.send(request)
    except httpx.HTTPError as error:
        raise Transient(provider.name, f"subscribing: {type(error).__name__}") from error
    if response.is_server_error:
        raise Transient(provider.name, f"subscribing is answered {response.status_code}")
    if not response.is_success:
        raise ContractChanged(provider.name, f"subscribing is answered {response.status_code}")


def _ask(backline: Backline, provider: Provider, account_id: uuid.UUID, topic: str) -> None:
    """Note that a subscription is asked for; one that is verified stays so until its lease ends."""
    values = {"provider": provider.name, "topic": topic, "asked_at": utc_now(), "error_message": None}
    with backline.database.write() as connection:
        insert = insert_into(connection, PushSubscription)
        insert = insert.values(account_id=account_id, status="asked", **values)
        connection.execute(insert.on_conflict_do_update(index_elements=["account_id"], set_=values))


def _note(backline: Backline, account_id: uuid.UUID, *, status: str, error: str) -> None:
    mine = PushSubscription.account_id == account_id
    with backline.database.write() as connection:
        values: dict[str, Any] = {"status": status, "error_message": error}
        connection.execute(sa.update(PushSubscription).where(mine).values(**values))


def confirm(backline: Backline, account_id: uuid.UUID, topic: str, lease: timedelta) -> bool:
    """Believe that a subscription stands, where that very one was asked for lately; say whether it was."""
    now = utc_now()
    asked = sa.select(PushSubscription.topic).where(
        PushSubscription.account_id == account_id, PushSubscription.asked_at > now - ANSWERED_WITHIN
    )
    values = {
        "status": "verified",
        "verified_at": now,
        "lease_until": now + min(lease, LONGEST_LEASE),
        "error_message": None,
    }
    with backline.database.write() as connection:
        known = connection.execute(asked).scalar_one_or_none()
        if known is None or not _same_topic(known, topic):
            return False
        mine = PushSubscription.account_id == account_id
        connection.execute(sa.update(PushSubscription).where(mine).values(**values))
    return True


def _same_topic(asked: str, named: str) -> bool:
    """Compare topics but for the two paths that YouTube's feed has had."""
    try:
        ours, theirs = (urlsplit(address.replace("/xml/feeds/", "/feeds/")) for address in (asked, named))
        return ours[:3] == theirs[:3] and parse_qs(ours.query) == parse_qs(theirs.query)
    except ValueError:  # it is no address
        return False
