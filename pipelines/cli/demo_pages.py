"""The demo's public pages: visited as fast as they come, those that need a browser where there is one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from pipelines.cli.output import people
from resources.backline import Backline
from resources.provider import Page
from resources.providers import PROVIDERS
from resources.settings import Settings
from resources.visiting.binary import find_browser
from resources.visiting.controls import configure


def scrape_all(backline: Backline, run: Callable[..., None]) -> None:
    """Visit the simulated public pages, as fast as they come; with the browser where one can be had."""
    if find_browser(backline.settings) is None:
        people.print("No browser is installed; asking Playwright for one.")
        install = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
        subprocess.run(install, check=False)  # noqa: S603  # without one the summary says what is skipped
    for provider in PROVIDERS.values():
        if provider.site is not None:
            configure(backline.database, provider, "demo", {"pause_seconds": "0", "concurrency": "4"})
            kinds = [page.name for page in provider.pages if can_visit(backline.settings, page)]
            if kinds:
                run("scrape", provider.name, *kinds)


def can_visit(settings: Settings, page: Page) -> bool:
    """Say whether a kind of page can be read here: some are without a browser, some are not."""
    return "light" in page.ways or find_browser(settings) is not None
