"""One way to many pages: ``python -m benchmarks.pages_way WAY ORIGIN IN_FLIGHT PAGES BROWSER``.

``WAY`` is ``backline`` (a visitor's browser: outcome, evidence, cookies kept), ``light`` (its plain requests)
or ``bare`` (a loop over Playwright: a fresh context a page, the same things blocked, the same binary). Each
says ``ready`` when a few pages have warmed it up, and ``done`` when ``PAGES`` more have come.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Browser, async_playwright
from selectolax.lexbor import LexborHTMLParser

from benchmarks.pages_site import CHANGED_EVERY
from resources.backline import Backline
from resources.migrations import upgrade
from resources.provider import FromConfig, Page, Site
from resources.providers import PROVIDERS
from resources.reading.verdict import Capture, Outcome, Reading, Refusal, Verdict, Way
from resources.records import Record
from resources.scraping.evidence import EvidenceStore
from resources.settings import Settings
from resources.visiting.blocking import blocked_for
from resources.visiting.controls import Controls
from resources.visiting.engine import ARGUMENTS
from resources.visiting.visitor import Visitor

WARM_UP = 8
VALUE = re.compile(r'id="(count|figure)" data-value="(\d+)"')


class Marks:
    """Says when the measuring begins and ends."""

    def __init__(self, pages: int) -> None:
        self._pages, self._seen = pages, 0

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the pages to visit, without end."""
        yield from range(1, 1_000_000)

    def seen(self, number: int, found: int) -> bool:
        """Count a page, which must show its own number; say whether it was the last."""
        if number % CHANGED_EVERY != found:
            raise ValueError(f"page {number} showed {found}")
        self._seen += 1
        if self._seen == WARM_UP:
            print("ready", flush=True)
        if self._seen == WARM_UP + self._pages:
            print("done", flush=True)
            sys.stdin.readline()  # until it is measured
        return self._seen >= WARM_UP + self._pages


class Count(Record):
    """A row of the page."""

    count: int


def read(capture: Capture, subject: str) -> Verdict:
    """Read the page's number, as a reader does: from its structure."""
    node = LexborHTMLParser(capture.body).css_first("p#count")
    value = node.attributes.get("data-value") if node else None
    if value is None or int(value) != int(subject) % CHANGED_EVERY:
        return Refusal(Outcome.LAYOUT_CHANGED, "There is no count.", ("count",))
    return Reading(({"count": int(value)},), "count_2026_11")


async def visits(way: Way, origin: str, in_flight: int, marks: Marks) -> None:
    """Visit pages with a visitor, keeping evidence of those with another layout."""
    page = Page(
        "count_page", "/page/{n}", Count, ("count",), FromConfig("artist_ids", "n"), read, "", "1", (way,)
    )
    provider = replace(PROVIDERS["spotify"], site=Site(origin, (page,)))
    with tempfile.TemporaryDirectory() as home:
        backline = Backline(Settings(home=Path(home)))
        upgrade(backline.database)
        store, numbers = EvidenceStore(backline.settings), marks.numbers()
        async with Visitor(backline, provider, Controls(0, in_flight, 1_000_000), by_hand=True) as visitor:

            async def work() -> None:
                for number in numbers:
                    visit = await visitor.visit(page, str(number))
                    if (number % CHANGED_EVERY == 0) != (visit.verdict.outcome is Outcome.LAYOUT_CHANGED):
                        raise ValueError(f"page {number} came as {visit.verdict}")
                    if isinstance(visit.verdict, Refusal):
                        await asyncio.to_thread(store.keep, visit)
                    if marks.seen(number, number % CHANGED_EVERY):
                        return

            await asyncio.gather(*(work() for _ in range(in_flight)))


async def bare(origin: str, in_flight: int, marks: Marks, binary: str) -> None:
    """Load pages in a loop over Playwright."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=binary, args=list(ARGUMENTS), chromium_sandbox=False
        )
        numbers = marks.numbers()

        async def work() -> None:
            for number in numbers:
                if marks.seen(number, await _loaded(browser, f"{origin}/page/{number}")):
                    return

        await asyncio.gather(*(work() for _ in range(in_flight)))
        await browser.close()


async def _loaded(browser: Browser, url: str) -> int:
    context = await browser.new_context(locale="en-US")
    try:
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("Network.enable", {"maxTotalBufferSize": 0, "maxResourceBufferSize": 0})
        await session.send("Network.setBlockedURLs", {"urls": blocked_for(url)})
        await page.goto(url, wait_until="load")
        found = VALUE.search(await page.content())
        return int(found.group(2)) if found else -1
    finally:
        await context.close()


def main(way: str, origin: str, in_flight: int, pages: int, binary: str) -> None:
    marks = Marks(pages)
    if way == "bare":
        asyncio.run(bare(origin, in_flight, marks, binary))
    else:
        asyncio.run(visits("browser" if way == "backline" else "light", origin, in_flight, marks))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
