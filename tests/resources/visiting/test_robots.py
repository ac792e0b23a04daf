"""robots.txt: what allows, what forbids, what is asked again."""

from __future__ import annotations

import asyncio

import pytest

from resources.reading.verdict import Outcome
from resources.visiting.robots import Robots, RobotsFile

URL = "https://acme.example/artist/7"


class Source:
    """A robots.txt that changes; ``asked`` are the addresses it was asked under."""

    def __init__(self, status, text=""):
        self.file, self.asked = RobotsFile(status, text), []

    async def __call__(self, url):
        """Answer."""
        self.asked.append(url)
        await asyncio.sleep(0)
        return self.file


def ruling(source, url=URL, robots=None):
    return asyncio.run((robots or Robots()).ruling(url, source))


@pytest.mark.parametrize("status", [404, 403, 401, 410])
def test_site_without_a_file_allows_everything(status):
    assert ruling(Source(status, "User-agent: *\nDisallow: /")).refusal is None


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("User-agent: *\nDisallow: /artist/", False),
        ("User-agent: *\nDisallow: /artist/\nAllow: /artist/7", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Backline\nAllow: /", True),
        ("User-agent: backline\nDisallow: /", False),
        ("User-agent: Googlebot\nDisallow: /", True),
        ("\x00 not a robots file <html>", True),
    ],
)
def test_rules_hold_for_our_name(text, is_allowed):
    refusal = ruling(Source(200, text)).refusal
    assert (refusal is None) == is_allowed
    if refusal:
        assert (refusal.outcome, "robots.txt forbids" in refusal.detail) == (Outcome.BLOCKED, True)


@pytest.mark.parametrize(("status", "words"), [(503, "answered 503"), (None, "is not to be had")])
def test_site_out_of_order_forbids_for_now(status, words):
    refusal = ruling(Source(status)).refusal
    assert refusal.outcome is Outcome.TIMED_OUT
    assert words in refusal.detail


def test_429_is_a_block():
    assert ruling(Source(429)).refusal.outcome is Outcome.BLOCKED


@pytest.mark.parametrize(("asked_for", "obeyed"), [("7", 7), ("3600", 60), ("x", 0)])
def test_crawl_delay_is_the_least_pause_up_to_a_minute(asked_for, obeyed):
    assert ruling(Source(200, f"User-agent: *\nCrawl-delay: {asked_for}")).delay_seconds == obeyed


def test_file_is_asked_once_a_day_by_all_and_sooner_where_it_was_not_there():
    async def go():
        now = [0.0]
        robots, good, bad = Robots(lambda: now[0]), Source(200), Source(503)
        await asyncio.gather(*(robots.ruling(URL, good) for _ in range(5)))
        await robots.ruling("http://other.example/x", bad)
        for now[0] in (100.0, 400.0, 90_000.0):
            await robots.ruling(URL, good)
            await robots.ruling("http://other.example/x", bad)
        return good.asked, bad.asked

    good, bad = asyncio.run(go())
    assert good == ["https://acme.example/robots.txt"] * 2
    assert bad == ["http://other.example/robots.txt"] * 3
