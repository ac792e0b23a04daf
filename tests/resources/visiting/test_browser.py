"""The browser way, in a real Chromium, to pages of all manners."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from resources.errors import InputRefused
from resources.reading.verdict import Outcome
from resources.settings import REPOSITORY
from resources.visiting.browser import Browser
from resources.visiting.controls import Controls
from resources.visiting.proxies import Proxy

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("needs_browser")]

MANNERS = {
    "page/5": Outcome.READING,
    "parts": Outcome.READING,
    "needs_script/7": Outcome.READING,
    "feed": Outcome.READING,
    "api/raw": Outcome.READING,
    "hop": Outcome.READING,
    "packed": Outcome.READING,
    "script/talks": Outcome.READING,
    "script/pops": Outcome.READING,
    "script/moves": Outcome.READING,
    "script/works": Outcome.READING,
    "script/leaves-cookie": Outcome.READING,
    "script/agrees": Outcome.LAYOUT_CHANGED,
    "echo": Outcome.LAYOUT_CHANGED,
    "download": Outcome.WRONG_PAGE,
    "status/429": Outcome.BLOCKED,
    "status/503": Outcome.TIMED_OUT,
    "loop": Outcome.TIMED_OUT,
    "cut": Outcome.TIMED_OUT,
    "huge": Outcome.TIMED_OUT,
    "bomb": Outcome.TIMED_OUT,
    "endless": Outcome.TIMED_OUT,
    "drip": Outcome.TIMED_OUT,
    "silent": Outcome.TIMED_OUT,
    "script/spins": Outcome.TIMED_OUT,
    "script/swells": Outcome.TIMED_OUT,
}


SECONDS = 6.0  # what a good page needs on a busy machine, and more


@pytest.fixture(scope="module")
def visited(site, open_home, count_page):
    """All pages visited by one visitor, several at once, and what was asked of the site meanwhile."""
    page, contact = count_page(ways=("browser",)), "ops@acme.example"
    home = open_home(site.origin, page, scraper_contact=contact, page_seconds=SECONDS)
    site.robots = (404, "")
    few = Controls(pause_seconds=0, concurrency=3, daily_pages=1_000)

    async def go():
        async with home.visitor(controls=few) as visitor:
            visits = await asyncio.gather(*(visitor.visit(home.page, subject) for subject in MANNERS))
            return {visit.subject: visit for visit in visits}, visitor.browser_usage

    visits, usage = asyncio.run(go())
    return visits, usage, list(site.asked)


@pytest.mark.parametrize("subject", MANNERS)
def test_every_page_comes_to_its_outcome(visited, subject):
    visits, _, _ = visited
    visit = visits[subject]
    assert (visit.verdict.outcome, visit.way) == (MANNERS[subject], "browser"), visit.verdict
    assert visit.seconds < SECONDS + 8


@pytest.mark.parametrize(
    "subject",
    [one for one, outcome in MANNERS.items() if outcome not in {Outcome.READING, Outcome.TIMED_OUT}],
)
def test_every_whole_page_without_a_reading_is_pictured(visited, subject):
    visits, _, _ = visited
    assert (visits[subject].screenshot or b"").startswith(b"\x89PNG")


def test_pages_that_were_broken_off_are_pictured_where_chromium_still_draws(visited):
    visits, _, _ = visited
    broken_off = [visit for visit in visits.values() if visit.verdict.outcome is Outcome.TIMED_OUT]
    pictured = [visit for visit in broken_off if (visit.screenshot or b"").startswith(b"\x89PNG")]
    assert len(pictured) >= 2


def test_one_browser_shows_all_pages_and_survives_them(visited):
    _, usage, _ = visited
    assert (usage.launches, usage.crashes, usage.pages) == (1, 0, len(MANNERS))
    assert usage.cpu_seconds > 0.5
    assert 50 < usage.peak_rss_mb < 1_500


def test_blocked_parts_are_never_asked_for(visited):
    visits, _, asked = visited
    paths = {path for path, _ in asked}
    assert {"/app.js", "/look.css"} <= paths
    unwanted = (".png", ".woff2", ".mp4", ".mp3", ".ico", "popup", "worker.js")
    assert not [path for path in paths if any(word in path for word in unwanted)]
    assert visits["parts"].verdict.rows == ({"count": 5},)


def test_final_address_and_raw_answers_are_kept(visited, site):
    visits, _, _ = visited
    assert visits["hop"].capture.url == f"{site.origin}/page/8?from=hop#top"
    assert visits["script/moves"].capture.url == f"{site.origin}/page/7"
    assert visits["api/raw"].capture.body == '{"count": 42}'
    assert visits["feed"].capture.body.startswith("<?xml")


def test_endless_pages_end_early_and_fill_no_memory(visited):
    visits, _, _ = visited
    for subject in ("endless", "huge", "script/swells"):
        assert visits[subject].verdict.outcome is Outcome.TIMED_OUT
        assert visits[subject].capture is None or len(visits[subject].capture.body) <= 1024**2


def test_user_agent_hints_and_navigator_agree(visited, needs_browser):
    visits, _, asked = visited
    told = json.loads(visits["script/agrees"].capture.body.partition("<body>")[2].partition("</body>")[0])
    sent = next(headers for path, headers in asked if path == "/echo")
    output = subprocess.run([needs_browser, "--version"], capture_output=True, text=True, check=True).stdout
    version = output.split()[1]
    major = version.partition(".")[0]
    assert sent["user-agent"] == told["agent"]
    assert f"Chrome/{major}.0.0.0" in told["agent"]
    assert told["agent"].endswith("Backline/0.1 (+ops@acme.example)")
    assert "Headless" not in json.dumps([told, sent])
    assert f'"Chromium";v="{major}"' in sent["sec-ch-ua"]
    assert {"brand": "Chromium", "version": version} in told["hints"]["fullVersionList"]
    assert sent["sec-ch-ua-platform"] == f'"{told["hints"]["platform"]}"'
    assert sent["accept-language"] == told["language"] == "en-US"
    assert (told["zone"], told["webdriver"]) == ("America/New_York", True)


def test_answers_that_are_listened_for_are_waited_for(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",), listens=("/api/count",)))

    async def go():
        async with home.visitor() as visitor:
            return await asyncio.gather(
                *(visitor.visit(home.page, subject) for subject in ("script/asks", "script/asks-late"))
            )

    for visit in asyncio.run(go()):
        (answer,) = visit.capture.answers
        assert (answer.status, answer.body) == (200, '{"count": 42}')
        assert "/api/count?x=" in answer.url


def test_page_that_never_asks_is_judged_without_the_answer(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",), listens=("/api/count",)), page_seconds=10)

    async def go():
        async with home.visitor() as visitor:
            return await visitor.visit(home.page, "page/2")

    visit = asyncio.run(go())
    assert (visit.verdict.outcome, visit.capture.answers) == (Outcome.READING, ())


def test_page_that_hoards_memory_harms_no_other(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)), browser_mb=400, page_seconds=12)

    async def go():
        async with home.visitor() as visitor:
            hoard = asyncio.create_task(visitor.visit(home.page, "script/hoards"))
            visits = [await visitor.visit(home.page, f"page/{number}") for number in range(8)]
            return await hoard, visits, visitor.browser_usage

    hoard, visits, usage = asyncio.run(go())
    assert hoard.verdict.outcome in {Outcome.TIMED_OUT, Outcome.READING}
    assert {visit.verdict.outcome for visit in visits} == {Outcome.READING}
    assert usage.peak_rss_mb < 1_200


OTHERS: set[psutil.Process] = set()


@pytest.fixture(autouse=True)
def _others_are_known():
    """Remember whose processes are there already: other tests keep servers."""
    OTHERS.clear()
    OTHERS.update(psutil.Process().children(recursive=True))


def children():
    found = psutil.Process().children(recursive=True)
    return [process for process in found if process not in OTHERS and process.is_running()]


def chromiums():
    return [process for process in children() if "chrom" in process.name()]


def test_browser_killed_under_visits_is_started_anew(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)))

    async def go():
        async with home.visitor() as visitor:
            await visitor.visit(home.page, "page/1")
            visits = [asyncio.create_task(visitor.visit(home.page, "drip")) for _ in range(2)]
            visits.append(asyncio.create_task(visitor.visit(home.page, "script/asks")))
            await asyncio.sleep(0.7)
            for process in chromiums():
                process.send_signal(signal.SIGKILL)
            visits.append(asyncio.create_task(visitor.visit(home.page, "page/6")))
            return await asyncio.gather(*visits), visitor.browser_usage

    visits, usage = asyncio.run(go())
    outcomes = [visit.verdict.outcome for visit in visits]
    assert outcomes == [Outcome.TIMED_OUT, Outcome.TIMED_OUT, Outcome.READING, Outcome.READING]
    assert (usage.launches, usage.crashes, usage.recycles) == (2, 1, 0)


def test_driver_killed_under_a_visit_is_started_anew(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)))

    async def go():
        async with home.visitor() as visitor:
            await visitor.visit(home.page, "page/1")
            visit = asyncio.create_task(visitor.visit(home.page, "drip"))
            await asyncio.to_thread(site.wait_for, 2)
            (engine,) = visitor._browser._engines
            engine._root.kill()
            return await visit, await visitor.visit(home.page, "page/6"), visitor.browser_usage

    dripping, good, usage = asyncio.run(go())
    assert (dripping.verdict.outcome, good.verdict.outcome) == (Outcome.TIMED_OUT, Outcome.READING)
    assert (usage.launches, usage.crashes) == (2, 1)
    assert not children()


def test_visit_cancelled_while_the_browser_starts_leaves_nothing(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)))

    async def go(seconds):
        async with home.visitor() as visitor:
            visit = asyncio.create_task(visitor.visit(home.page, "page/1"))
            await asyncio.sleep(seconds)
            visit.cancel()
            await asyncio.wait({visit})

    for seconds in (0.05, 0.2, 0.5):
        asyncio.run(go(seconds))
        assert not children()


def test_browser_is_renewed_while_visits_are_under_way(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)))

    async def go():
        visitor = home.visitor()
        visitor._browser = Browser(home.backline.settings, most_pages=3)
        async with visitor:
            visits = await asyncio.gather(*(visitor.visit(home.page, f"page/{n}") for n in range(7)))
            return visits, visitor.browser_usage

    visits, usage = asyncio.run(go())
    assert [visit.verdict.rows[0]["count"] for visit in visits] == list(range(7))
    assert (usage.launches, usage.recycles, usage.crashes) == (3, 2, 0)
    assert not children()


def test_cancelled_visit_ends_at_once_and_leaves_nothing(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)), page_seconds=30)

    async def go():
        async with home.visitor() as visitor:
            subjects = ("drip", "silent", "script/spins")
            visits = [asyncio.create_task(visitor.visit(home.page, subject)) for subject in subjects]
            await asyncio.to_thread(site.wait_for, len(subjects))
            await asyncio.sleep(0.3)
            began = time.monotonic()
            for visit in visits:
                visit.cancel()
            await asyncio.gather(*visits, return_exceptions=True)
            seconds = time.monotonic() - began
            (engine,) = visitor._browser._engines
            return seconds, len(engine.chromium.contexts), [visit.cancelled() for visit in visits]

    seconds, contexts, cancelled = asyncio.run(go())
    assert seconds < 2
    assert contexts == 0
    assert cancelled == [True, True, True]
    assert not children()


def test_cookies_are_kept_for_an_identity_and_shared_with_no_other(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)))

    async def visit(*subjects, proxy=None):
        async with home.visitor() as visitor:
            visitor._proxies._proxies = (proxy,) if proxy else ()
            return [await visitor.visit(home.page, subject) for subject in subjects]

    asyncio.run(visit("cookie/first-value", "script/leaves-cookie"))
    site.asked.clear()
    (visit_later,) = asyncio.run(visit("echo"))
    assert site.asked[-1][1]["cookie"] == "visit=first-value; script=from-the-script"
    assert "first-value" in visit_later.secrets
    assert "first-value" not in repr(visit_later)
    stranger = Proxy(f"127.0.0.1:{site.server_port}", 1, site.origin)
    asyncio.run(visit("echo", proxy=stranger))
    assert "cookie" not in site.asked[-1][1]


def test_browser_that_is_missing_is_named_with_its_cure(site, open_home, count_page, tmp_path):
    home = open_home(site.origin, count_page(ways=("browser",)), browser_path=tmp_path / "none")

    async def go():
        async with home.visitor() as visitor:
            await visitor.visit(home.page, "page/1")

    with pytest.raises(InputRefused, match=r"BACKLINE_BROWSER_PATH.*no program.*install"):
        asyncio.run(go())


def test_program_that_is_no_browser_is_refused(site, open_home, count_page):
    home = open_home(site.origin, count_page(ways=("browser",)), browser_path="/bin/true")

    async def go():
        async with home.visitor() as visitor:
            await visitor.visit(home.page, "page/1")

    with pytest.raises(InputRefused, match="does not start"):
        asyncio.run(go())
    assert not children()


ABANDONED = """
import asyncio, sys
from pathlib import Path
from resources.visiting.binary import Sandbox, find_browser
from resources.visiting.engine import Engine
from resources.settings import Settings

async def go():
    settings = Settings()
    engine = await Engine.launch(find_browser(settings), Sandbox(settings), 256)
    page = await engine.chromium.new_page()
    print(*(process.pid for process in engine._processes()), flush=True)
    await asyncio.sleep(60)

asyncio.run(go())
"""


def test_killed_process_leaves_no_browser_behind(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(ABANDONED)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
    ) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
    assert len(pids) > 3
    deadline = time.monotonic() + 10
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if is_alive(pid)]


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
