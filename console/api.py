"""The JSON API."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from console.account_entry import AccountEntry
from console.account_list import PAGE_SIZE, AccountFilter, counts, entries
from console.actors import ActorPart
from console.parts import ConsolePart

router = APIRouter(prefix="/api/v1", tags=["accounts"])


class AccountProblem(BaseModel):
    """One thing that is wrong with an account."""

    level: str
    what: str
    cause: str
    cure: str


class ApiAccount(BaseModel):
    """One connected account; times are UTC."""

    id: uuid.UUID
    org: str
    provider: str
    external_id: str
    display_name: str
    status: str
    sync_status: str
    last_sync_at: datetime | None
    error_type: str | None
    error_message: str | None
    authorized_at: datetime | None
    authorization_ends_at: datetime | None
    scopes: list[str]
    problems: list[AccountProblem]
    created_at: datetime


class AccountPage(BaseModel):
    """One page of accounts, the broken first; ``next`` is the address of the following page."""

    accounts: list[ApiAccount]
    page: int
    total: int
    next: str | None


@router.get("/accounts")
def list_accounts(
    console: ConsolePart, actor: ActorPart, wanted: Annotated[AccountFilter, Query()]
) -> AccountPage:
    """List connected accounts by org and state."""
    database = console.backline.database
    total = counts(database, wanted.org, actor.orgs).matching(wanted.state)
    more = wanted.page * PAGE_SIZE < total
    return AccountPage(
        accounts=[_api_account(entry) for entry in entries(database, wanted, actor.orgs)],
        page=wanted.page,
        total=total,
        next=f"/api/v1/accounts{wanted.query(page=wanted.page + 1)}" if more else None,
    )


def _api_account(entry: AccountEntry) -> ApiAccount:
    same = (
        *("id", "org", "external_id", "display_name", "status", "sync_status", "last_sync_at"),
        *("error_type", "error_message", "authorized_at", "authorization_ends_at", "created_at"),
    )
    return ApiAccount(
        **{name: getattr(entry, name) for name in same},
        provider=entry.provider.name,
        scopes=list(entry.scopes),
        problems=[AccountProblem(**trouble._asdict()) for trouble in entry.troubles],
    )
