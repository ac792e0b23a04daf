"""One visit to a public page, from the question whether it is allowed to a verdict on what came."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import httpx

from resources.backline import Backline
from resources.budget import Budget
from resources.provider import PAGES_BUCKET, Page, Provider, Quota
from resources.reading.verdict import Capture, Outcome, Refusal, Verdict, Way
from resources.visiting.browser import Browser, BrowserUsage
from resources.visiting.controls import Controls
from resources.visiting.errand import Errand, NoPage
from resources.visiting.identities import Identities
from resources.visiting.light import LightWay
from resources.visiting.pace import Pace
from resources.visiting.proxies import AllResting, Proxy, ProxyPool, proxies_of
from resources.visiting.robots import Robots, RobotsFile, Ruling
from resources.visiting.tab import Judge, Seen

MIB = 1024**2
LIGHT_SHARE = 1 / 3
"""Of the time that a visit may take, where the browser comes after it."""
LEAST_SECONDS = 1.0
TOO_MANY_REQUESTS, SERVER_FAULT = 429, 500
NOT_ASKED = Refusal(Outcome.TIMED_OUT, "The site was not asked.")
SETTLED = frozenset({Outcome.READING, Outcome.NOT_FOUND, Outcome.GONE})
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Visit:
    """What one visit came to.

    ``capture`` is the last one, none where nothing came; ``way`` is what it came by, none where nothing was
    asked. ``seconds`` are those of the asking, not of waiting for a turn. ``secrets`` are words that must
    not be kept as evidence.
    """

    page: Page
    subject: str
    url: str
    verdict: Verdict
    capture: Capture | None = field(repr=False)
    way: Way | None
    seconds: float
    proxy: str | None
    screenshot: bytes | None = field(repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


class Visitor:
    """Visits the public pages of one provider in one run; an async context manager.

    ``by_hand`` says that a person asked. ``transport`` replaces the light way's network.
    """

    def __init__(
        self,
        backline: Backline,
        provider: Provider,
        controls: Controls,
        *,
        by_hand: bool,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings, self._provider = backline.settings, provider
        self._origin = backline.pages_url(provider)
        quota = Quota({PAGES_BUCKET: controls.daily_pages}, zone="UTC")
        self._budget = Budget(backline.database, provider, quota, by_hand=by_hand)
        self._pace, self._robots = Pace(controls.pause_seconds, controls.concurrency), Robots()
        self._proxies = ProxyPool(backline.database, proxies_of(self._settings))
        self._identities = Identities(backline, provider, self._origin)
        self._light, self._browser = LightWay(transport), Browser(self._settings)
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for close in (
            self._identities.save,
            self._budget.aclose,
            self._light.aclose,
            self._browser.aclose,
        ):
            self._exits.push_async_callback(close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.__aexit__(kind, error, trace)

    @property
    def browser_usage(self) -> BrowserUsage:
        """What the run's browsers did and took; zeros where none was started."""
        return self._browser.usage

    async def visit(self, page: Page, subject: str) -> Visit:
        """Visit the page of a subject; whatever the site does is a verdict.

        A visit, whichever ways it takes, is one page of the day's budget. Raise ``BucketSpent`` where that is
        spent, and ``InputRefused`` where a browser is needed and there is none.
        """
        url = page.address(self._origin, subject)
        visit = Visit(page, subject, url, NOT_ASKED, None, None, 0.0, None, None)
        ruling = await self._ruling(url)
        if ruling.refusal is not None:
            return replace(visit, verdict=ruling.refusal)
        await self._budget.take(PAGES_BUCKET)
        for way in page.ways:
            async with self._pace.turn(ruling.delay_seconds):
                visit = await self._go(visit, way)
            if _is_settled(visit):
                break
        await self._identities.save_where_due()
        return visit

    async def _ruling(self, url: str) -> Ruling:
        """Ask whether the site lets us visit an address."""
        if not self._settings.scraper_robots:
            return Ruling()

        async def fetch(address: str) -> RobotsFile:
            proxy = await self._proxies.choose()
            try:
                seconds = self._settings.page_seconds * LIGHT_SHARE
                return await self._light.robots(await self._errand(address, proxy, seconds))
            except NoPage as error:
                await self._proxies.note(proxy, error.refusal.outcome, is_proxys_fault=error.is_proxys)
                raise

        try:
            return await self._robots.ruling(url, fetch)
        except NoPage as error:
            return Ruling(error.refusal)
        except AllResting as error:
            return Ruling(Refusal(Outcome.TIMED_OUT, f"{error} The site was not asked."))

    async def _go(self, visit: Visit, way: Way) -> Visit:
        """Take one way to a page."""
        try:
            proxy = await self._proxies.choose()
        except AllResting as error:
            refusal = Refusal(Outcome.TIMED_OUT, f"{error} The site was not asked.")
            return replace(visit, verdict=refusal) if visit.way is None else visit
        errand = await self._errand(visit.url, proxy, self._seconds_for(visit, way), visit.page.listens)
        take = self._by_light if way == "light" else self._by_browser
        started = time.perf_counter()
        seen = await take(errand, _judge_of(visit.page, visit.subject))
        seconds = visit.seconds + time.perf_counter() - started
        await self._proxies.note(proxy, seen.verdict.outcome, is_proxys_fault=seen.is_proxys_fault)
        return replace(
            visit,
            verdict=seen.verdict,
            capture=seen.capture,
            way=way,
            seconds=seconds,
            proxy=proxy.name if proxy else None,
            screenshot=seen.screenshot,
            secrets=visit.secrets | errand.identity.secrets(),
        )

    def _seconds_for(self, visit: Visit, way: Way) -> float:
        """Return how long one way may take: what is left, or a share of it where another comes after it."""
        left = max(self._settings.page_seconds - visit.seconds, LEAST_SECONDS)
        return left * LIGHT_SHARE if way == "light" and "browser" in visit.page.ways else left

    async def _errand(
        self, url: str, proxy: Proxy | None, seconds: float, listens: tuple[str, ...] = ()
    ) -> Errand:
        identity = await self._identities.of(proxy)
        return Errand(url, identity, proxy, seconds, self._settings.page_mb * MIB, listens)

    async def _by_light(self, errand: Errand, judge: Judge) -> Seen:
        try:
            capture = await self._light.fetch(errand)
        except NoPage as error:
            return Seen(error.refusal, error.capture, None, error.is_proxys)
        return Seen(await judge(capture), capture, None)

    async def _by_browser(self, errand: Errand, judge: Judge) -> Seen:
        try:
            return await self._browser.visit(errand, judge)
        except NoPage as error:
            return Seen(error.refusal, error.capture, None, error.is_proxys)


def _is_settled(visit: Visit) -> bool:
    """Say whether another way could not tell more, or would only make it worse."""
    outcome, status = visit.verdict.outcome, visit.capture.status if visit.capture else None
    return outcome in SETTLED or (outcome is Outcome.BLOCKED and status == TOO_MANY_REQUESTS)


def _judge_of(page: Page, subject: str) -> Judge:
    async def judge(capture: Capture) -> Verdict:
        if capture.status == TOO_MANY_REQUESTS:
            return Refusal(Outcome.BLOCKED, "The site answered 429: it wants no more requests for now.")
        if capture.status >= SERVER_FAULT:
            return Refusal(Outcome.TIMED_OUT, f"The site answered {capture.status}.")
        try:
            return await asyncio.to_thread(page.read, capture, subject)
        except Exception as error:
            log.exception("The reader of %s failed.", page.name, extra={"action": "reader.failed"})
            detail = f"The reader met something that it does not know ({type(error).__name__})."
            return Refusal(Outcome.LAYOUT_CHANGED, detail)

    return judge
