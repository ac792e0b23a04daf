"""Asking a provider who somebody is: for a fresh grant, and to test a stored one."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from console.parts import Console
from resources import parking
from resources.errors import ContractChanged, GrantExpired, ParkingError, Transient
from resources.grants import GrantKeeper, HeldGrant, open_grant
from resources.http import ProviderClient, Usage
from resources.oauth import TokenClient, TokenReply
from resources.provider import Provider
from resources.providers import find_provider
from resources.tables import ConnectedAccount, Grant


@dataclass(frozen=True)
class Person:
    """Who a grant speaks for; ``ids`` are all by which the provider knows the account, the best first."""

    ids: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Line:
    """The ways to one provider that are open during one request."""

    tokens: TokenClient
    api: ProviderClient
    keeper: GrantKeeper


@asynccontextmanager
async def line_to(console: Console, provider: Provider) -> AsyncIterator[Line]:
    """Open the ways to a provider; asking that takes too long raises ``Transient``."""
    backline = console.backline
    try:
        async with asyncio.timeout(console.patience_seconds), console.open_client() as client:
            tokens = TokenClient(backline, provider, client)
            base, limiter = backline.api_url(provider), console.limiter(provider)
            api = ProviderClient(provider.name, provider.api, base, client, limiter)
            yield Line(tokens, api, GrantKeeper(backline, provider, tokens))
    except TimeoutError as error:
        raise Transient(provider.name, f"no answer in {console.patience_seconds:g} s") from error
    except ParkingError as error:
        await asyncio.to_thread(parking.park, backline.database, provider, error)
        raise


async def exchange(
    console: Console, provider: Provider, code: str, verifier: str
) -> tuple[TokenReply, Person]:
    """Exchange a code and ask whose it is; raise ``ProviderError``."""
    async with line_to(console, provider) as line:
        reply = await line.tokens.exchange(code, verifier)
        return reply, await _who(line, provider, reply.access_token)


async def _who(line: Line, provider: Provider, token: str) -> Person:
    return person_of(provider, await line.api.get(provider.oauth.identity.path, {}, token, Usage()))


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
    found = (_at(reply, place) for place in places)
    return tuple(dict.fromkeys(str(value) for value in found if isinstance(value, str | int) and value != ""))


def _at(value: Any, place: str) -> Any:
    for name in place.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


@dataclass(frozen=True)
class TestedAccount:
    """An account to be asked for, with its grant where it has one."""

    id: uuid.UUID
    org_id: uuid.UUID
    provider: Provider
    external_id: str
    grant: HeldGrant | None


def find_account(console: Console, account_id: uuid.UUID) -> TestedAccount | None:
    """Read an account and open its grant; raise ``SealBroken`` where that does not open."""
    columns: tuple[Any, ...] = (
        *(
            ConnectedAccount.id,
            ConnectedAccount.org_id,
            ConnectedAccount.provider,
            ConnectedAccount.external_id,
        ),
        *(Grant.account_id, Grant.sealed, Grant.key_id, Grant.expires_at, Grant.generation),
    )
    query = sa.select(*columns).join_from(ConnectedAccount, Grant, isouter=True)
    query = query.where(ConnectedAccount.id == account_id)
    with console.backline.database.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    grant = open_grant(console.backline.vault, row) if row.account_id else None
    return TestedAccount(row.id, row.org_id, find_provider(row.provider), row.external_id, grant)


async def ask_again(console: Console, account: TestedAccount, grant: HeldGrant) -> tuple[Person, int]:
    """Ask the provider with the stored grant; return whom it names and the milliseconds it took.

    A grant that is refused even when refreshed marks the account, as a sync would.
    """
    parked = await asyncio.to_thread(parking.current, console.backline.database, account.provider)
    if parked is not None:
        raise parked
    async with line_to(console, account.provider) as line:
        held = await line.keeper.fresh(grant, account.org_id)
        started = time.perf_counter()
        person = await _who_with_refresh(line, account, held)
        return person, round((time.perf_counter() - started) * 1000)


async def _who_with_refresh(line: Line, account: TestedAccount, held: HeldGrant) -> Person:
    try:
        return await _who(line, account.provider, held.tokens.access_token)
    except GrantExpired:
        held = await line.keeper.refresh(held, account.org_id)
    try:
        return await _who(line, account.provider, held.tokens.access_token)
    except GrantExpired as error:
        await line.keeper.give_up(held, account.org_id, error)
        raise
