"""What a call does: it writes what it asks for in the call's own transaction, under the call's id."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from resources.accounts import org_id_of
from resources.delivery.replay import Selection, replay
from resources.errors import InputRefused
from resources.inbound.orders import Call, EventFilter, ReplayData, ScrapeCall, ScrapeData, SyncCall, SyncData
from resources.names import known_accounts
from resources.providers import find_provider
from resources.scraping import jobs
from resources.sync import requests
from resources.tables import WebhookEndpoint, WebhookEvent

ACTOR = "n8n"


def carry_out(connection: sa.Connection, call_id: uuid.UUID, call: Call) -> dict[str, Any] | None:
    """Write what a call asks for, and return what came of it where that is known at once.

    Raise ``InputRefused`` where it names what does not exist.
    """
    if isinstance(call, SyncCall):
        _sync(connection, call_id, call.data)
    elif isinstance(call, ScrapeCall):
        _scrape(connection, call_id, call.data)
    else:
        return {"events": replay(connection, _selection(connection, call.data))}
    return None


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


def _selection(connection: sa.Connection, data: ReplayData) -> Selection:
    if data.filter is None:
        named = list(dict.fromkeys(data.event_ids or ()))
        _refuse_unknown_events(connection, named)
        return Selection(event_ids=named)
    try:
        return _found_by(connection, data.filter)
    except InputRefused as error:
        raise InputRefused(f"filter.{error.field}", error.problem, error.cure) from None


def _found_by(connection: sa.Connection, wanted: EventFilter) -> Selection:
    if wanted.provider is not None:
        find_provider(wanted.provider)
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        raise InputRefused("since", "is after `until`", "give the earlier moment first")
    if wanted.endpoint is not None:
        _refuse_unknown_endpoint(connection, wanted.endpoint)
    return Selection(
        status=wanted.status,
        event_type=wanted.type,
        provider=wanted.provider,
        org_id=None if wanted.org is None else org_id_of(connection, wanted.org),
        endpoint_id=wanted.endpoint,
        since=wanted.since,
        until=wanted.until,
    )


def _refuse_unknown_events(connection: sa.Connection, named: Sequence[str]) -> None:
    found = set(connection.execute(sa.select(WebhookEvent.id).where(WebhookEvent.id.in_(named))).scalars())
    if missing := [event_id for event_id in named if event_id not in found]:
        problem = f"{missing[0]} is unknown" + (f", and {len(missing) - 1} others" if missing[1:] else "")
        raise InputRefused("event_ids", problem, "see `backline events list`")


def _refuse_unknown_endpoint(connection: sa.Connection, endpoint_id: uuid.UUID) -> None:
    known = sa.select(WebhookEndpoint.id).where(WebhookEndpoint.id == endpoint_id)
    if connection.execute(known).one_or_none() is None:
        raise InputRefused("endpoint", f"{endpoint_id} is unknown", "see `backline endpoints list`")
