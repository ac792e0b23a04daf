"""The page of scrapers in a real browser: followed live, by keyboard, on a telephone; its evidence inert."""

import os
import shutil
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import uvicorn

from resources.database import utc_now
from resources.tables import ScraperJob

pytestmark = pytest.mark.integration
sync_api = pytest.importorskip("playwright.sync_api")

NAMES = ("chromium", "google-chrome", "chromium-browser")
PAGE = "/admin/integrations/scrapers"
LONGEST_STEP_MS, VISIBLE_WITHIN_MS = 10_000, 3_000
HOSTILE = """<!doctype html><meta http-equiv="refresh" content="0;url={foreign}/">
<link rel="preconnect" href="{foreign}/"><style>@import "{foreign}/a.css";
body {{ background: url({foreign}/b.png) }}</style><script>document.title = "taken"</script>
<img src="{foreign}/c.png" onerror="top.location = '{foreign}/'"><p>As it stood</p>
<a href="{foreign}/d" target="_top">Leave</a><form action="{foreign}/e"><button>Send</button></form>"""


@contextmanager
def served(app):
    """Serve the console from a thread; give its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + LONGEST_STEP_MS / 1000
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def address(app):
    """Where the console is."""
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    """A Chromium."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on PATH")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def foreign():
    """Another host that remembers who connected; its address and those."""
    connected = []

    class Remembering(BaseHTTPRequestHandler):
        def setup(self):
            connected.append(self.client_address)
            super().setup()

        def log_message(self, *arguments):
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Remembering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}", connected
        server.shutdown()


class Watched:
    """A tab, what its console said, and what it asked of other hosts."""

    def __init__(self, chromium, address, **options):
        self.address, self.said, self.foreign = address, [], []
        self.tab = chromium.new_context(**options).new_page()
        self.tab.set_default_timeout(LONGEST_STEP_MS)
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("requestfinished", self._note)

    def _note(self, request):
        if not request.url.startswith(self.address):
            self.foreign.append(request.url)

    def open(self, path=PAGE):
        """Go to a page."""
        self.tab.goto(self.address + path)
        return self.tab

    def assert_quiet(self):
        """Nothing was said, and nobody else was asked."""
        assert (self.said, self.foreign) == ([], [])


@pytest.fixture
def watched(chromium, address, held):
    """A way to open tabs."""
    tabs = []

    def open_tab(**options):
        tabs.append(Watched(chromium, address, storage_state=held, **options))
        return tabs[-1]

    yield open_tab
    for one in tabs:
        one.tab.context.close()


@pytest.fixture
def running(scraped, ago):
    """A job that runs."""
    results = {"total": 40, "done": 4, "outcomes": {"reading": 4}}
    times = {"started_at": ago(seconds=9), "heartbeat_at": utc_now()}
    return scraped.job("running", results=results, run_id="run-1", **times)


def seed(scraped, foreign="http://evil.test"):
    """Store one of each; return the visit with evidence, whose document wants to reach another host."""
    scraped.health(
        status="error", metadata={"reason": "blocked grew.", "outcomes": {"reading": 1, "blocked": 9}}
    )
    scraped.job("failed", error_message="no-space-to-break-" * 12)
    visit = scraped.visit("layout_changed", subject="s" * 90, detail="d" * 300, missing=["followers"])
    scraped.evidence(visit, HOSTILE.format(foreign=foreign) + "w" * 400)
    return visit


def test_progress_is_seen_without_a_reload(watched, running, scraped):
    seen = watched()
    tab = seen.open()
    tab.evaluate("window.before = true")
    tab.get_by_text("4 of 40 pages").wait_for()
    scraped.change(running, results={"total": 40, "done": 31, "outcomes": {"reading": 30, "blocked": 1}})
    tab.get_by_text("31 of 40 pages").wait_for(timeout=VISIBLE_WITHIN_MS)
    scraped.change(running, status="completed", completed_at=utc_now())
    tab.get_by_text("Completed").wait_for(timeout=VISIBLE_WITHIN_MS)
    assert tab.evaluate("window.before")
    seen.assert_quiet()


