"""What a run is asked to visit, and the pages that this means: each subject once, whoever wants it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.database import AnyRow, Database
from resources.events import Source
from resources.provider import FromAccount, FromConfig, Page, Provider
from resources.reading.verdict import ABSENCES, Outcome
from resources.scraping.jobs import Wish
from resources.streams import table_of
from resources.tables import ConnectedAccount, Org, ScraperVisit

EVERYTHING = Wish()
SETTLED = (Outcome.READING, *ABSENCES)


@dataclass(frozen=True)
class ScrapeRequest:
    """One run's work: these kinds of pages of a provider's accounts.

    ``root_run_id`` differs from ``run_id`` where the run repeats one that did not reach all; what that
    one settled is not visited again.
    """

    provider: Provider
    pages: tuple[Page, ...]
    run_id: str
    root_run_id: str
    job_id: uuid.UUID
    wish: Wish = EVERYTHING
    source: Source = "scraper"

    @property
    def by_hand(self) -> bool:
        """Whether a person asked for it, so that what schedules leave of the day's pages may be spent."""
        return self.source == "manual"


@dataclass(frozen=True)
class Owner:
    """An account that a page is visited for."""

    account_id: uuid.UUID
    org_id: uuid.UUID


@dataclass(frozen=True)
class Target:
    """One page to visit, and whose it is; a canary's is nobody's."""

    page: Page
    subject: str
    owners: tuple[Owner, ...] = ()


def targets_of(database: Database, request: ScrapeRequest) -> list[Target]:
    """Return the pages to visit, kind by kind in declared order.

    An account that a person must reconnect is visited too: its page needs no grant.
    """
    with database.read() as connection:
        accounts = connection.execute(_accounts(request)).all()
        settled = (
            {tuple(row) for row in connection.execute(_settled(request))} if _repeats(request) else set()
        )
        return [
            target
            for page in request.pages
            for target in _targets(connection, request.provider, page, accounts, settled)
        ]


def _repeats(request: ScrapeRequest) -> bool:
    return request.root_run_id != request.run_id


def _accounts(request: ScrapeRequest) -> sa.Select[Any]:
    account, wish = ConnectedAccount, request.wish
    columns = (account.id, account.org_id, account.external_id, account.provider_config)
    query = (
        sa.select(*columns)
        .join(Org, Org.id == account.org_id)
        .where(account.provider == request.provider.name, account.status != "disconnected")
        .order_by(account.org_id, account.id)
    )
    if wish.orgs:
        query = query.where(Org.slug.in_(wish.orgs))
    if wish.accounts:
        query = query.where(account.id.in_([uuid.UUID(one) for one in wish.accounts]))
    return query


def _settled(request: ScrapeRequest) -> sa.Select[*tuple[Any, ...]]:
    visit = ScraperVisit
    return sa.select(visit.page, visit.subject, visit.account_id).where(
        visit.root_run_id == request.root_run_id, visit.outcome.in_(SETTLED)
    )


def _targets(
    connection: sa.Connection,
    provider: Provider,
    page: Page,
    accounts: Sequence[AnyRow],
    settled: set[tuple[Any, ...]],
) -> Iterator[Target]:
    columns = _columns(connection, provider, page, [row.id for row in accounts])
    owners: dict[str, list[Owner]] = defaultdict(list)
    for row in accounts:
        for subject in dict.fromkeys(_subjects(page, row, columns)):
            if (page.name, subject, row.id) not in settled:
                owners[subject].append(Owner(row.id, row.org_id))
    for subject, mine in owners.items():
        yield Target(page, subject, tuple(mine))


def _subjects(page: Page, row: AnyRow, columns: Mapping[uuid.UUID, list[str]]) -> list[str]:
    if isinstance(page.each, FromAccount):
        return [row.external_id]
    if isinstance(page.each, FromConfig):
        return [str(one) for one in row.provider_config.get(page.each.key, [])]
    return columns.get(row.id, [])


def _columns(
    connection: sa.Connection, provider: Provider, page: Page, accounts: list[uuid.UUID]
) -> dict[uuid.UUID, list[str]]:
    """Return the subjects that a stream's rows name, by account; none before its first sync."""
    if isinstance(page.each, FromAccount | FromConfig):
        return {}
    table = table_of(provider, provider.stream(page.each.stream))
    query = sa.select(table.c.account_id, table.c[page.each.column]).where(
        table.c.account_id.in_(accounts), table.c.deleted_at.is_(None)
    )
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    for account_id, subject in connection.execute(query):
        if subject:
            found[account_id].append(str(subject))
    return found
