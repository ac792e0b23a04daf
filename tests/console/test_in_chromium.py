"""The whole way in a real browser: connect at the simulator, test, decline, disconnect."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from resources.settings import REPOSITORY

pytestmark = pytest.mark.integration
sync_api = pytest.importorskip("playwright.sync_api")

NAMES = ("chromium", "google-chrome", "chromium-browser")
SERVE = (
    "from console.server import serve; from resources.backline import Backline; serve(Backline(), port={})"
)
MIGRATE = (
    "from resources import migrations; from resources.backline import Backline; "
    "migrations.upgrade(Backline().database)"
)
LONGEST_START_SECONDS, LONGEST_STEP_MS = 30, 10_000


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@contextmanager
def running(arguments, address, log, environment):
    """Run a server until the end of the block, having waited until it answers."""
    with log.open("wb") as output:
        command = [sys.executable, *arguments]
        server = subprocess.Popen(command, env=environment, cwd=log.parent, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + LONGEST_START_SECONDS
        while not answers(address):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(10)


def answers(address):
    try:
        return httpx.get(f"{address}/healthz").is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def executable():
    """The path of a Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on PATH")
    return found


@pytest.fixture
def console(tmp_path):
    """A console and a simulator; the simulator's consent page is another site, as the real one is."""
    here, there = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    port = there.rpartition(":")[2]
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "BACKLINE_HOME": str(tmp_path / "home"),
        "BACKLINE_PUBLIC_URL": here,
        "BACKLINE_SPOTIFY_CLIENT_ID": "simulator-client",
        "BACKLINE_SPOTIFY_CLIENT_SECRET": "simulator-secret",
        "BACKLINE_SPOTIFY_API_URL": f"{there}/spotify/v1",
        "BACKLINE_SPOTIFY_TOKEN_URL": f"{there}/spotify/api/token",
        "BACKLINE_SPOTIFY_AUTHORIZE_URL": f"http://localhost:{port}/spotify/authorize",
    }
    subprocess.run([sys.executable, "-c", MIGRATE], env=environment, cwd=tmp_path, check=True)
    serve = SERVE.format(here.rpartition(":")[2])
    with ExitStack() as servers:
        simulator = ("-m", "simulator", "--port", port, "--accounts", "20")
        servers.enter_context(running(simulator, there, tmp_path / "simulator.log", environment))
        servers.enter_context(running(("-c", serve), here, tmp_path / "console.log", environment))
        yield first_link(tmp_path / "console.log")


def first_link(log):
    """Return the one-time link that the console printed."""
    return re.search(r"http\S+/enter\?link=\S+", log.read_text())[0]


def enter(tab, console):
    """Go in by the link of the first start, without a password."""
    tab.goto(console)
    tab.get_by_role("button", name="Go in").click()
    tab.wait_for_url("**/admin/integrations/providers")


@pytest.fixture
def browser(executable):
    """A Chromium."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser):
    """A tab that runs no JavaScript, as the console needs none."""
    tab = browser.new_context(java_script_enabled=False).new_page()
    tab.set_default_timeout(LONGEST_STEP_MS)
    return tab


def connect(tab, decision):
    """Go from the card to the provider, decide there, come back."""
    tab.get_by_label("Org").first.fill("acme")
    tab.get_by_role("button", name="Connect Spotify").click()
    tab.wait_for_url("http://localhost:*/spotify/authorize?*")
    tab.get_by_role("button", name=decision).click()


def test_account_is_connected_tested_and_disconnected(console, tab, tmp_path):
    said = []
    tab.on("console", lambda message: said.append(message.text))
    enter(tab, console)
    connect(tab, "Agree")
    tab.wait_for_url("**/admin/integrations/providers?connected=*")
    assert "is connected to acme" in tab.get_by_role("status").inner_text()

    tab.get_by_role("button", name="Test ").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "The grant works"

    tab.get_by_role("link", name="Back to integrations").click()
    tab.get_by_role("link", name="Disconnect ").click()
    tab.get_by_role("button", name="Disconnect").click()
    assert "is disconnected" in tab.get_by_role("status").inner_text()
    assert not [line for line in said if "Content Security Policy" in line]

    log = (tmp_path / "console.log").read_text()
    assert "GET /connect/spotify/callback 303" in log
    assert "code=" not in log
    assert "state=" not in log


def test_declined_consent_comes_back_to_a_friendly_page(console, tab):
    enter(tab, console)
    connect(tab, "Cancel")
    tab.wait_for_url("**/connect/spotify/callback?*")
    assert tab.get_by_role("heading", level=1).inner_text() == "You did not give access"
    tab.get_by_role("link", name="Connect Spotify again").click()
    assert tab.get_by_label("Org that").input_value() == "acme"


def test_page_fits_a_telephone(console, browser):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    enter(tab, console)
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
