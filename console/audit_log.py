"""The audit log as the console tells it: filtered, the newest first, a page at a time, and exported whole."""

import csv
import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa
from pydantic import BaseModel, Field

from resources.database import AnyRow, Database
from resources.tables import AuditEntry

PAGE_SIZE, EXPORTED_AT_ONCE = 50, 500
COLUMNS = ("at", "actor", "action", "subject", "details")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for one


class AuditFilter(BaseModel):
    """Which entries, as the address says it; empty means all. Moments without a zone are UTC."""

    actor: str = Field("", max_length=80, description="Who did it.")
    action: str = Field("", max_length=80, description="What was done; `user.` means all that begin so.")
    since: datetime | None = Field(None, description="At this moment or later.")
    until: datetime | None = Field(None, description="Before this moment.")

    def query(self, **changes: Any) -> str:
        """Return the filter as an address's query, with some of it changed."""
        values = self.model_dump(mode="json", include=set(AuditFilter.model_fields)) | changes
        return "?" + urlencode({name: value for name, value in values.items() if value})

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return any(self.model_dump(include=set(AuditFilter.model_fields)).values())

    def applied(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """Narrow a query of entries."""
        if self.actor:
            query = query.where(AuditEntry.actor == self.actor.strip())
        if self.action:
            wanted = self.action.strip()
            begins = AuditEntry.action.startswith(wanted, autoescape=True)
            query = query.where(begins if wanted.endswith(".") else AuditEntry.action == wanted)
        if self.since:
            query = query.where(AuditEntry.at >= _in_utc(self.since))
        if self.until:
            query = query.where(AuditEntry.at < _in_utc(self.until))
        return query


class AuditAddress(AuditFilter):
    """A filter, and where its page begins: behind the entry of this moment and id."""

    before: datetime | None = None
    before_id: uuid.UUID | None = None


@dataclass(frozen=True)
class AuditPage:
    """One page, the newest first; ``following`` is the query of the next, empty at the end."""

    entries: Sequence[AnyRow]
    following: str


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _behind(query: sa.Select[Any], at: datetime, number: uuid.UUID) -> sa.Select[Any]:
    """Narrow to what stands behind an entry; in two parts, because SQLite keeps moments as text."""
    same = sa.and_(AuditEntry.at == at, AuditEntry.id < number)
    return query.where(AuditEntry.at <= at, sa.or_(AuditEntry.at < at, same))


def _ordered(wanted: AuditFilter, limit: int) -> sa.Select[Any]:
    query = wanted.applied(sa.select(AuditEntry.__table__))
    return query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)


def list_entries(database: Database, wanted: AuditAddress) -> AuditPage:
    """Return one page of the entries."""
    query = _ordered(wanted, PAGE_SIZE + 1)
    if wanted.before and wanted.before_id:
        query = _behind(query, _in_utc(wanted.before), wanted.before_id)
    with database.read() as connection:
        rows = connection.execute(query).all()
    shown = rows[:PAGE_SIZE]
    if len(rows) <= PAGE_SIZE:
        return AuditPage(shown, "")
    return AuditPage(shown, wanted.query(before=shown[-1].at.isoformat(), before_id=shown[-1].id))


def exported(database: Database, wanted: AuditFilter, write: Callable[[AnyRow], str]) -> Iterator[str]:
    """Yield every entry as it is written, the newest first; no transaction lasts while the reader reads."""
    last: AnyRow | None = None
    while True:
        query = _ordered(wanted, EXPORTED_AT_ONCE)
        with database.read() as connection:
            rows = connection.execute(query if last is None else _behind(query, last.at, last.id)).all()
        yield from (write(row) for row in rows)
        if len(rows) < EXPORTED_AT_ONCE:
            return
        last = rows[-1]


def as_json(row: AnyRow) -> str:
    """Write an entry as a line of JSON."""
    return msgspec.json.encode({name: getattr(row, name) for name in COLUMNS}).decode() + "\n"


def as_csv(row: AnyRow) -> str:
    """Write an entry as a line of CSV, in which no spreadsheet finds a formula."""
    values = (
        row.at.isoformat(),
        row.actor,
        row.action,
        row.subject,
        msgspec.json.encode(row.details).decode(),
    )
    line = io.StringIO()
    csv.writer(line).writerow([f"'{value}" if value.startswith(FORMULA) else value for value in values])
    return line.getvalue()
