"""The scrape: canaries first, then every page, each recorded by itself; stopped within seconds when asked."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from resources.backline import Backline
from resources.errors import ProviderError
from resources.provider import Page
from resources.reading.verdict import Outcome, Reading, Refusal, Verdict
from resources.scraping import jobs
from resources.scraping.record import Recorder
from resources.scraping.report import PageReport, ScrapeReport
from resources.scraping.request import ScrapeRequest, Target, targets_of
from resources.scraping.rows import checked
from resources.visiting.browser import BrowserUsage
from resources.visiting.visitor import Visit

logger = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 5  # after so many the site is left alone: pressing on makes a block worse
Progress = Callable[[ScrapeReport], None]


class Visits(Protocol):
    """What visits pages; see :class:`resources.visiting.visitor.Visitor`."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    async def visit(self, page: Page, subject: str) -> Visit:
        """Visit one page."""

    @property
    def browser_usage(self) -> BrowserUsage:
        """What the browser took so far."""


@dataclass
class _Kind:
    """How one kind of page fares in this run."""

    report: PageReport
    total: int = 0
    in_a_row: int = 0
    canary_failed: str = ""
    waiting: deque[Target] = field(default_factory=deque)


class Scrape:
    """One run's visits; ``concurrency`` of them are under way at once."""

    def __init__(
        self,
        backline: Backline,
        request: ScrapeRequest,
        visits: Visits,
        recorder: Recorder,
        *,
        on_progress: Progress = lambda _: None,
    ) -> None:
        self._backline, self._request, self._visits, self._recorder = backline, request, visits, recorder
        self._on_progress = on_progress
        self._kinds: dict[str, _Kind] = {}
        self._out_of_pages = ""
        self.report = ScrapeReport.of(request.pages, 0)

    async def run(self) -> ScrapeReport:
        """Visit everything that is asked for, and return how it went; a stop is no failure.

        Raise ``InputRefused`` where a browser is needed and none can be had.
        """
        targets = await asyncio.to_thread(targets_of, self._backline.database, self._request)
        self.report = ScrapeReport.of(self._request.pages, len(targets))
        self._kinds = {name: _Kind(report) for name, report in self.report.pages.items()}
        self._recorder.expect(targets)
        for target in targets:
            self._kinds[target.page.name].waiting.append(target)
            self._kinds[target.page.name].total += 1
        work = asyncio.ensure_future(self._work())
        watching = asyncio.create_task(self._watch(work))
        try:
            await work
        except asyncio.CancelledError:
            if not self.report.cancelled:
                raise
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            self._close()
        await asyncio.to_thread(self._recorder.give_up)
        self._on_progress(self.report)
        return self.report

    async def _work(self) -> None:
        async with self._visits:
            try:
                for kind in [kind for kind in self._kinds.values() if kind.waiting]:
                    await self._ask_canary(kind)
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(self._backline.settings.scraper_concurrency):
                        tasks.create_task(self._visit_in_turn())
            except ExceptionGroup as group:  # the others were cancelled because of the first
                raise group.exceptions[0] from group
            finally:
                self.report.browser = self._visits.browser_usage

    async def _visit_in_turn(self) -> None:
        while (kind := self._next_kind()) is not None:
            await self._visit(kind, kind.waiting.popleft())

    def _next_kind(self) -> _Kind | None:
        """Return the kind that has most left and is not given up."""
        ready = [kind for kind in self._kinds.values() if kind.waiting and not self._stopped(kind)]
        return max(ready, key=lambda kind: len(kind.waiting), default=None)

    def _stopped(self, kind: _Kind) -> str:
        return self._out_of_pages or kind.report.stopped

    async def _ask_canary(self, kind: _Kind) -> None:
        """Visit the page that must exist: without it, "not found" may as well be a block."""
        page = kind.report.page
        target = Target(page, self._backline.canary(self._request.provider, page))
        done = await self._look(target)
        if done is None:
            return
        visit, verdict = done
        kind.report.canary = verdict
        await asyncio.to_thread(self._recorder.record, target, visit, verdict)
        if isinstance(verdict, Refusal):
            kind.canary_failed = f"{target.subject}, which must exist, came as {verdict.outcome.value} too"

    async def _visit(self, kind: _Kind, target: Target) -> None:
        done = await self._look(target)
        if done is None:
            kind.waiting.appendleft(target)
            return
        visit, seen = done
        verdict = self._trusted(kind, seen)
        failure = await asyncio.to_thread(self._recorder.record, target, visit, verdict)
        kind.report.add(verdict, failure)
        kind.report.latency.add(visit.seconds)
        kind.report.ways[visit.way or "none"] += 1
        kind.in_a_row = 0 if failure is None else kind.in_a_row + 1
        if kind.in_a_row == FAILURES_IN_A_ROW:
            kind.report.stopped = _given_up(kind.in_a_row, verdict)

    async def _look(self, target: Target) -> tuple[Visit, Verdict] | None:
        """Visit one page; ``None`` where the day's pages are spent."""
        try:
            visit = await self._visits.visit(target.page, target.subject)
        except ProviderError as error:
            self._out_of_pages = str(error)
            return None
        return visit, checked(target.page, visit.verdict)

    @staticmethod
    def _trusted(kind: _Kind, verdict: Verdict) -> Verdict:
        """Return the verdict; an absence where the canary failed is taken for a block."""
        if verdict.outcome is not Outcome.NOT_FOUND or not kind.canary_failed:
            return verdict
        detail = f"The page came as not found, but {kind.canary_failed}: the site shows nothing."
        return Refusal(Outcome.BLOCKED, detail)

    async def _watch(self, work: asyncio.Future[None]) -> None:
        """Say now and then how far it is and that it lives; end the work when a person asks to stop."""
        while True:
            await asyncio.sleep(jobs.HEARTBEAT_SECONDS)
            self._on_progress(self.report)
            if await asyncio.to_thread(self._noted):
                self.report.cancelled = True
                work.cancel()
                return

    def _noted(self) -> bool:
        return jobs.note_progress(self._backline.database, self._request.job_id, self.report.results)

    def _close(self) -> None:
        for kind in self._kinds.values():
            kind.report.deferred = kind.total - kind.report.visits
            kind.report.stopped = self._stopped(kind) if kind.report.deferred else ""


def _given_up(count: int, verdict: Verdict) -> str:
    detail = "" if isinstance(verdict, Reading) else verdict.detail
    return f"{count} pages in a row gave no reading; the last was {verdict.outcome.value}: {detail}"
