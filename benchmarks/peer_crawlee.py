"""The same pages by crawlee: ``python peer_crawlee.py SETTING ORIGIN IN_FLIGHT PAGES BROWSER``.

It runs in crawlee's own environment (``crawlee.lock``) and imports nothing of Backline; what the browser is
started with and what it blocks are given in the environment, as JSON. ``SETTING`` is ``shared``, crawlee as
it comes, where all pages share one context, or ``incognito``, where each has its own. It stores in memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from datetime import timedelta

from crawlee import ConcurrencySettings, Request
from crawlee.browsers import BrowserPool, PlaywrightBrowserPlugin
from crawlee.crawlers import PlaywrightCrawler, PlaywrightCrawlingContext, PlaywrightPreNavCrawlingContext
from crawlee.storage_clients import MemoryStorageClient

WARM_UP = 8
VALUE = re.compile(r'id="(count|figure)" data-value="(\d+)"')
ARGUMENTS, PATTERNS = (json.loads(os.environ[name]) for name in ("BENCH_ARGUMENTS", "BENCH_PATTERNS"))


async def main(setting: str, origin: str, in_flight: int, pages: int, binary: str) -> None:
    plugin = PlaywrightBrowserPlugin(
        browser_type="chromium",
        browser_launch_options={
            "executable_path": binary,
            "args": ARGUMENTS,
            "chromium_sandbox": False,
            "headless": True,
        },
        use_incognito_pages=setting == "incognito",
        max_open_pages_per_browser=in_flight,
    )
    crawler = PlaywrightCrawler(
        browser_pool=BrowserPool([plugin]),
        concurrency_settings=ConcurrencySettings(
            min_concurrency=in_flight, max_concurrency=in_flight, desired_concurrency=in_flight
        ),
        storage_client=MemoryStorageClient(),
        max_request_retries=0,
        request_handler_timeout=timedelta(seconds=60),
        configure_logging=False,
    )
    seen, is_measured = 0, asyncio.Event()

    @crawler.pre_navigation_hook
    async def block(context: PlaywrightPreNavCrawlingContext) -> None:
        await context.block_requests(url_patterns=PATTERNS)

    @crawler.router.default_handler
    async def handle(context: PlaywrightCrawlingContext) -> None:
        nonlocal seen
        found = VALUE.search(await context.page.content())
        if not found or int(found.group(2)) != int(context.request.url.rsplit("/", 1)[1]) % 20:
            raise ValueError(context.request.url)
        seen += 1
        if seen == WARM_UP:
            print("ready", flush=True)
        if seen == WARM_UP + pages:
            print("done", flush=True)
            await asyncio.to_thread(sys.stdin.readline)  # until it is measured
            is_measured.set()
        if seen >= WARM_UP + pages:
            await is_measured.wait()

    count = WARM_UP + pages + in_flight
    await crawler.run([Request.from_url(f"{origin}/page/{number}") for number in range(1, count + 1)])


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
