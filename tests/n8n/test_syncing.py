"""What a sync tells arrives in a real n8n: one successful execution an event, by the event's own id."""

import asyncio
import time

import httpx
import pytest

from pipelines.n8n_server import Execution, N8nServer
from resources.accounts import connect, parse_import_line
from resources.backline import Backline
from resources.delivery.dispatcher import LONGEST_ROUND_SECONDS, Dispatcher
from resources.migrations import upgrade
from resources.n8n import view_in_n8n
from resources.providers import PROVIDERS
from resources.settings import Settings
from resources.sync.engine import SyncEngine
from resources.sync.request import SyncRequest
from resources.vault import signing_secrets_text

pytestmark = [
    pytest.mark.integration,
    pytest.mark.webhooks,
    pytest.mark.timeout(600),
]

ORGS = 3
LINE = (
    '{{"org": "org-{number}", "provider": "spotify", "external_id": "user-{number}", '
    '"grant": {{"access_token": "token-{number}"}}}}'
)


def answer(request: httpx.Request) -> httpx.Response:
    """A Spotify that knows three people; the last one's library breaks."""
    if request.url.path.endswith("/tracks") and request.headers["authorization"].endswith("-2"):
        return httpx.Response(418, json={"error": {"status": 418, "message": "teapot"}})
    if request.url.path.endswith("/me"):
        return httpx.Response(200, json={"id": request.headers["authorization"][-6:]})
    return httpx.Response(200, json={"items": [], "next": None, "total": 0})


def events_of(executions: tuple[Execution, ...]) -> dict[str, int]:
    """Count the executions that did their work, by event id."""
    counts: dict[str, int] = {}
    for execution in executions:
        if execution.worked and execution.event:
            counts[execution.event["id"]] = counts.get(execution.event["id"], 0) + 1
    return counts


def wait_for(n8n: N8nServer, expected: set[str]) -> dict[str, int]:
    until = time.monotonic() + 60
    while True:
        worked = {name: count for name, count in events_of(n8n.executions()).items() if name in expected}
        if worked.keys() == expected or time.monotonic() > until:
            return worked
        time.sleep(0.5)


def test_a_syncs_events_are_successful_executions_each_once(n8n: N8nServer, tmp_path) -> None:
    settings = Settings(
        home=tmp_path,
        n8n_url=n8n.url,
        n8n_signing_secrets=signing_secrets_text(n8n.settings),
        database_url="",
    )
    backline, spotify = Backline(settings), PROVIDERS["spotify"]
    upgrade(backline.database)
    with backline.database.write() as connection:
        for number in range(ORGS):
            connect(backline, parse_import_line(LINE.format(number=number)), "test", connection)
    streams = spotify.selected(("profile", "saved_tracks"))
    request = SyncRequest(spotify, streams, run_id="run-1", root_run_id="run-1")
    report = asyncio.run(SyncEngine(backline, request, transport=httpx.MockTransport(answer)).run())
    assert report.events == ORGS + 1, "a data.synced for each org, and an error.occurred for the broken one"
    delivered = asyncio.run(Dispatcher(backline).deliver_due(LONGEST_ROUND_SECONDS))
    assert (delivered.delivered, delivered.retried) == (ORGS + 1, 0)
    with backline.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT id, status, event_type FROM webhook_events").all()
        excerpts = connection.exec_driver_sql("SELECT response_excerpt FROM webhook_attempts").scalars().all()
    assert {row.status for row in rows} == {"delivered"}
    assert len({view_in_n8n(n8n.url, excerpt) for excerpt in excerpts} - {None}) == ORGS + 1, (
        "a link for each"
    )
    assert wait_for(n8n, {row.id for row in rows}) == {row.id: 1 for row in rows}
