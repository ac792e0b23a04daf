"""Grants: an account's tokens, sealed at rest, refreshed by one process at a time.

A refresh token may be usable only once (Spotify with PKCE), so two refreshes at once would lose the
grant. The refresher holds a lease in the grant's row; the others wait and read what it stored. A
lease, rather than a row lock, works on SQLite too and keeps no transaction open during the request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from resources import audit
from resources.backline import Backline
from resources.database import AnyRow, insert_into, utc_now
from resources.errors import GrantExpired, ProviderError, Transient
from resources.events import Event, event_id, write_events
from resources.oauth import TokenClient
from resources.provider import Provider, SelfRenewal
from resources.tables import ConnectedAccount, Grant
from resources.token_replies import TokenReply
from resources.vault import Sealed, Vault

logger = logging.getLogger(__name__)

REFRESH_AHEAD = timedelta(minutes=5)
LEASE = timedelta(seconds=60)
WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 75
GRACE_SECONDS = 5
GRANT_COLUMNS = (
    *(Grant.account_id, Grant.sealed, Grant.key_id),
    *(Grant.expires_at, Grant.generation, Grant.updated_at),
)


class Tokens(msgspec.Struct, frozen=True):
    """The tokens of a grant; their ``repr`` shows nothing of them."""

    access_token: str
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return "Tokens(••••)"


@dataclass(frozen=True)
class HeldGrant:
    """A grant as it was read: its tokens, when the access token ends and was stored, its generation."""

    account_id: uuid.UUID
    tokens: Tokens
    expires_at: datetime | None
    generation: int
    updated_at: datetime | None = None

    def is_fresh(self, now: datetime, ahead: timedelta = REFRESH_AHEAD) -> bool:
        """Say whether the access token lasts long enough to start with."""
        return self.expires_at is None or self.expires_at - now > ahead

    def is_alive(self, now: datetime) -> bool:
        """Say whether the access token has not ended yet."""
        return self.expires_at is None or self.expires_at > now


def subject(account_id: uuid.UUID) -> str:
    """Return what a grant is sealed to."""
    return f"grants/{account_id}"


def open_grant(vault: Vault, row: AnyRow) -> HeldGrant:
    """Unseal a row with ``account_id, sealed, key_id, expires_at, generation, updated_at``."""
    plain = vault.unseal(Sealed(row.sealed, row.key_id), subject(row.account_id))
    tokens = msgspec.json.decode(plain, type=Tokens)
    return HeldGrant(row.account_id, tokens, row.expires_at, row.generation, row.updated_at)


def store_grant(  # noqa: PLR0913  # a grant has that many parts
    connection: sa.Connection,
    vault: Vault,
    account_id: uuid.UUID,
    tokens: Tokens,
    *,
    expires_at: datetime | None,
    scopes: Sequence[str],
    authorized_at: datetime,
    ends_at: datetime | None = None,
) -> None:
    """Seal and store a grant that a person just gave, over any older one."""
    sealed = vault.seal(msgspec.json.encode(tokens), subject(account_id))
    values = {
        "sealed": sealed.value,
        "key_id": sealed.key_id,
        "scopes": list(scopes),
        "expires_at": expires_at,
        "authorized_at": authorized_at,
        "ends_at": ends_at,
        "updated_at": utc_now(),
        "lease_owner": None,
        "lease_until": None,
    }
    insert = insert_into(connection, Grant).values(account_id=account_id, generation=1, **values)
    update = {**values, "generation": Grant.generation + 1}
    connection.execute(insert.on_conflict_do_update(index_elements=["account_id"], set_=update))


class GrantKeeper:
    """Hands out access tokens of one provider's accounts, refreshing them where they are about to end."""

    def __init__(self, backline: Backline, provider: Provider, token_client: TokenClient) -> None:
        self._backline, self._provider, self._token_client = backline, provider, token_client

    async def fresh(self, grant: HeldGrant, org_id: uuid.UUID) -> HeldGrant:
        """Return the grant, refreshed where needed; raise ``GrantExpired`` where a person must reconnect.

        Where refreshing fails in another way, an access token that still lives is good enough.
        """
        now, renewal = utc_now(), self._provider.oauth.renewal
        is_due = not grant.is_fresh(now) if renewal is None else _may_renew(grant, renewal, now)
        if not is_due:
            return grant
        try:
            return await self.refresh(grant, org_id)
        except GrantExpired:
            raise
        except ProviderError as error:
            if not grant.is_alive(now):
                raise
            logger.warning("A grant was not refreshed in time; it goes on with the old one: %s", error)
            return grant

    async def refresh_refused(self, grant: HeldGrant, org_id: uuid.UUID, error: GrantExpired) -> HeldGrant:
        """Return a good grant for one whose access token was refused; raise ``GrantExpired``.

        An access token that renews itself cannot do so once it is refused.
        """
        if self._provider.oauth.renewal is None:
            return await self.refresh(grant, org_id)
        current = await asyncio.to_thread(self._read, grant)
        if current.generation > grant.generation:
            return current
        await self.give_up(grant, org_id, error)
        raise error

    async def refresh(self, stale: HeldGrant, org_id: uuid.UUID) -> HeldGrant:
        """Refresh a grant, or wait for whoever does; raise ``GrantExpired`` or ``Transient``."""
        owner, waited = uuid.uuid4().hex, 0.0
        while waited < LONGEST_WAIT_SECONDS:
            current, claimed = await self._try_to_claim(stale, owner)
            if claimed:
                return await _finished(self._refresh_claimed(current, owner, org_id))
            if current.generation > stale.generation:
                return current
            await asyncio.sleep(WAIT_SECONDS)
            waited += WAIT_SECONDS
        raise Transient(self._provider.name, "another process did not finish refreshing the grant")

    async def _try_to_claim(self, stale: HeldGrant, owner: str) -> tuple[HeldGrant, bool]:
        """Claim the lease; a lease that was got while we were being cancelled is given back."""
        claiming = asyncio.create_task(asyncio.to_thread(self._claim, stale, owner))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            grant, claimed = await claiming
            if claimed:
                await asyncio.to_thread(self._release, grant, owner)
            raise

    async def give_up(self, grant: HeldGrant, org_id: uuid.UUID, error: GrantExpired) -> None:
        """Ask for reconnection, once a grant."""
        await asyncio.to_thread(ask_for_reconnection, self._backline, self._provider, grant, org_id, error)

    def _claim(self, stale: HeldGrant, owner: str) -> tuple[HeldGrant, bool]:
        """Take the lease where the grant is still the stale one and nobody holds it; read the grant."""
        now = utc_now()
        free = sa.or_(Grant.lease_until.is_(None), Grant.lease_until < now)
        mine = (Grant.account_id == stale.account_id) & (Grant.generation == stale.generation) & free
        claim = sa.update(Grant).where(mine).values(lease_owner=owner, lease_until=now + LEASE)
        with self._backline.database.write() as connection:
            claimed = connection.execute(claim).rowcount == 1
            row = connection.execute(_stored(stale)).one_or_none()
        return self._opened(row), claimed

    def _read(self, grant: HeldGrant) -> HeldGrant:
        with self._backline.database.read() as connection:
            return self._opened(connection.execute(_stored(grant)).one_or_none())

    def _opened(self, row: AnyRow | None) -> HeldGrant:
        if row is None:
            raise GrantExpired(self._provider.name, "the account was disconnected")
        return open_grant(self._backline.vault, row)

    async def _refresh_claimed(self, grant: HeldGrant, owner: str, org_id: uuid.UUID) -> HeldGrant:
        try:
            reply = await self._new_tokens(grant)
        except GrantExpired as error:
            await self.give_up(grant, org_id, error)
            raise
        except BaseException:
            await asyncio.to_thread(self._release, grant, owner)
            raise
        return await asyncio.to_thread(self._store_refreshed, grant, reply)

    async def _new_tokens(self, grant: HeldGrant) -> TokenReply:
        renewal = self._provider.oauth.renewal
        if renewal is None:
            return await self._token_client.refresh(grant.tokens.refresh_token)
        if not grant.is_alive(utc_now()):
            raise GrantExpired(self._provider.name, "the access token ended before it was renewed")
        return await self._token_client.renew(renewal, grant.tokens.access_token)

    def _release(self, grant: HeldGrant, owner: str) -> None:
        mine = (Grant.account_id == grant.account_id) & (Grant.lease_owner == owner)
        with self._backline.database.write() as connection:
            connection.execute(sa.update(Grant).where(mine).values(lease_owner=None, lease_until=None))

    def _store_refreshed(self, grant: HeldGrant, reply: TokenReply) -> HeldGrant:
        """Store the new tokens; a reply without a refresh token keeps the old one."""
        tokens = Tokens(reply.access_token, reply.refresh_token or grant.tokens.refresh_token)
        sealed = self._backline.vault.seal(msgspec.json.encode(tokens), subject(grant.account_id))
        now = utc_now()
        expires_at, generation = reply.expires_at(now), grant.generation + 1
        values: dict[str, Any] = {"sealed": sealed.value, "key_id": sealed.key_id, "expires_at": expires_at}
        values |= {"generation": generation, "updated_at": now, "lease_owner": None, "lease_until": None}
        if (ends_at := reply.ends_at(now)) is not None:
            values["ends_at"] = ends_at
        mine = (Grant.account_id == grant.account_id) & (Grant.generation == grant.generation)
        with self._backline.database.write() as connection:
            if connection.execute(sa.update(Grant).where(mine).values(**values)).rowcount:
                return HeldGrant(grant.account_id, tokens, expires_at, generation, now)
        return self._read(grant)  # a person reconnected meanwhile: theirs is the newer one


