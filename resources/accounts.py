"""Orgs and their connected accounts: found, made, imported, disconnected."""

from __future__ import annotations

import re
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from resources import audit
from resources.backline import Backline
from resources.database import AnyRow, insert_into, utc_now
from resources.errors import InputRefused
from resources.grants import Tokens, store_grant
from resources.provider import OPTIONAL_STREAMS, Provider
from resources.providers import find_provider
from resources.replies import UNREADABLE
from resources.tables import ConnectedAccount, Grant, Org, PushSubscription

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TOKEN = re.compile(r"[\x21-\x7e]+")


class ImportedGrant(msgspec.Struct, forbid_unknown_fields=True):
    """The ``grant`` of an import line."""

    access_token: str
    refresh_token: str | None = None
    expires_at: datetime | None = None
    authorized_at: datetime | None = None
    scopes: list[str] = []


class ImportedAccount(msgspec.Struct, forbid_unknown_fields=True):
    """One line of ``backline accounts import``."""

    org: str
    provider: str
    external_id: str
    grant: ImportedGrant
    display_name: str | None = None
    config: dict[str, Any] = {}


@dataclass(frozen=True)
class Connection:
    """An account to be stored, and the grant that came with it."""

    org_slug: str
    provider: Provider
    external_id: str
    display_name: str
    tokens: Tokens
    expires_at: datetime | None
    authorized_at: datetime
    scopes: Sequence[str]
    config: dict[str, Any] | None = None
    ends_at: datetime | None = None


def parse_import_line(line: str) -> Connection:
    """Read one JSON line; raise ``InputRefused`` that names the field and the cure."""
    try:
        account = msgspec.json.decode(line, type=ImportedAccount)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        raise InputRefused(
            place.strip("`").removeprefix("$.") or "line", problem, "see `backline accounts import --help`"
        ) from None
    except UNREADABLE:
        raise InputRefused("line", "is not JSON", "write one JSON object a line") from None
    provider = find_provider(account.provider)
    check_slug(account.org)
    _check_texts(account)
    _check_grant(account.grant)
    check_config(provider, account.config)
    return Connection(
        org_slug=account.org,
        provider=provider,
        external_id=account.external_id,
        display_name=account.display_name or account.external_id,
        tokens=Tokens(account.grant.access_token, account.grant.refresh_token),
        expires_at=account.grant.expires_at,
        authorized_at=account.grant.authorized_at or utc_now(),
        scopes=account.grant.scopes,
        config=account.config,
    )


def _check_texts(account: ImportedAccount) -> None:
    texts = [("external_id", account.external_id), ("display_name", account.display_name or "-")]
    for field, text in (*texts, *(("grant.scopes", scope) for scope in account.grant.scopes)):
        if not text.strip() or "\0" in text:
            raise InputRefused(field, "is empty or holds a NUL", "give the provider's own value")


def _check_grant(grant: ImportedGrant) -> None:
    for field, token in (("access_token", grant.access_token), ("refresh_token", grant.refresh_token)):
        if token is not None and not TOKEN.fullmatch(token):
            problem = "is not a token: visible ASCII without spaces"
            raise InputRefused(f"grant.{field}", problem, "give the provider's own value")
    for field, moment in (("expires_at", grant.expires_at), ("authorized_at", grant.authorized_at)):
        if moment is not None and moment.tzinfo is None:
            raise InputRefused(f"grant.{field}", "has no zone", "write it as 2026-11-23T10:00:00Z")


def check_slug(slug: str) -> None:
    """Refuse a slug that does not fit addresses and file names."""
    if not SLUG.fullmatch(slug):
        raise InputRefused("org", f"{slug[:80]!r} is not a slug", "use at most 63 of a-z, 0-9 and -")


def check_config(provider: Provider, config: dict[str, Any]) -> None:
    """Refuse configuration that the provider does not know: each key holds a list of ids, or of streams."""
    choices = provider.streams_to_choose
    known = (*provider.config_keys, *((OPTIONAL_STREAMS,) if choices else ()))
    for key, value in config.items():
        if key not in known:
            cure = f"{provider.title} takes: {', '.join(known) or 'none'}"
            raise InputRefused(f"config.{key}", "is unknown", cure)
        if not isinstance(value, list) or not all(
            isinstance(v, str) and re.fullmatch(r"[\w-]+", v) for v in value
        ):
            raise InputRefused(f"config.{key}", "is not a list of ids", 'write it as ["id", "id"]')
        if key == OPTIONAL_STREAMS and (wrong := set(value) - set(choices)):
            problem = f"names {', '.join(sorted(wrong))}"
            raise InputRefused(f"config.{key}", problem, f"use some of {', '.join(choices)}")


