"""Recording a visit: its row, its reading, its evidence and the event it completes, in one transaction."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources.bulk import upsert
from resources.database import Database, utc_now
from resources.events import write_events
from resources.provider import Provider
from resources.reading.verdict import ABSENCES, Reading, Refusal, Verdict
from resources.scraping.completion import completion_events
from resources.scraping.evidence import EvidenceFiles, EvidenceStore
from resources.scraping.redaction import redacted
from resources.scraping.report import Failure
from resources.scraping.request import Owner, ScrapeRequest, Target
from resources.scraping.rows import values_of
from resources.streams import page_table_of
from resources.tables import ScraperEvidence, ScraperVisit
from resources.visiting.visitor import Visit


class Recorder:
    """Writes what the visits of one run came to; knows which org is complete after which of them."""

    def __init__(self, database: Database, request: ScrapeRequest, evidence: EvidenceStore) -> None:
        self._database, self._request, self._evidence = database, request, evidence
        self._left: Counter[uuid.UUID] = Counter()
        self._turn = threading.Lock()  # what is left is known to one visit at a time

    def expect(self, targets: Iterable[Target]) -> None:
        """Take notice of what will be visited."""
        self._left.update(owner.org_id for target in targets for owner in target.owners)

    def record(self, target: Target, visit: Visit, verdict: Verdict) -> Failure | None:
        """Write one visit; return it as a failure where it gave neither a reading nor an absence."""
        now, files = utc_now(), None
        if isinstance(verdict, Refusal) and verdict.outcome not in ABSENCES:
            files = self._evidence.keep(visit)
        visits = [_visit_row(self._request, owner, visit, verdict, now) for owner in target.owners or (None,)]
        with self._turn, self._database.write() as connection:
            connection.execute(sa.insert(ScraperVisit), visits)
            if isinstance(verdict, Reading):
                _write_rows(connection, self._request.provider, target, visit, verdict, now)
            if files is not None:
                connection.execute(sa.insert(ScraperEvidence), _evidence_row(visits[0], visit, files, now))
            complete = self._completed_by(target)
            write_events(connection, completion_events(connection, self._request, complete, now))
            self._left.subtract(owner.org_id for owner in target.owners)
        if not isinstance(verdict, Refusal) or verdict.outcome in ABSENCES:
            return None
        return Failure(
            visits[0]["id"],
            target.subject,
            verdict.outcome,
            verdict.detail,
            verdict.missing,
            files is not None,
            files is not None and files.screenshot_file is not None,
        )

    def give_up(self) -> None:
        """Tell of the orgs whose remaining pages will not be visited."""
        left = [org_id for org_id, count in self._left.items() if count > 0]
        self._left.clear()
        with self._database.write() as connection:
            write_events(connection, completion_events(connection, self._request, left, utc_now()))

    def _completed_by(self, target: Target) -> list[uuid.UUID]:
        mine = Counter(owner.org_id for owner in target.owners)
        return [org_id for org_id, count in mine.items() if self._left[org_id] == count]


def _visit_row(
    request: ScrapeRequest, owner: Owner | None, visit: Visit, verdict: Verdict, now: datetime
) -> dict[str, Any]:
    capture, refusal = visit.capture, verdict if isinstance(verdict, Refusal) else None
    return {
        "id": uuid.uuid4(),
        "run_id": request.run_id,
        "root_run_id": request.root_run_id,
        "job_id": request.job_id,
        "org_id": owner.org_id if owner else None,
        "account_id": owner.account_id if owner else None,
        "provider": request.provider.name,
        "page": visit.page.name,
        "subject": visit.subject,
        "outcome": verdict.outcome.value,
        "way": visit.way,
        "layout": verdict.layout if isinstance(verdict, Reading) else None,
        "detail": refusal.detail if refusal else "",
        "missing": list(refusal.missing) if refusal else [],
        "status": capture.status if capture else None,
        "duration_ms": round(visit.seconds * 1000),
        "size": len(capture.body.encode(errors="replace")) if capture else 0,
        "proxy": visit.proxy,
        "at": now,
    }


def _write_rows(  # noqa: PLR0913, PLR0917  # whose rows of what, in which transaction
    connection: sa.Connection,
    provider: Provider,
    target: Target,
    visit: Visit,
    reading: Reading,
    now: datetime,
) -> None:
    page, table = target.page, page_table_of(provider, target.page)
    values = [values_of(page, row) for row in reading.rows]
    rows = [(owner.account_id, now.date(), *row) for owner in target.owners for row in values]
    columns = ("account_id", "day", *page.column_names)
    upsert(connection, table, columns, rows, {"layout": reading.layout, "way": visit.way, "seen_at": now})


def _evidence_row(
    visit_row: dict[str, Any], visit: Visit, files: EvidenceFiles, now: datetime
) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "visit_id": visit_row["id"],
        "url": redacted(visit.capture.url if visit.capture else visit.url, visit.secrets),
        "html_file": files.html_file,
        "screenshot_file": files.screenshot_file,
        "size": files.size,
        "taken_at": now,
    }