def _may_renew(grant: HeldGrant, renewal: SelfRenewal, now: datetime) -> bool:
    """Say whether it is time to let an access token renew itself; too young a one may not.

    One whose end is not known is renewed, which tells it.
    """
    if not grant.is_alive(now):
        return True
    is_old_enough = grant.updated_at is None or now - grant.updated_at >= renewal.min_age
    return is_old_enough and (grant.expires_at is None or not grant.is_fresh(now, renewal.ahead))


def _stored(grant: HeldGrant) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*GRANT_COLUMNS).where(Grant.account_id == grant.account_id)


async def _finished(refreshing: Coroutine[None, None, HeldGrant]) -> HeldGrant:
    """Let a refresh that has begun end, also where we are cancelled meanwhile.

    A single-use refresh token that was sent is spent, and what came for it must be stored.
    """
    task = asyncio.create_task(refreshing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=GRACE_SECONDS)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ProviderError):
            await task
        raise


def ask_for_reconnection(
    backline: Backline, provider: Provider, grant: HeldGrant, org_id: uuid.UUID, error: GrantExpired
) -> None:
    """Mark the account ``needs_reconnect`` and tell of it, both once a grant."""
    now = utc_now()
    still = sa.exists().where((Grant.account_id == grant.account_id) & (Grant.generation == grant.generation))
    mark = (
        sa.update(ConnectedAccount)
        .where(ConnectedAccount.id == grant.account_id, ConnectedAccount.status == "connected", still)
        .values(status="needs_reconnect", error_type=error.code, error_message=str(error))
    )
    payload: dict[str, Any] = {"error": error.code, "message": str(error), "cure": error.cure}
    payload |= {"accountId": str(grant.account_id), "runId": None}
    event = Event(
        id=event_id("grant_expired", grant.account_id, grant.generation),
        type="error.occurred",
        provider=provider.name,
        org_id=org_id,
        payload=payload,
        created_at=now,
    )
    same = (Grant.account_id == grant.account_id) & (Grant.generation == grant.generation)
    release = sa.update(Grant).where(same)  # the lease of a newer generation is somebody else's
    with backline.database.write() as connection:
        if connection.execute(mark).rowcount:
            write_events(connection, [event])
            audit.record(
                connection, "backline", "account.needs_reconnect", f"connected_accounts/{grant.account_id}"
            )
        connection.execute(release.values(lease_owner=None, lease_until=None))
