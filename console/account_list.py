"""The list of accounts: filtered, the broken first, one page at a time, and counted."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import urlencode

import sqlalchemy as sa
from pydantic import BaseModel, Field

from console.account_entry import AccountEntry
from resources.database import Database, utc_now
from resources.endings import ends_before
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, Grant, Org

PAGE_SIZE, MOST_SUGGESTED_ORGS = 50, 200
State = Literal["attention", "needs_reconnect", "failed", "partial", "ending", "healthy", "disconnected"]
STATE_LABELS: dict[State, str] = {
    "attention": "Need attention",
    "needs_reconnect": "Needs reconnect",
    "failed": "Sync failed",
    "partial": "Sync partial",
    "ending": "Authorization ending",
    "healthy": "Healthy",
    "disconnected": "Disconnected",
}
OF_ENTRY: tuple[Any, ...] = (
    Org.slug.label("org"),
    *(ConnectedAccount.id, ConnectedAccount.provider, ConnectedAccount.external_id),
    *(ConnectedAccount.display_name, ConnectedAccount.status, ConnectedAccount.sync_status),
    *(ConnectedAccount.last_sync_at, ConnectedAccount.error_type, ConnectedAccount.error_message),
    *(ConnectedAccount.created_at, ConnectedAccount.retry_at),
    *(Grant.authorized_at, Grant.ends_at, Grant.expires_at, Grant.scopes),
)


class AccountFilter(BaseModel):
    """Which accounts, as the address says it; empty means all."""

    org: str = Field("", max_length=63, description="Slug of an org.")
    state: State | Literal[""] = Field("", description="State of the account.")
    page: int = Field(1, ge=1, le=100_000, description=f"Page of {PAGE_SIZE} accounts, from 1.")

    def query(self, **changes: Any) -> str:
        """Return the filter as an address's query, with some of it changed."""
        values = {"org": self.org, "state": self.state, "page": 1} | changes
        return "?" + urlencode({name: value for name, value in values.items() if value and value != 1})


@dataclass(frozen=True)
class Counts:
    """How many accounts are in which state; one may be in several."""

    by_state: dict[State, int]
    by_provider: dict[str, int]

    @property
    def total(self) -> int:
        """All accounts, the disconnected too."""
        return sum(self.by_provider.values())

    def matching(self, state: State | Literal[""]) -> int:
        """Return how many a state's filter lets through."""
        return self.by_state[state] if state else self.total


def _conditions(now: datetime) -> dict[State, sa.ColumnElement[bool]]:
    """Return what each state means, as the database is asked."""
    connected = ConnectedAccount.status == "connected"
    ending = connected & _ending(now)
    failed = (
        connected & (ConnectedAccount.sync_status == "failed") & (ConnectedAccount.error_message.is_not(None))
    )
    partial = connected & (ConnectedAccount.sync_status == "partial")
    needs_reconnect = ConnectedAccount.status == "needs_reconnect"
    attention = sa.or_(needs_reconnect, failed, partial, sa.func.coalesce(ending, sa.false()))
    return {
        "attention": attention,
        "needs_reconnect": needs_reconnect,
        "failed": failed,
        "partial": partial,
        "ending": ending,
        "healthy": connected & sa.not_(attention),
        "disconnected": ConnectedAccount.status == "disconnected",
    }


def _ending(now: datetime) -> sa.ColumnElement[bool]:
    """Return whether an authorization ends soon, or has ended, by its provider's own lifetime."""
    soon = (
        (ConnectedAccount.provider == provider.name) & ends_before(provider, now + provider.oauth.announce)
        for provider in PROVIDERS.values()
    )
    return sa.or_(sa.false(), *soon)


def _rank(conditions: dict[State, sa.ColumnElement[bool]]) -> sa.ColumnElement[int]:
    worst_first: tuple[State, ...] = ("needs_reconnect", "failed", "ending", "partial")
    ranks = [(conditions[state], place) for place, state in enumerate(worst_first)]
    return sa.case(*ranks, (conditions["disconnected"], 9), else_=8)


def _of_org(statement: sa.Select[Any], org: str) -> sa.Select[Any]:
    return statement.where(Org.slug == org) if org else statement


def _among(orgs: frozenset[str] | None) -> sa.ColumnElement[bool]:
    return sa.true() if orgs is None else Org.slug.in_(sorted(orgs))


def _known() -> sa.ColumnElement[bool]:
    return ConnectedAccount.provider.in_(list(PROVIDERS))


def entries(
    database: Database, wanted: AccountFilter, orgs: frozenset[str] | None = None
) -> list[AccountEntry]:
    """Return one page of the accounts, the broken first; ``orgs`` are those to be seen, ``None`` all."""
    now = utc_now()
    conditions = _conditions(now)
    query = _of_org(sa.select(*OF_ENTRY).join_from(ConnectedAccount, Org).outerjoin(Grant), wanted.org)
    query = query.where(_known(), _among(orgs), conditions[wanted.state] if wanted.state else sa.true())
    query = query.order_by(_rank(conditions), Org.slug, ConnectedAccount.display_name, ConnectedAccount.id)
    with database.read() as connection:
        rows = connection.execute(query.limit(PAGE_SIZE).offset((wanted.page - 1) * PAGE_SIZE))
        return [AccountEntry.of(row, now) for row in rows]


def find_entry(
    database: Database, account_id: uuid.UUID, orgs: frozenset[str] | None = None
) -> AccountEntry | None:
    """Return one account, or ``None`` where there is none of that id to be seen."""
    query = sa.select(*OF_ENTRY).join_from(ConnectedAccount, Org).outerjoin(Grant)
    with database.read() as connection:
        mine = query.where(_known(), _among(orgs), ConnectedAccount.id == account_id)
        row = connection.execute(mine).one_or_none()
    return AccountEntry.of(row, utc_now()) if row else None


def counts(database: Database, org: str = "", orgs: frozenset[str] | None = None) -> Counts:
    """Count the accounts by state and by provider, in the database."""
    conditions = _conditions(utc_now())
    sums: Iterator[Any] = (
        sa.func.sum(sa.case((condition, 1), else_=0)).label(state) for state, condition in conditions.items()
    )
    columns: tuple[Any, ...] = (ConnectedAccount.provider, sa.func.count().label("accounts"), *sums)
    query = sa.select(*columns)
    query = _of_org(query.join_from(ConnectedAccount, Org).outerjoin(Grant), org).where(
        _known(), _among(orgs)
    )
    with database.read() as connection:
        rows = connection.execute(query.group_by(ConnectedAccount.provider)).mappings().all()
    states: tuple[State, ...] = get_args(State)
    by_state = {state: sum(int(row[state]) for row in rows) for state in states}
    return Counts(by_state, {row["provider"]: row["accounts"] for row in rows})


def known_orgs(database: Database, orgs: frozenset[str] | None = None) -> Sequence[str]:
    """Return the first orgs' slugs, as suggestions."""
    query = sa.select(Org.slug).where(_among(orgs)).order_by(Org.slug).limit(MOST_SUGGESTED_ORGS)
    with database.read() as connection:
        return connection.execute(query).scalars().all()