def test_progress_is_seen_where_scripts_are_off(watched, running, scraped):
    tab = watched(java_script_enabled=False).open()
    scraped.change(running, results={"total": 40, "done": 31, "outcomes": {}})
    tab.get_by_text("31 of 40 pages").wait_for(timeout=VISIBLE_WITHIN_MS + 2_000)


def test_focus_stays_where_it_was_when_a_part_is_replaced(watched, running, scraped):
    tab = watched().open()
    tab.get_by_role("button", name="Stop").focus()
    scraped.change(running, results={"total": 40, "done": 31, "outcomes": {}})
    tab.get_by_text("31 of 40 pages").wait_for()
    assert tab.evaluate("document.activeElement.id") == f"stop-{running}"


def test_console_that_does_not_answer_is_told(watched):
    seen = watched()
    tab = seen.open()
    tab.route("**/scrapers", lambda route: route.abort())
    tab.get_by_text("The console does not answer.").wait_for()
    tab.unroute("**/scrapers")
    tab.get_by_text("The console does not answer.").wait_for(state="hidden")


def test_buttons_do_what_they_say_by_keyboard(watched, scraped):
    seen = watched()
    tab = seen.open()
    tab.get_by_role("button", name="Start Spotify, all pages").press("Enter")
    tab.get_by_role("button", name="Stop Spotify").press("Enter")
    tab.get_by_text("stopped; what was read before stays").wait_for()
    assert scraped.one(ScraperJob).status == "cancelled"
    tab.get_by_role("button", name="Pause Spotify").press("Enter")
    tab.get_by_text("No scrape of Spotify begins").wait_for()
    tab.get_by_role("button", name="Resume Spotify").press("Enter")
    tab.get_by_role("link", name="Configure Spotify").press("Enter")
    tab.get_by_label("Pages at once").fill("99")
    tab.get_by_role("button", name="Save").press("Enter")
    assert "99 is out of range" in tab.get_by_role("alert").inner_text()
    tab.get_by_label("Pages at once").fill("1")
    tab.get_by_role("button", name="Save").press("Enter")
    tab.get_by_text("Spotify is configured.").wait_for()
    assert [said for said in seen.said if "422" not in said] == []


def press_everything(frame):
    """Press what there is in the framed document."""
    frame.get_by_text("As it stood").wait_for()
    frame.get_by_text("Leave").click()
    frame.get_by_role("button", name="Send").click()


def test_hostile_evidence_runs_nothing_and_asks_nobody(watched, scraped, foreign):
    elsewhere, connected = foreign
    seen = watched()
    tab = seen.open(f"{PAGE}/evidence/{seed(scraped, elsewhere)}")
    press_everything(tab.frame_locator("iframe.exhibit"))
    tab.wait_for_timeout(500)
    assert connected == []
    assert [one.url for one in tab.frames] == [tab.url, f"{tab.url}/page.html"]
    assert tab.title().startswith("Evidence of")
    assert all("Content Security Policy" in said or "sandboxed" in said for said in seen.said)


def test_hostile_evidence_that_is_opened_outside_its_frame_asks_nobody(watched, scraped, foreign):
    elsewhere, connected = foreign
    tab = watched().open(f"{PAGE}/evidence/{seed(scraped, elsewhere)}/page.html")
    press_everything(tab)
    tab.wait_for_timeout(500)
    assert connected == []
    assert tab.title() == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_fits_and_is_quiet(watched, running, scraped, width, scheme):
    visit = seed(scraped)
    quiet = watched(viewport={"width": width, "height": 844}, color_scheme=scheme)
    for path in ("", "?outcome=gone", "/spotify/start", "/spotify/configure"):
        quiet.open(PAGE + path)
        assert quiet.tab.evaluate("document.documentElement.scrollWidth") == width
    quiet.assert_quiet()
    evidence = watched(viewport={"width": width, "height": 844}, color_scheme=scheme).open(
        f"{PAGE}/evidence/{visit}"
    )
    evidence.get_by_text("Source,").click()
    assert evidence.evaluate("document.documentElement.scrollWidth") == width
