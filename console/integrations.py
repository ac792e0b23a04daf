"""The page of integrations: providers, their accounts, and what an operator does with one."""

import asyncio
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.account_entry import AccountEntry
from console.account_list import (
    PAGE_SIZE,
    STATE_LABELS,
    AccountFilter,
    counts,
    entries,
    find_entry,
    known_orgs,
)
from console.actors import Actor, ActorPart, require
from console.faults import NOT_FOUND
from console.pages import HOME, PageError, page
from console.parts import Console, ConsolePart
from console.quotas import QuotaState, quota_state
from console.scraped_kinds import Scraper, scraper_of
from console.testing import verdict_on
from resources import accounts, parking
from resources.credentials import store_credentials
from resources.errors import InputRefused, ParkingError, SealBroken
from resources.people.roles import Role
from resources.provider import Provider
from resources.providers import PROVIDERS, find_provider

router = APIRouter(include_in_schema=False)
SHOWN_TAIL = 4


class IntegrationsAddress(AccountFilter):
    """The page's address: the filter, and what has just been done to which account."""

    connected: uuid.UUID | None = None
    disconnected: uuid.UUID | None = None
    saved: str | None = None


@dataclass(frozen=True)
class ProviderCard:
    """What the page says of one provider; of its credentials only whether they are there."""

    provider: Provider
    accounts: int
    client_id: str
    has_secret: bool
    problem: InputRefused | SealBroken | None
    parked: ParkingError | None
    redirect_uri: str
    quota: QuotaState | None
    scraper: Scraper | None


def masked(text: str) -> str:
    """Return enough of an id to tell it from another, and no more."""
    return f"••••{text[-SHOWN_TAIL:]}" if len(text) >= 4 * SHOWN_TAIL else "••••"


def card_of(console: Console, provider: Provider, how_many: int) -> ProviderCard:
    """Gather what a provider's card shows."""
    backline, client_id, has_secret = console.backline, "", False
    problem: InputRefused | SealBroken | None = None
    try:
        credentials = backline.credentials(provider)
        client_id, has_secret = masked(credentials.client_id), bool(credentials.client_secret)
    except (InputRefused, SealBroken) as error:
        problem = error
    return ProviderCard(
        provider,
        how_many,
        client_id,
        has_secret,
        problem,
        parking.current(backline.database, provider),
        backline.redirect_uri(provider),
        quota_state(backline, provider),
        scraper_of(console, provider),
    )


@router.get("/")
def to_integrations() -> RedirectResponse:
    """Lead to the one page there is yet."""
    return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)


@router.get(HOME)
def integrations(
    console: ConsolePart, actor: ActorPart, address: Annotated[IntegrationsAddress, Query()]
) -> HTMLResponse:
    """Show the providers and the accounts."""
    database = console.backline.database
    counted = counts(database, address.org, actor.orgs)
    matching = counted.matching(address.state)
    return page(
        "integrations.html",
        address=address,
        counts=counted,
        matching=matching,
        pages=max(-(-matching // PAGE_SIZE), 1),
        state_labels=STATE_LABELS,
        entries=entries(database, address, actor.orgs),
        orgs=known_orgs(database, actor.orgs),
        cards=[
            card_of(console, one, counted.by_provider.get(one.name, 0)) for one in console.providers.values()
        ],
        connected=find_entry(database, address.connected, actor.orgs) if address.connected else None,
        disconnected=find_entry(database, address.disconnected, actor.orgs) if address.disconnected else None,
        saved=PROVIDERS.get(address.saved or ""),
    )


def _entry(console: Console, actor: Actor, account_id: uuid.UUID) -> AccountEntry:
    """Return an account that the asker may act on."""
    entry = find_entry(console.backline.database, account_id)
    if entry is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    require(actor, Role.OPERATOR, entry.org)
    return entry


@router.post("/admin/integrations/apps/{provider_name}")
def save_credentials(
    console: ConsolePart,
    actor: ActorPart,
    provider_name: str,
    client_id: Annotated[str, Form()],
    client_secret: Annotated[str, Form()] = "",
) -> Response:
    """Seal and store a provider app's credentials; they are never shown again."""
    provider = find_provider(provider_name)
    store_credentials(console.backline, provider, client_id, client_secret, actor.name)
    return RedirectResponse(f"{HOME}?saved={provider.name}", HTTPStatus.SEE_OTHER)


@router.post("/admin/integrations/accounts/{account_id}/test")
async def test_account(console: ConsolePart, actor: ActorPart, account_id: uuid.UUID) -> HTMLResponse:
    """Ask the provider with the account's grant, and say how that went."""
    await asyncio.to_thread(_entry, console, actor, account_id)
    verdict = await verdict_on(console, account_id)
    entry = await asyncio.to_thread(_entry, console, actor, account_id)
    return page("verdict.html", entry=entry, verdict=verdict)


@router.get("/admin/integrations/accounts/{account_id}/disconnect")
def confirm_disconnect(console: ConsolePart, actor: ActorPart, account_id: uuid.UUID) -> HTMLResponse:
    """Ask before an account is disconnected."""
    return page("disconnect.html", entry=_entry(console, actor, account_id))


@router.post("/admin/integrations/accounts/{account_id}/disconnect")
def disconnect(console: ConsolePart, actor: ActorPart, account_id: uuid.UUID) -> Response:
    """Forget an account's grant."""
    entry = _entry(console, actor, account_id)
    accounts.disconnect(console.backline, entry.id, actor.name)
    return RedirectResponse(f"{HOME}?disconnected={entry.id}", HTTPStatus.SEE_OTHER)
