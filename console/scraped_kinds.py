"""Each provider's kinds of public pages: how well they are read, what is wrong, and what is set for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from console.health_detail import HealthDetail
from console.outcomes import by_number
from console.pages import Tone
from console.parts import Console
from resources.backline import Backline
from resources.database import AnyRow, Database, utc_now
from resources.provider import Page, Provider, Site
from resources.tables import ScraperHealth
from resources.visiting.controls import Controls, controls_of

Status = Literal["ok", "warn", "error", "unknown", "never"]
LABELS: Mapping[Status, tuple[Tone, str]] = {
    "ok": ("ok", "In order"),
    "warn": ("warn", "Needs a look"),
    "error": ("bad", "Failing"),
    "unknown": ("plain", "Not known"),
    "never": ("plain", "Never visited"),
}
INTERVALS = {"1h": timedelta(hours=1), "6h": timedelta(hours=6), "1d": timedelta(days=1)}
MISSED_VISITS = 2


@dataclass(frozen=True)
class PageKind:
    """One kind of page of a provider; ``row`` is its health, ``None`` where it was never visited."""

    provider: Provider
    page: Page
    canary: str
    row: AnyRow | None
    detail: HealthDetail
    overdue_since: datetime | None

    @property
    def title(self) -> str:
        """What people call it."""
        return title_of(self.page.name)

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"kind-{self.provider.name}-{self.page.name}"

    @property
    def status(self) -> Status:
        """How it stands; one that is overdue is not in order, however its last visits went."""
        if self.row is None:
            return "never"
        known: Status = self.row.status if self.row.status in LABELS else "unknown"
        return "warn" if known == "ok" and self.overdue_since else known

    @property
    def is_broken(self) -> bool:
        """Whether somebody must look."""
        return self.status in {"warn", "error"}

    @property
    def tone(self) -> Tone:
        """Its colour."""
        return LABELS[self.status][0]

    @property
    def label(self) -> str:
        """Its state in words."""
        return LABELS[self.status][1]

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """How its visits ended, the readings first."""
        return by_number(self.detail.outcomes)

    @property
    def response_ms(self) -> int | None:
        """The 95th percentile of the response times, or what else is known of them."""
        return self.detail.p95_ms or (self.row.response_time_ms if self.row else None)


@dataclass(frozen=True)
class Scraper:
    """A provider's public pages, and what holds for their visits."""

    provider: Provider
    site: Site
    controls: Controls
    kinds: tuple[PageKind, ...]

    @property
    def broken(self) -> tuple[PageKind, ...]:
        """The kinds that somebody must look at."""
        return tuple(kind for kind in self.kinds if kind.is_broken)

    @property
    def visited(self) -> tuple[PageKind, ...]:
        """The kinds of which there is some health."""
        return tuple(kind for kind in self.kinds if kind.row is not None)

    @property
    def changed(self) -> frozenset[str]:
        """What is set by hand, unlike the declaration."""
        names = ("pause_seconds", "concurrency", "daily_pages")
        return frozenset(n for n in names if getattr(self.controls, n) != getattr(self.site, n))


def title_of(page: str) -> str:
    """Say a page's name as words: ``artist_page`` is an *Artist page*."""
    return page.replace("_", " ").capitalize()


def scrapers(console: Console) -> list[Scraper]:
    """Return every provider that has public pages."""
    rows = _health(console.backline.database)
    found = (scraper_of(console, provider, rows) for provider in console.providers.values())
    return [scraper for scraper in found if scraper]


def scraper_of(
    console: Console, provider: Provider | None, rows: Mapping[tuple[str, str], AnyRow] | None = None
) -> Scraper | None:
    """Return one provider's, ``None`` where it has no public pages; ``rows`` are health read before."""
    if provider is None or provider.site is None or not provider.pages:
        return None
    site, backline = provider.site, console.backline
    rows = _health(backline.database) if rows is None else rows
    controls = controls_of(backline.database, provider, site)
    interval = _interval(backline, provider, site) if controls.paused_at is None else None
    kinds = [
        _kind(backline, provider, page, rows.get((provider.name, page.name)), interval) for page in site.pages
    ]
    return Scraper(provider, site, controls, tuple(kinds))


def _health(database: Database) -> dict[tuple[str, str], AnyRow]:
    with database.read() as connection:
        return {(row.provider, row.page): row for row in connection.execute(sa.select(ScraperHealth))}


def _interval(backline: Backline, provider: Provider, site: Site) -> timedelta | None:
    """Return how often pages are visited, ``None`` where a schedule of the operator's own says it."""
    return None if backline.provider_settings(provider).pages_cron else INTERVALS[site.every]


def _kind(
    backline: Backline, provider: Provider, page: Page, row: AnyRow | None, interval: timedelta | None
) -> PageKind:
    canary = backline.canary(provider, page)
    if row is None:
        return PageKind(provider, page, canary, None, HealthDetail(), None)
    late = interval is not None and utc_now() - row.last_check_at > MISSED_VISITS * interval
    overdue_since = row.last_check_at if late else None
    return PageKind(provider, page, canary, row, HealthDetail.of(row.metadata), overdue_since)
