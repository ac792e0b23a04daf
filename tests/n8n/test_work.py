"""What a real n8n does with each event: its data tables, its call back, and your own steps."""

import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from pipelines.n8n_server import N8nServer
from resources.signing import parse_secrets
from resources.vault import signing_secrets_text
from tests.n8n.sending import TYPES, deliver, example

pytestmark = [pytest.mark.integration, pytest.mark.webhooks, pytest.mark.timeout(600)]

ACCOUNTED = ("provider-event", "error-alerts")
Rows = Callable[[str], list[dict[str, Any]]]
Eventually = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def change(n8n: N8nServer) -> Callable[..., None]:
    """Return how an event's rows of a data table are changed, as if n8n had been killed at its work."""

    def change(table: str, event: str, **values: Any) -> None:
        database = n8n.home / "user" / ".n8n" / "database.sqlite"
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            (found,) = connection.execute("select id from data_table where name = ?", [table]).fetchone()
            columns = ", ".join(f"{name} = ?" for name in values)
            update = f'update "data_table_user_{found}" set {columns} where event_id = ?'
            connection.execute(update, [*values.values(), event])

    return change


def with_payload(path: str, **changed: Any) -> dict[str, Any]:
    body = example(path)
    return {**body, "payload": {**body["payload"], **changed}}


def test_repeated_alert_is_counted_and_keeps_one_row(
    n8n: N8nServer, rows: Rows, eventually: Eventually
) -> None:
    """The same account and error is one row with a count; another error of the account is another row."""
    account = str(uuid.uuid4())

    def alerts(error: str) -> list[dict[str, Any]]:
        return [row for row in rows("backline_alerts") if (row["account"], row["kind"]) == (account, error)]

    for count in (1, 2, 3):
        body = with_payload("error-alerts", accountId=account, error="grant_expired")
        answers = [deliver(n8n, "error-alerts", body).status_code for _ in range(2)]
        assert answers == [202, 200], "a repeat of the event itself is no second alert"
        eventually(lambda count=count: [row["count"] for row in alerts("grant_expired")] == [count])
    deliver(n8n, "error-alerts", with_payload("error-alerts", accountId=account, error="internal"))
    (internal,) = eventually(lambda: alerts("internal"))
    assert (internal["severity"], internal["count"], internal["cure"]) == (
        "critical",
        1,
        body["payload"]["cure"],
    )
    assert alerts("grant_expired")[0]["severity"] == "action"


@pytest.mark.parametrize("path", TYPES)
def test_work_that_was_cut_off_is_taken_over_and_doubles_nothing(
    path: str, n8n: N8nServer, console, rows: Rows, change: Callable[..., None]
) -> None:
    """As long as the id is held, a retry has to wait; after that it does the work, once in all."""
    account = str(uuid.uuid4())
    body = with_payload(path, accountId=account) if path in ACCOUNTED else example(path)
    assert deliver(n8n, path, body).status_code == 202
    in_a_minute, long_ago = (time.time() + 60) * 1000, (time.time() - 1) * 1000
    change("backline_receipts", body["id"], done=None, held_until=in_a_minute)
    waiting = deliver(n8n, path, body)
    assert (waiting.status_code, waiting.json()["ok"]) == (409, False)
    assert 50 <= int(waiting.headers["retry-after"]) <= 60
    change("backline_receipts", body["id"], done=None, held_until=long_ago)
    assert [deliver(n8n, path, body).status_code for _ in range(2)] == [202, 200]
    for table in ("backline_synced", "backline_scraped"):
        assert len([row for row in rows(table) if row["event_id"] == body["id"]]) <= 1
    assert [row["count"] for row in rows("backline_alerts") if row["account"] == account] in ([], [1])
    calls = {call.headers["webhook-id"] for call in console.calls if account in call.body.decode()}
    assert calls in (set(), {f"sync_{body['id']}"}), "the same call twice is one for Backline"


