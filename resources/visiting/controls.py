"""What a person sets for a provider's scrapes: paused or not, and how gently its site is visited."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.database import Database, insert_into, utc_now
from resources.errors import InputRefused
from resources.provider import Provider, Site
from resources.tables import ScraperControl

RANGES: Mapping[str, tuple[float, float]] = {
    "pause_seconds": (0, 3_600),
    "concurrency": (1, 16),
    "daily_pages": (0, 1_000_000),
}


@dataclass(frozen=True)
class Controls:
    """What holds for a provider's scrapes now."""

    pause_seconds: float
    concurrency: int
    daily_pages: int
    paused_at: datetime | None = None
    paused_by: str | None = None


def controls_of(database: Database, provider: Provider, site: Site) -> Controls:
    """Return what was set, and what is declared where nothing was."""
    query = sa.select(ScraperControl).where(ScraperControl.provider == provider.name)
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    declared = {name: getattr(site, name) for name in RANGES}
    if row is None:
        return Controls(**declared)
    return Controls(**{**declared, **row.config}, paused_at=row.paused_at, paused_by=row.paused_by)


def pause(database: Database, provider: Provider, actor: str) -> None:
    """Let no scrape of the provider begin, until it is resumed; those under way end by themselves."""
    _set(database, provider, actor, "scraper.paused", {"paused_at": utc_now(), "paused_by": actor})


def resume(database: Database, provider: Provider, actor: str) -> None:
    """Let scrapes of the provider begin again."""
    _set(database, provider, actor, "scraper.resumed", {"paused_at": None, "paused_by": None})


def configure(database: Database, provider: Provider, actor: str, changes: Mapping[str, str]) -> None:
    """Store settings as they were typed, an empty one takes it back; raise ``InputRefused`` for a bad one."""
    config = {name: _number(name, text) for name, text in changes.items() if text.strip()}
    _set(database, provider, actor, "scraper.configured", {"config": config})


def _number(name: str, text: str) -> float | int:
    if name not in RANGES:
        raise InputRefused(name, "is no setting of a scraper", f"use some of {', '.join(RANGES)}")
    lowest, highest = RANGES[name]
    cure = f"give a number from {lowest:g} to {highest:g}"
    try:
        number = float(text) if name == "pause_seconds" else int(text)
    except ValueError:
        raise InputRefused(name, f"{text.strip()!r} is no number", cure) from None
    if not math.isfinite(number) or not lowest <= number <= highest:
        raise InputRefused(name, f"{number:g} is out of range", cure)
    return number


def _set(database: Database, provider: Provider, actor: str, action: str, values: Mapping[str, Any]) -> None:
    changed = {**values, "updated_at": utc_now()}
    with database.write() as connection:
        insert = insert_into(connection, ScraperControl).values(
            **{"provider": provider.name, "config": {}, **changed}
        )
        connection.execute(insert.on_conflict_do_update(index_elements=["provider"], set_=changed))
        audit.record(connection, actor, action, provider.name, **values.get("config", {}))
