"""The browser of a run: started when it is first needed, watched, renewed, and never shared by two pages.

Each visit has a context of its own with its identity's cookies. A browser that ends under a visit is
started anew and the visit made once more; one that holds too much memory, or has shown many pages, is
renewed when its last visit ends, while new visits are already made in the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import BrowserContext, Error, ProxySettings

from resources.errors import InputRefused
from resources.settings import Settings
from resources.visiting.binary import CURE, FIELD, Sandbox, find_browser
from resources.visiting.engine import MIB, Engine, EngineLost
from resources.visiting.errand import Errand, NoPage
from resources.visiting.proxies import Proxy
from resources.visiting.tab import Judge, Seen, Tab

MOST_PAGES = 500
"""Pages that one browser shows before it is renewed."""
WATCH_SECONDS = 2.0
LONGEST_CONTEXT_CLOSE_SECONDS = 1.5
DEATH_IS_KNOWN_SECONDS = 0.3
LONGEST_LAST_WORDS_SECONDS = 2.0
MOST_TRIES = 2
KILLED_ABOVE = 2
"""Times the memory allowed, above which visits under way are no reason to wait."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BrowserUsage:
    """What the browsers of a run did and took; all their processes, shared memory counted once."""

    launches: int = 0
    crashes: int = 0
    recycles: int = 0
    peak_rss_mb: float = 0.0
    cpu_seconds: float = 0.0
    pages: int = 0


