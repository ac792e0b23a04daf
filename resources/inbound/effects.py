"""What a call does: it writes what it asks for in the call's own transaction, under the call's id."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa

from resources.errors import InputRefused
from resources.inbound.orders import Call, ScrapeCall, ScrapeData, SyncCall, SyncData
from resources.names import known_accounts
from resources.providers import find_provider
from resources.scraping import jobs
from resources.sync import requests

ACTOR = "n8n"


def carry_out(connection: sa.Connection, call_id: uuid.UUID, call: Call) -> None:
    """Write what a call asks for; raise ``InputRefused`` where it names what does not exist."""
    if isinstance(call, SyncCall):
        _sync(connection, call_id, call.data)
    elif isinstance(call, ScrapeCall):
        _scrape(connection, call_id, call.data)
    else:
        raise InputRefused("type", "replay.requested is not taken yet", "use `backline events replay`")


def _sync(connection: sa.Connection, call_id: uuid.UUID, data: SyncData) -> None:
    wish = requests.SyncWish(
        provider=find_provider(data.provider),
        streams=tuple(dict.fromkeys(data.streams)),
        orgs=_orgs(data.org),
        accounts=tuple(dict.fromkeys(data.accounts)),
        full=data.full,
        days=_days(data),
    )
    requests.ask(connection, wish, source="api", actor=ACTOR, request_id=call_id)


def _days(data: SyncData) -> tuple[date, date] | None:
    if data.first is None or data.last is None:
        if data.first is data.last:
            return None
        missing = "from" if data.first is None else "to"
        raise InputRefused(missing, "is missing", "give the first and the last day")
    return data.first, data.last


def _scrape(connection: sa.Connection, call_id: uuid.UUID, data: ScrapeData) -> None:
    provider, orgs = find_provider(data.provider), _orgs(data.org)
    if not provider.pages:
        raise InputRefused("provider", f"{provider.name!r} has no public pages", "use one that has")
    known_accounts(connection, provider, orgs, data.accounts)
    accounts = tuple(dict.fromkeys(str(account) for account in data.accounts))
    wish = jobs.Wish(orgs, accounts, tuple(dict.fromkeys(data.pages)))
    jobs.write(connection, provider, wish, job_type="n8n", actor=ACTOR, job_id=call_id)


def _orgs(slug: str | None) -> tuple[str, ...]:
    return () if slug is None else (slug,)
