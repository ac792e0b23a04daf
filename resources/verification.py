"""Asking a provider who a grant belongs to: the test of a connection, and the identity of a new one."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from resources.backline import Backline
from resources.database import AnyRow
from resources.errors import ContractChanged, GrantExpired, InputRefused
from resources.grants import GrantKeeper, open_grant
from resources.http import ProviderClient, Usage, open_client
from resources.limiter import AppLimiter
from resources.oauth import TokenClient
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.replies import UNREADABLE
from resources.tables import ConnectedAccount, Grant


async def identify(
    backline: Backline, provider: Provider, access_token: str, client: httpx.AsyncClient
) -> tuple[str, str]:
    """Return the id and the name that the provider knows a token's account by."""
    limiter = AppLimiter(provider.name, backline.limit(provider), backline.settings.redis_url)
    api = ProviderClient(provider.name, provider.api, backline.api_url(provider), client, limiter)
    identity = provider.oauth.identity
    body = await api.get(identity.path, {}, access_token, Usage())
    try:
        reply = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise ContractChanged(provider.name, "the reply is not JSON", path=identity.path) from error
    external_id = _first(reply, identity.id)
    if external_id is None:
        problem = f"the reply has no {' or '.join(identity.id)}"
        raise ContractChanged(provider.name, problem, path=identity.path)
    return external_id, _first(reply, identity.name) or external_id


def _first(reply: Any, places: tuple[str, ...]) -> str | None:
    for place in places:
        value = reply
        for name in place.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value not in (None, ""):
            return str(value)
    return None


async def verify_account(
    backline: Backline, account_id: uuid.UUID, transport: httpx.AsyncBaseTransport | None = None
) -> str:
    """Ask the provider who an account is, with its own grant; return the name.

    Raise ``InputRefused`` where the account is unknown or has no grant, and the ``ProviderError`` that
    the provider's answer means.
    """
    row = await asyncio.to_thread(_read, backline, account_id)
    provider = PROVIDERS[row.provider]
    async with open_client(2, transport) as client:
        keeper = GrantKeeper(backline, provider, TokenClient(backline, provider, client))
        grant = await keeper.fresh(open_grant(backline.vault, row), row.org_id)
        try:
            _, name = await identify(backline, provider, grant.tokens.access_token, client)
        except GrantExpired:
            grant = await keeper.refresh(grant, row.org_id)
            _, name = await identify(backline, provider, grant.tokens.access_token, client)
    return name


def _read(backline: Backline, account_id: uuid.UUID) -> AnyRow:
    columns = (Grant.account_id, Grant.sealed, Grant.key_id, Grant.expires_at, Grant.generation)
    query = sa.select(*columns, ConnectedAccount.org_id, ConnectedAccount.provider).join(ConnectedAccount)
    with backline.database.read() as connection:
        row = connection.execute(query.where(Grant.account_id == account_id)).one_or_none()
    if row is None:
        raise InputRefused(
            "account", f"{account_id} is unknown or disconnected", "see `backline accounts list`"
        )
    return row