def test_synced_counts_are_appended_by_day(n8n: N8nServer, rows: Rows, eventually: Eventually) -> None:
    """Each run of an org is a row with its day and numbers, as in a sheet."""
    body = example("data-sync")
    assert [deliver(n8n, "data-sync", body).status_code for _ in range(2)] == [202, 200]
    (row,) = eventually(lambda: [row for row in rows("backline_synced") if row["event_id"] == body["id"]])
    assert (row["day"], row["provider"], row["org"]) == ("2026-11-23", "spotify", body["orgId"])
    assert (row["accounts_synced"], row["accounts_failed"], row["records"], row["deleted"]) == (12, 1, 880, 3)


def test_scrape_outcomes_are_appended(n8n: N8nServer, rows: Rows, eventually: Eventually) -> None:
    """Each run of an org's pages is a row."""
    body = example("scraper-results")
    deliver(n8n, "scraper-results", body)
    (row,) = eventually(lambda: [row for row in rows("backline_scraped") if row["event_id"] == body["id"]])
    assert json.loads(row["outcomes"]) == body["payload"]["outcomes"]
    assert (row["pages_read"], row["pages_failed"]) == (95, 5)


def test_connected_account_is_synced_at_once(n8n: N8nServer, console, eventually: Eventually) -> None:
    """A new account leads to a signed call for its sync, once, under an id that follows from the event's."""
    account = str(uuid.uuid4())
    body = with_payload("provider-event", accountId=account)
    for _ in range(2):
        deliver(n8n, "provider-event", body)
    call = eventually(lambda: next((c for c in console.calls if account in c.body.decode()), None))
    assert call.path == "/hooks/n8n"
    assert call.headers["webhook-id"] == f"sync_{body['id']}"
    assert call.asked["type"] == "sync.requested"
    assert call.asked["data"] == {"provider": body["provider"], "accounts": [account]}
    assert call.asked["timestamp"].endswith("Z")
    secret = parse_secrets(signing_secrets_text(n8n.settings))[0].text()
    assert Webhook(secret).verify(call.body, call.headers), "by the Standard Webhooks project's own library"
    eventually(lambda: is_recorded(n8n, f"{console.url}/api/v1/calls/sync_{body['id']}"))
    assert len([c for c in console.calls if account in c.body.decode()]) == 1


def test_call_is_tried_again_under_the_same_id(n8n: N8nServer, console, eventually: Eventually) -> None:
    """Where Backline is down for a moment, the same id, time, bytes and signature come again."""
    account = str(uuid.uuid4())
    console.refusals += [503]
    deliver(n8n, "provider-event", with_payload("provider-event", accountId=account))
    first, second = eventually(
        lambda: calls if len(calls := [c for c in console.calls if account in c.body.decode()]) == 2 else None
    )
    same = ("webhook-id", "webhook-timestamp", "webhook-signature")
    assert [first.headers[name] for name in same] == [second.headers[name] for name in same]
    assert first.body == second.body


def test_refused_call_is_not_repeated_and_stands_among_the_alerts(
    n8n: N8nServer, console, rows: Rows, eventually: Eventually
) -> None:
    """What Backline will not take does not become better by asking again."""
    account = str(uuid.uuid4())
    console.refusals += [422]
    deliver(n8n, "provider-event", with_payload("provider-event", accountId=account))
    (alert,) = eventually(lambda: [row for row in rows("backline_alerts") if row["account"] == account])
    assert (alert["kind"], alert["severity"], alert["count"]) == ("follow_up", "action", 1)
    assert "ask for work" in alert["cure"]
    assert len([c for c in console.calls if account in c.body.decode()]) == 1
    assert is_recorded(n8n, "Backline said 422: That is not there. Look again.")


def is_recorded(n8n: N8nServer, words: str) -> bool:
    """Say whether n8n stored these words with one of its executions."""
    database = n8n.home / "user" / ".n8n" / "database.sqlite"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        found = connection.execute("select 1 from execution_data where instr(data, ?)", [words])
        return found.fetchone() is not None


def test_form_needs_a_login(n8n: N8nServer) -> None:
    """Who is not logged into n8n sees no form, and cannot send one."""
    address = f"{n8n.url}/form/ask-backline"
    with httpx.Client(trust_env=False, timeout=30) as client:
        seen = client.get(address)
        assert seen.status_code == 302
        assert httpx.URL(seen.headers["location"]).path in {"/signin", "/oauth/authorize"}
        assert client.post(address, json={"field-0": "Sync"}).status_code == 401
