"""Health: alive says nothing of others, ready names who is missing."""

import asyncio

import httpx
import pytest

from console.app import create_app
from resources.backline import Backline
from resources.settings import Settings


def test_alive_is_200(browser):
    assert (browser.get("/healthz").status_code, browser.get("/healthz").json()) == (200, {"status": "alive"})


def test_ready_without_neighbours_configured(browser):
    reply = browser.get("/readyz")
    assert reply.status_code == 200
    assert reply.json() == {
        "database": {"ok": True, "detail": "reachable and migrated"},
        "dagster": {"ok": True, "detail": "not configured"},
        "n8n": {"ok": True, "detail": "not configured"},
    }


@pytest.fixture
def neighbours(backline):
    """Configure Dagster and n8n."""
    backline.settings.dagster_url = "http://dagster:3000/"
    backline.settings.n8n_url = "http://user:canary@n8n:5678"


def test_neighbours_are_asked(browser, fake, neighbours):
    fake.other = {"/server_info": httpx.Response(200, json={}), "/healthz": httpx.Response(404)}
    reply = browser.get("/readyz")
    assert (reply.status_code, reply.json()["n8n"]["detail"]) == (200, "reachable")
    assert {str(request.url.host) for request in fake.seen} == {"dagster", "n8n"}


def test_failing_neighbour_is_named(browser, fake, neighbours):
    fake.other = {"/server_info": httpx.Response(500), "/healthz": httpx.Response(200)}
    reply = browser.get("/readyz")
    assert (reply.status_code, reply.json()["dagster"]) == (503, {"ok": False, "detail": "answers 500"})


def test_unreachable_neighbour_is_named_without_its_address(browser, backline, neighbours):
    def refuse(request):
        raise httpx.ConnectError(f"cannot connect to {request.url}")

    browser.app = create_app(backline, transport=httpx.MockTransport(refuse))
    reply = browser.get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["n8n"] == {"ok": False, "detail": "cannot be reached (ConnectError)"}
    assert "canary" not in reply.text


def test_neighbour_that_hangs_is_not_waited_for(browser, backline, neighbours):
    async def hang(request):
        await asyncio.sleep(60)

    browser.app = create_app(backline, transport=httpx.MockTransport(hang))
    assert browser.get("/readyz").json()["dagster"]["detail"] == "no answer in 2 s"


def test_database_that_is_not_migrated_is_named(browser, tmp_path):
    fresh = Backline(Settings(home=tmp_path / "fresh", dagster_url="", n8n_url=""))
    browser.app = create_app(fresh)
    reply = browser.get("/readyz")
    assert (reply.status_code, "backline db upgrade" in reply.json()["database"]["detail"]) == (503, True)
    page = browser.get("/admin/integrations/providers")
    assert (page.status_code, "backline db upgrade" in page.text) == (503, True)
    fresh.database.close()


def test_database_that_is_away_is_named(browser, tmp_path):
    away = Backline(
        Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path}/no/such/file.db", dagster_url="")
    )
    browser.app = create_app(away)
    reply = browser.get("/readyz")
    assert reply.json()["database"] == {"ok": False, "detail": "cannot be reached (OperationalError)"}
    assert browser.get("/healthz").status_code == 200