def connect(
    backline: Backline, wanted: Connection, actor: str, connection: sa.Connection
) -> tuple[uuid.UUID, uuid.UUID, bool]:
    """Store an account and its grant; return the org's id, the account's, and whether it was there."""
    now = utc_now()
    org_id = _org_id(connection, wanted.org_slug, now)
    found = connection.execute(
        sa.select(ConnectedAccount.id, ConnectedAccount.provider_config).where(
            ConnectedAccount.org_id == org_id,
            ConnectedAccount.provider == wanted.provider.name,
            ConnectedAccount.external_id == wanted.external_id,
        )
    ).one_or_none()
    account_id = found.id if found else uuid.uuid4()
    values = {
        "display_name": wanted.display_name,
        "status": "connected",
        "error_type": None,
        "error_message": None,
        "retry_at": None,
        "provider_config": wanted.config
        if wanted.config is not None
        else (found.provider_config if found else {}),
    }
    if found:
        connection.execute(
            sa.update(ConnectedAccount).where(ConnectedAccount.id == account_id).values(**values)
        )
    else:
        identity = {"id": account_id, "org_id": org_id, "provider": wanted.provider.name}
        identity |= {"external_id": wanted.external_id, "shard_hash": shard_hash(org_id), "created_at": now}
        connection.execute(sa.insert(ConnectedAccount).values(**identity, **values))
    store_grant(
        connection,
        backline.vault,
        account_id,
        wanted.tokens,
        expires_at=wanted.expires_at,
        scopes=wanted.scopes,
        authorized_at=wanted.authorized_at,
        ends_at=wanted.ends_at,
    )
    audit.record(
        connection,
        actor,
        "account.connected",
        f"connected_accounts/{account_id}",
        provider=wanted.provider.name,
    )
    return org_id, account_id, found is not None


def shard_hash(org_id: uuid.UUID) -> int:
    """Return the number whose remainder by the number of shards is the org's shard."""
    return zlib.crc32(org_id.bytes)


def org_id_of(connection: sa.Connection, slug: str) -> uuid.UUID:
    """Return the id of an org; raise ``InputRefused`` where there is none of that name."""
    found = connection.execute(sa.select(Org.id).where(Org.slug == slug)).scalar_one_or_none()
    if found is None:
        raise InputRefused("org", f"{slug} is unknown", "see `backline accounts list`")
    return found


def _org_id(connection: sa.Connection, slug: str, now: datetime) -> uuid.UUID:
    found = connection.execute(sa.select(Org.id).where(Org.slug == slug)).scalar_one_or_none()
    if found is not None:
        return found
    insert = insert_into(connection, Org).values(id=uuid.uuid4(), slug=slug, name=slug, created_at=now)
    connection.execute(insert.on_conflict_do_nothing(index_elements=["slug"]))  # another may be making it
    return connection.execute(sa.select(Org.id).where(Org.slug == slug)).scalar_one()


def list_accounts(
    connection: sa.Connection, org: str | None = None, provider: str | None = None
) -> Sequence[AnyRow]:
    """Return accounts with their org's slug and their grant's times, without any secret."""
    query = (
        sa.select(
            ConnectedAccount.id,
            Org.slug.label("org"),
            *(
                getattr(ConnectedAccount, name)
                for name in ("provider", "external_id", "display_name", "status", "sync_status")
            ),
            ConnectedAccount.last_sync_at,
            ConnectedAccount.error_type,
            ConnectedAccount.error_message,
            ConnectedAccount.created_at,
            Grant.expires_at,
            Grant.authorized_at,
        )
        .join(Org)
        .outerjoin(Grant)
        .order_by(Org.slug, ConnectedAccount.provider, ConnectedAccount.display_name)
    )
    if org:
        query = query.where(Org.slug == org)
    if provider:
        query = query.where(ConnectedAccount.provider == provider)
    return connection.execute(query).all()


def configure(backline: Backline, account_id: uuid.UUID, key: str, values: Sequence[str], actor: str) -> None:
    """Set one list of an account's configuration; an empty one takes it out.

    Raise ``InputRefused`` where the account is unknown or its provider does not take that.
    """
    account = ConnectedAccount
    query = sa.select(account.provider, account.provider_config).where(account.id == account_id)
    with backline.database.write() as connection:
        found = connection.execute(query.with_for_update()).one_or_none()
        if found is None:
            raise InputRefused("account", f"{account_id} is unknown", "see `backline accounts list`")
        check_config(find_provider(found.provider), {key: list(values)})
        config = {**found.provider_config, key: list(values)}
        if not values:
            del config[key]
        connection.execute(sa.update(account).where(account.id == account_id).values(provider_config=config))
        audit.record(connection, actor, "account.configured", f"connected_accounts/{account_id}", key=key)


def disconnect(backline: Backline, account_id: uuid.UUID, actor: str) -> None:
    """Forget an account's grant and stop syncing it; its rows stay. Raise ``InputRefused`` where unknown."""
    with backline.database.write() as connection:
        update = sa.update(ConnectedAccount).where(ConnectedAccount.id == account_id)
        if not connection.execute(update.values(status="disconnected")).rowcount:
            raise InputRefused("account", f"{account_id} is unknown", "see `backline accounts list`")
        for kept_no_longer in (Grant, PushSubscription):  # who reconnects is subscribed anew
            connection.execute(sa.delete(kept_no_longer).where(kept_no_longer.account_id == account_id))
        audit.record(connection, actor, "account.disconnected", f"connected_accounts/{account_id}")
