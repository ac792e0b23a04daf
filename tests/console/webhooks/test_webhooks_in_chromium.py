"""The pages of webhooks in a real browser, without JavaScript: they fit, and their buttons work."""

import os
import shutil
import socket
import threading
import time

import httpx
import pytest
import uvicorn

from console.app import create_app

pytestmark = pytest.mark.integration
sync_api = pytest.importorskip("playwright.sync_api")

NAMES = ("chromium", "google-chrome", "chromium-browser")
PAGE = "/admin/integrations/webhooks"
LONGEST_STEP_MS = 10_000


@pytest.fixture
def address(backline, outbox):
    """A console with a broken endpoint, whose receivers answer 404 from now on."""
    number, _ = outbox.add("warehouse", url="https://hooks.receiver.example/a/rather/long/path?source=acme")
    outbox.write(12, "data.synced", hours=1)
    outbox.deliver(broken_hosts={"hooks.receiver.example"})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        backline.settings.public_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(backline, transport=httpx.MockTransport(lambda _: httpx.Response(404)))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield backline.settings.public_url + PAGE, number
        server.should_exit = True
        thread.join()


@pytest.fixture
def browser():
    """A Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on PATH")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


def test_an_endpoint_is_tested_disabled_and_enabled(address, browser, held):
    page, number = address
    tab = browser.new_context(java_script_enabled=False, storage_state=held).new_page()
    tab.set_default_timeout(LONGEST_STEP_MS)
    said = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(page)
    assert "1 endpoint needs somebody" in tab.locator("#summary").inner_text()
    tab.locator(f"#test-{number}").click()
    tab.get_by_role("button", name="Send test").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "The receiver did not take it"
    tab.get_by_role("link", name="Back to webhooks").click()
    tab.locator(f"#disable-{number}").click()
    assert "warehouse is disabled." in tab.get_by_role("status").inner_text()
    tab.locator(f"#enable-{number}").click()
    assert "warehouse is enabled." in tab.get_by_role("status").inner_text()
    tab.get_by_role("link", name="data.synced").first.click()
    tab.get_by_role("button", name="Send again").click()
    assert "It is due again" in tab.get_by_role("status").inner_text()
    assert not [line for line in said if "Content Security Policy" in line]


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_every_page_fits(address, browser, held, width):
    page, number = address
    tab = browser.new_page(viewport={"width": width, "height": 844}, storage_state=held)
    tab.goto(page)
    event = tab.locator(".events th a").first.get_attribute("href")
    origin = page.removesuffix(PAGE)
    for one in (page, f"{page}/types", f"{page}/endpoints/{number}/test", origin + event):
        tab.goto(one)
        assert tab.evaluate("document.documentElement.scrollWidth") == width, one
