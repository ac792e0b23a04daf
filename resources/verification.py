"""Asking a provider who somebody is: for a fresh grant, and to test a stored one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from resources import parking
from resources.backline import Backline
from resources.budget import Purse
from resources.errors import ContractChanged, GrantExpired, ParkingError, Transient
from resources.grants import GRANT_COLUMNS, GrantKeeper, HeldGrant, open_grant
from resources.http import ProviderClient, Usage
from resources.limiter import AppLimiter
from resources.oauth import TokenClient
from resources.provider import Provider
from resources.providers import find_provider
from resources.replies import value_at
from resources.tables import ConnectedAccount, Grant
from resources.token_replies import TokenReply
from resources.transport import open_client

CONNECTIONS = 4
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Person:
    """Who a grant speaks for; ``ids`` are all by which the provider knows the account, the best first."""

    ids: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class StoredAccount:
    """An account to be asked for, with its grant where it has one."""

    id: uuid.UUID
    org_id: uuid.UUID
    provider: Provider
    external_id: str
    grant: HeldGrant | None


def find_account(backline: Backline, account_id: uuid.UUID) -> StoredAccount | None:
    """Read an account and open its grant; raise ``SealBroken`` where that does not open."""
    account = ConnectedAccount
    columns: tuple[Any, ...] = (
        *(account.id, account.org_id, account.provider, account.external_id),
        *GRANT_COLUMNS,
    )
    query = sa.select(*columns).join_from(account, Grant, isouter=True).where(account.id == account_id)
    with backline.database.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    grant = open_grant(backline.vault, row) if row.account_id else None
    return StoredAccount(row.id, row.org_id, find_provider(row.provider), row.external_id, grant)


class Asker:
    """Asks one provider about the people behind grants; made by :func:`asking`."""

    def __init__(
        self,
        backline: Backline,
        provider: Provider,
        client: httpx.AsyncClient,
        limiter: AppLimiter,
        purse: Purse,
    ) -> None:
        self._provider = provider
        self._tokens = TokenClient(backline, provider, client)
        self._api = ProviderClient(
            provider.name, provider.api, backline.api_urls(provider), client, limiter, purse=purse
        )
        self._keeper = GrantKeeper(backline, provider, self._tokens)

    async def exchange(self, code: str, verifier: str) -> tuple[TokenReply, Person]:
        """Exchange a code and ask whose it is; raise ``ProviderError``."""
        reply = await self._tokens.exchange(code, verifier)
        return reply, await self._who(reply.access_token)

    async def person(self, grant: HeldGrant, org_id: uuid.UUID) -> Person:
        """Ask whose a stored grant is; one that is refused even when refreshed is marked, as by a sync."""
        held = await self._keeper.fresh(grant, org_id)
        try:
            return await self._who(held.tokens.access_token)
        except GrantExpired as error:
            held = await self._keeper.refresh_refused(held, org_id, error)
        try:
            return await self._who(held.tokens.access_token)
        except GrantExpired as error:
            await self._keeper.give_up(held, org_id, error)
            raise

    async def _who(self, token: str) -> Person:
        identity = self._provider.oauth.identity
        return person_of(self._provider, await self._api.get(identity.path, identity.params, token, Usage()))


@asynccontextmanager
async def asking(
    backline: Backline,
    provider: Provider,
    *,
    limiter: AppLimiter | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> AsyncIterator[Asker]:
    """Open the way to a provider; raise ``Transient`` where it takes longer than a person waits.

    A provider that is parked is not asked, and one that asks us to wait is parked.
    """
    parked = await asyncio.to_thread(parking.current, backline.database, provider)
    if parked is not None:
        raise parked
    try:
        async with (
            asyncio.timeout(patience_seconds),
            open_client(CONNECTIONS, transport) as client,
            nullcontext(limiter) if limiter else aclosing(backline.limiter(provider)) as pace,
            aclosing(backline.purse(provider, by_hand=True)) as purse,
        ):
            yield Asker(backline, provider, client, pace, purse)
    except TimeoutError as error:
        raise Transient(provider.name, f"no answer in {patience_seconds:g} s") from error
    except ParkingError as error:
        await asyncio.to_thread(parking.park, backline.database, provider, error)
        raise


def person_of(provider: Provider, body: bytes) -> Person:
    """Read the identity reply; raise ``ContractChanged`` where it names nobody."""
    identity = provider.oauth.identity
    try:
        reply = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ContractChanged(provider.name, "the reply is not JSON", path=identity.path) from error
    ids = _texts_at(reply, identity.id)
    if not ids:
        raise ContractChanged(provider.name, "the reply names no account", path=identity.path)
    return Person(ids, next(iter(_texts_at(reply, identity.name)), ids[0]))


def _texts_at(reply: Any, places: tuple[str, ...]) -> tuple[str, ...]:
    """Return what stands at the dotted places, where anything does."""
    found = (value_at(reply, place) for place in places)
    return tuple(dict.fromkeys(str(value) for value in found if isinstance(value, str | int) and value != ""))