class Browser:
    """Makes visits in a Chromium that it starts, renews and ends."""

    def __init__(self, settings: Settings, *, most_pages: int = MOST_PAGES) -> None:
        self._settings, self._most_pages = settings, most_pages
        self._sandbox = Sandbox(settings)
        self._engine: Engine | None = None
        self._engines: set[Engine] = set()
        self._starting = asyncio.Lock()
        self._chores: set[asyncio.Task[None]] = set()
        self._launches: set[asyncio.Task[Engine]] = set()
        self._counts = {"launches": 0, "crashes": 0, "recycles": 0, "pages": 0}
        self._peak_bytes, self._past_cpu_seconds = 0, 0.0

    @property
    def usage(self) -> BrowserUsage:
        """What was used so far."""
        for engine in self._engines:
            self._peak_bytes = max(self._peak_bytes, engine.measure())
        seconds = self._past_cpu_seconds + sum(engine.cpu_seconds for engine in self._engines)
        return BrowserUsage(
            **self._counts, peak_rss_mb=round(self._peak_bytes / MIB, 1), cpu_seconds=round(seconds, 2)
        )

    async def visit(self, errand: Errand, judge: Judge) -> Seen:
        """Show a page and judge it; raise ``InputRefused`` where no browser is found or none starts.

        Raise :class:`NoPage` where the browser ended under the page again and again.
        """
        for _ in range(MOST_TRIES):
            engine = await self._acquire()
            try:
                return await self._visit_in(engine, errand, judge)
            except EngineLost:
                log.warning("The browser ended under a page.", extra={"action": "browser.lost"})
            finally:
                self._release(engine)
        raise NoPage(f"The page, or the browser under it, ended {MOST_TRIES} times.")

    async def aclose(self) -> None:
        """End every browser, also one that is just starting; nothing of them is left."""
        await asyncio.gather(*self._launches, return_exceptions=True)
        self._engine = None
        for engine in list(self._engines):
            await self._end(engine)
        for chore in list(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    async def _visit_in(self, engine: Engine, errand: Errand, judge: Judge) -> Seen:
        """Visit in one browser; raise ``EngineLost`` where that ends, whether Playwright notices or not."""
        visit = asyncio.create_task(self._seen_in(engine, errand, judge))
        loss = asyncio.create_task(engine.until_lost())
        try:
            await asyncio.wait({visit, loss}, return_when=asyncio.FIRST_COMPLETED)
            if loss.done():
                await asyncio.wait({visit}, timeout=LONGEST_LAST_WORDS_SECONDS)
            if not visit.done():
                raise EngineLost
            return visit.result()
        finally:
            await _ended(visit, loss)

    async def _seen_in(self, engine: Engine, errand: Errand, judge: Judge) -> Seen:
        try:
            async with _context(engine, errand) as context:
                tab = await Tab.open(context, errand)
                seen = await tab.see(judge)
                errand.identity.take(await context.cookies())
                return seen
        except Error as error:
            await asyncio.sleep(DEATH_IS_KNOWN_SECONDS)
            if engine.is_lost or "closed" in error.message.lower():
                raise EngineLost from error
            detail = f"The browser could not show the page ({error.message.splitlines()[0]})."
            raise NoPage(detail) from error

    async def _acquire(self) -> Engine:
        """Return a browser that is fit for a further visit, started where there is none."""
        async with self._starting:
            engine = self._engine
            if engine is not None and engine.is_lost:
                self._count_loss(engine)
            if engine is None or engine.is_retired:
                engine = await self._launched()
            engine.visits += 1
            engine.pages += 1
            self._counts["pages"] += 1
            if engine.pages >= self._most_pages:
                self._retire(engine)
            return engine

    def _release(self, engine: Engine) -> None:
        engine.visits -= 1
        if engine.is_lost:
            self._count_loss(engine)
        if engine.is_retired and not engine.visits:
            self._keep(self._end(engine))

    async def _launched(self) -> Engine:
        """Start a browser, and go on starting it where the visit that wants it is cancelled."""
        launch = asyncio.create_task(self._launch())
        self._launches.add(launch)
        launch.add_done_callback(self._launches.discard)
        launch.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(launch)

    async def _launch(self) -> Engine:
        binary = find_browser(self._settings)
        if binary is None:
            raise InputRefused(FIELD, "no browser is set, and none is found", CURE)
        engine = await Engine.launch(binary, self._sandbox, max(self._settings.browser_mb // 2, 128))
        self._counts["launches"] += 1
        self._engines.add(engine)
        self._engine = engine
        self._keep(self._watch(engine))
        return engine

    async def _watch(self, engine: Engine) -> None:
        """Look at a browser's memory until it ends."""
        allowed = self._settings.browser_mb * MIB
        while engine in self._engines:
            held = await asyncio.to_thread(engine.measure)
            self._peak_bytes = max(self._peak_bytes, held)
            if held > KILLED_ABOVE * allowed:
                text = "A page made the browser hold %d MiB; it is ended at once."
                log.warning(text, held // MIB, extra={"action": "browser.killed"})
                engine.kill()
            elif held > allowed:
                self._retire(engine)
                if not engine.visits:
                    self._keep(self._end(engine))
            await asyncio.sleep(WATCH_SECONDS)

    def _retire(self, engine: Engine) -> None:
        """Make no further visit in a browser."""
        if not engine.is_retired:
            engine.is_retired = True
            self._counts["recycles"] += 1

    def _count_loss(self, engine: Engine) -> None:
        if not engine.is_retired:
            engine.is_retired = True
            self._counts["crashes"] += 1

    async def _end(self, engine: Engine) -> None:
        if engine in self._engines:
            await engine.close()
            self._engines.discard(engine)
            self._past_cpu_seconds += engine.cpu_seconds
            self._peak_bytes = max(self._peak_bytes, engine.peak_bytes)

    def _keep(self, work: Any) -> None:
        """Do something on the side, and hold on to it until it is done."""
        chore = asyncio.create_task(work)
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """End tasks whose results are no longer wanted."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _context(engine: Engine, errand: Errand) -> AsyncIterator[BrowserContext]:
    """Open a context as the identity, and close it, also where the visit is cancelled."""
    opening = asyncio.create_task(_open(engine, errand))
    try:
        context = await asyncio.shield(opening)
        cookies: Any = errand.identity.cookies()  # Playwright's type for them is not public
        if cookies:
            await context.add_cookies(cookies)
        yield context
    finally:
        try:
            await asyncio.wait_for(_close(opening), LONGEST_CONTEXT_CLOSE_SECONDS)
        except TimeoutError:
            engine.is_retired = True  # whatever hangs in it ends with it


async def _open(engine: Engine, errand: Errand) -> BrowserContext:
    trait, identity = errand.identity.trait, errand.identity
    return await engine.chromium.new_context(
        user_agent=identity.agent.user_agent,
        locale=trait.locale,
        timezone_id=trait.time_zone,
        viewport={"width": trait.width, "height": trait.height},
        accept_downloads=False,
        service_workers="block",
        proxy=_playwright_proxy(errand.proxy),
    )


async def _close(opening: asyncio.Task[BrowserContext]) -> None:
    with contextlib.suppress(Error):  # it did not open, or its browser is gone
        context = await opening
        await context.close()


def _playwright_proxy(proxy: Proxy | None) -> ProxySettings | None:
    if proxy is None:
        return None
    settings = ProxySettings(server=proxy.server)
    if proxy.username is not None:
        settings |= ProxySettings(server=proxy.server, username=proxy.username, password=proxy.password or "")
    return settings
