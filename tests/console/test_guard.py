"""The guard: headers on every reply, foreign hosts refused, errors that name the cure and show no insides."""

import logging

import pytest

from console.pages import Message, PageError
from console.parts import ConsolePart
from console.rules import PUBLIC
from resources.errors import SealBroken

PAGES = ("/", "/admin/integrations/providers", "/healthz", "/static/console.css", "/no-such-page", "/break")


@pytest.fixture(autouse=True)
def breaking(app):
    """Add an address that breaks, and one that cannot open a secret."""
    for path in ("/break", "/api/v1/break", "/sealed"):
        app.state.rules[f"GET {path}"] = PUBLIC

    @app.get("/break")
    def break_down(_console: ConsolePart) -> None:
        raise RuntimeError("canary-inside")

    @app.get("/api/v1/break")
    def break_api(_console: ConsolePart) -> None:
        raise PageError(409, Message("Taken", "It is taken.", "Take another."))

    @app.get("/sealed")
    def sealed(_console: ConsolePart) -> None:
        raise SealBroken("grants/1", "its key k1 is not among the keys set", "put it back")


@pytest.mark.parametrize("path", PAGES)
def test_every_reply_carries_the_headers(browser, path):
    headers = browser.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; script-src 'none'")
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_forms_may_end_at_ourselves_and_the_providers_alone(browser):
    policy = browser.get("/healthz").headers["content-security-policy"]
    assert policy.endswith(
        "form-action 'self' https://accounts.google.com https://accounts.spotify.com "
        "https://www.instagram.com"
    )


def test_pages_are_kept_by_nobody(browser):
    assert browser.get("/admin/integrations/providers").headers["cache-control"] == "no-store"


def test_fault_of_our_own_shows_no_insides(browser):
    reply = browser.get("/break")
    assert (reply.status_code, "Something in Backline broke" in reply.text) == (500, True)
    assert "canary-inside" not in reply.text
    assert "Traceback" not in reply.text


def test_broken_seal_names_the_cure(browser):
    reply = browser.get("/sealed")
    assert (reply.status_code, "put it back" in reply.text) == (500, True)


def test_unknown_address_gets_a_page(browser):
    reply = browser.get("/admin/nothing")
    assert (reply.status_code, "There is nothing here" in reply.text) == (404, True)


def test_wrong_method_gets_a_page(browser):
    reply = browser.post("/healthz")
    assert (reply.status_code, "not done this way" in reply.text) == (405, True)


def test_programs_get_json(browser):
    assert browser.get("/api/v1/break").json() == {
        "error": {"title": "Taken", "detail": "It is taken.", "cure": "Take another."}
    }
    assert browser.get("/api/v1/nothing").json()["error"]["title"] == "There is nothing here"
    assert browser.get("/api/v1/accounts?page=x").json()["error"]["detail"] == "What is wrong: page."


def test_foreign_host_is_refused(browser):
    reply = browser.get("/admin/integrations/providers", headers={"host": "rebound.example"})
    assert (reply.status_code, "Open http://127.0.0.1:8700" in reply.text) == (421, True)


@pytest.mark.parametrize("host", ["localhost:9000", "[::1]:8700", "127.0.0.1"])
def test_this_machine_may_be_called_by_its_names(browser, host):
    assert browser.get("/admin/integrations/providers", headers={"host": host}).status_code == 200


def test_probe_may_come_under_any_name(browser):
    assert browser.get("/healthz", headers={"host": "10.0.0.7"}).status_code == 200


def test_log_names_the_path_without_its_query(browser, caplog):
    with caplog.at_level(logging.INFO, "console.access"):
        browser.get("/connect/spotify/callback?code=canary&state=canary")
        browser.get("/odd%0Aline")
    assert "GET /connect/spotify/callback 400" in caplog.messages[0]
    assert "GET /odd%0Aline 404" in caplog.messages[1]
