"""A real n8n takes each of our events once, and nothing that is forged or old."""

import datetime as dt
import json
import secrets
import stat
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from pipelines.n8n_server import Execution, N8nServer
from pipelines.n8n_server.server import WORKFLOWS
from resources.settings import REPOSITORY
from resources.signing import SigningSecret, parse_secrets, signed_headers
from resources.vault import signing_secrets_text

pytestmark = [
    pytest.mark.integration,
    pytest.mark.webhooks,
    pytest.mark.timeout(600),
]

TYPES = {
    "provider-event": "provider.connected",
    "data-sync": "data.synced",
    "scraper-results": "scraper.completed",
    "error-alerts": "error.occurred",
}
SUMMARIES = {
    "provider-event": "Zürich Sessions connected, 2 scopes",
    "data-sync": "12 accounts synced, 1 failed, 0 skipped, 880 records",
    "scraper-results": "95 pages read, 5 failed",
    "error-alerts": "grant_expired: spotify no longer accepts Zürich Sessions. "
    "Reconnect the account in the console.",
}


def new_id() -> str:
    return "evt_" + "".join(secrets.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(26))


def event(path: str) -> dict[str, Any]:
    schema = REPOSITORY / "n8n" / "schemas" / f"{TYPES[path]}.json"
    body: dict[str, Any] = json.loads(schema.read_text(encoding="utf-8"))["examples"][0]
    return {**body, "id": new_id()}


def encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


class Sender:
    """Sends what it is told, signed or not, to one n8n."""

    def __init__(self, server: N8nServer) -> None:
        self.server = server
        self.since = max((execution.id for execution in server.executions()), default=0)
        self.keys = parse_secrets(signing_secrets_text(server.settings))
        self.client = httpx.Client(base_url=server.url, timeout=60, trust_env=False)

    def headers(self, message_id: str, body: bytes, at: float | None = None) -> dict[str, str]:
        """Return the headers of a good message made ``at`` that time, by default now."""
        timestamp = int(time.time() if at is None else at)
        return signed_headers(self.keys, message_id, timestamp, body)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Post the body as it stands."""
        headers = {"content-type": "application/json", **headers}
        return self.client.post(f"/webhook/{path}", content=body, headers=headers)

    def send(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Post a good event."""
        raw = encoded(body)
        return self.post(path, raw, self.headers(body["id"], raw))


@pytest.fixture(scope="module")
def sender(n8n: N8nServer):
    it = Sender(n8n)
    yield it
    it.client.close()


def eventually(server: N8nServer, done: Callable[[tuple[Execution, ...]], bool]) -> tuple[Execution, ...]:
    """Wait until n8n has written down what it did, which it does after it has answered."""
    deadline = time.monotonic() + 60
    while not done(executions := server.executions()):
        assert time.monotonic() < deadline, "n8n did not write down its executions within 60 s"
        time.sleep(0.2)
    return executions


def worked(server: N8nServer, message_ids: set[str]) -> Counter[str]:
    """Count how often the work of each id was done, once n8n is at rest."""

    def counted(executions: tuple[Execution, ...]) -> Counter[str]:
        ids = (execution.event["id"] for execution in executions if execution.worked and execution.event)
        return Counter(message_id for message_id in ids if message_id in message_ids)

    eventually(server, lambda executions: set(counted(executions)) == message_ids)
    time.sleep(1)
    return counted(server.executions())


def test_first_events_of_a_fresh_n8n_are_all_taken(sender: Sender, n8n: N8nServer) -> None:
    """The table of ids is made by the first event; others that come at that moment are taken as well."""
    bodies = [event("data-sync") for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda body: sender.send("data-sync", body), bodies))
    assert [answer.status_code for answer in answers] == [202] * 10
    assert set(worked(n8n, {body["id"] for body in bodies}).values()) == {1}


@pytest.mark.parametrize("path", TYPES)
def test_good_event_is_taken_and_handed_on(path: str, sender: Sender, n8n: N8nServer) -> None:
    """Each endpoint answers 202, and its last node shows the typed event with a line for people."""
    body = event(path)
    answer = sender.send(path, body)
    assert answer.status_code == 202
    assert answer.json()["id"] == body["id"]
    assert worked(n8n, {body["id"]}) == {body["id"]: 1}
    number = int(answer.json()["execution"])
    (execution,) = [it for it in n8n.executions() if it.id == number]
    assert execution.event
    alert = execution.event.pop("alert", None)
    assert execution.event == {**body, "summary": SUMMARIES[path]}
    assert (alert is not None) == (path == "error-alerts")


def test_repeat_is_dropped(sender: Sender, n8n: N8nServer) -> None:
    """The same id again, signed anew as a retry is, gets 200 and does nothing."""
    body = event("data-sync")
    answers = [sender.send("data-sync", body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert len({answer.json()["execution"] for answer in answers}) == 1
    assert worked(n8n, {body["id"]}) == {body["id"]: 1}


@pytest.mark.parametrize("path", TYPES)
def test_copies_at_the_same_moment_work_once(path: str, sender: Sender, n8n: N8nServer) -> None:
    """Of ten copies in flight together, one works; the others are told so, and then that it is done."""
    body = event(path)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: sender.send(path, body), range(10)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.pop(202) == 1
    assert statuses.keys() <= {200, 409}
    assert len({answer.json()["execution"] for answer in answers}) == 1
    assert all(60 <= int(it.headers["retry-after"]) <= 90 for it in answers if it.status_code == 409)
    assert sender.send(path, body).status_code == 200
    assert worked(n8n, {body["id"]}) == {body["id"]: 1}


@pytest.mark.parametrize("age", [301, 3600, -301, -3600])
@pytest.mark.parametrize("path", TYPES)
def test_old_and_future_events_are_refused(path: str, age: int, sender: Sender) -> None:
    """A good signature of another time is a replay."""
    body = event(path)
    raw = encoded(body)
    at = time.time() - age + (-1 if age > 0 else 2)
    assert sender.post(path, raw, sender.headers(body["id"], raw, at)).status_code == 401


@pytest.mark.parametrize("age", [280, -280])
def test_slow_clock_is_tolerated(age: int, sender: Sender) -> None:
    """Within five minutes either way, an event is taken."""
    body = event("data-sync")
    raw = encoded(body)
    answer = sender.post("data-sync", raw, sender.headers(body["id"], raw, time.time() - age))
    assert answer.status_code == 202


def forgeries(sender: Sender, path: str) -> dict[str, tuple[bytes, dict[str, str]]]:
    body = event(path)
    raw, message_id = encoded(body), body["id"]
    good = sender.headers(message_id, raw)
    now = int(time.time())
    other = signed_headers([SigningSecret.new()], message_id, now, raw)
    mistyped = encoded({**body, "type": "data.deleted"})
    return {
        "another key": (raw, other),
        "changed body": (raw.replace(b"spotify", b"youtube").replace(b"instagram", b"youtube"), good),
        "body written again": (json.dumps(body, indent=1).encode(), good),
        "body cut short": (raw[:-1], good),
        "no body": (b"", sender.headers(message_id, b"")),
        "not JSON but signed": (b"hello", sender.headers(message_id, b"hello")),
        "null": (b"null", sender.headers(message_id, b"null")),
        "a list": (b"[]", sender.headers(message_id, b"[]")),
        "another id": (raw, {**good, "webhook-id": new_id()}),
        "another id, signed": (raw, sender.headers(new_id(), raw)),
        "another time": (raw, {**good, "webhook-timestamp": str(now + 1)}),
        "no timestamp": (raw, {key: good[key] for key in good if key != "webhook-timestamp"}),
        "no id": (raw, {key: good[key] for key in good if key != "webhook-id"}),
        "no signature": (raw, {key: good[key] for key in good if key != "webhook-signature"}),
        "no headers": (raw, {}),
        "empty signature": (raw, {**good, "webhook-signature": ""}),
        "empty v1": (raw, {**good, "webhook-signature": "v1,"}),
        "another scheme": (
            raw,
            {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")},
        ),
        "no scheme": (raw, {**good, "webhook-signature": good["webhook-signature"].removeprefix("v1,")}),
        "timestamp no number": (raw, {**good, "webhook-timestamp": "now"}),
        "wrong type of event": (mistyped, sender.headers(message_id, mistyped)),
    }


FORGERIES = [
    "another key", "changed body", "body written again", "no body", "null", "a list", "another id",
    "another id, signed", "another time", "no timestamp", "no id", "no signature", "no headers",
    "empty signature", "empty v1", "another scheme", "no scheme", "timestamp no number",
    "wrong type of event",
]  # fmt: skip
NOT_JSON = ["body cut short", "not JSON but signed"]


@pytest.mark.parametrize("kind", FORGERIES)
@pytest.mark.parametrize("path", TYPES)
def test_forgery_is_refused(path: str, kind: str, sender: Sender) -> None:
    """Whatever the key did not sign as it stands, for this endpoint, gets 401."""
    assert sender.post(path, *forgeries(sender, path)[kind]).status_code == 401


@pytest.mark.parametrize("kind", NOT_JSON)
def test_what_is_not_json_is_refused_by_n8n_itself(kind: str, sender: Sender) -> None:
    """It does not get as far as the workflow."""
    assert sender.post("data-sync", *forgeries(sender, "data-sync")[kind]).status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_kinds_of_body_are_refused(kind: str, sender: Sender) -> None:
    """An event is JSON; a form or a text, however signed, is none."""
    body = event("data-sync")
    raw = encoded(body)
    headers = {**sender.headers(body["id"], raw), "content-type": kind}
    assert sender.post("data-sync", raw, headers).status_code in {400, 401, 422}


def test_event_of_one_endpoint_is_refused_at_another(sender: Sender) -> None:
    """The signature does not cover the path, so the type is held against it."""
    body = event("data-sync")
    assert sender.send("error-alerts", body).status_code == 401
    assert sender.send("data-sync", body).status_code == 202


def test_forgery_leaves_no_mark(sender: Sender, n8n: N8nServer) -> None:
    """A forged copy that comes first does not make the real one a repeat."""
    body = event("data-sync")
    raw = encoded(body)
    forged = signed_headers([SigningSecret.new()], body["id"], int(time.time()), raw)
    assert sender.post("data-sync", raw, forged).status_code == 401
    assert sender.send("data-sync", body).status_code == 202
    assert worked(n8n, {body["id"]}) == {body["id"]: 1}


@pytest.mark.parametrize("newest_first", [True, False])
def test_rotated_secret_is_taken(newest_first: bool, sender: Sender) -> None:
    """While secrets are rotated there are two signatures, of which n8n knows one."""
    body = event("data-sync")
    raw = encoded(body)
    keys = [sender.keys[0], SigningSecret.new()]
    headers = signed_headers(keys if newest_first else keys[::-1], body["id"], int(time.time()), raw)
    assert sender.post("data-sync", raw, headers).status_code == 202


def test_standard_library_signs_what_n8n_takes(sender: Sender) -> None:
    """The Standard Webhooks project's own library and n8n agree."""
    body = event("data-sync")
    raw, now = encoded(body), dt.datetime.now(dt.UTC)
    signature = Webhook(sender.keys[0].text()).sign(body["id"], now, raw.decode())
    headers = {
        "webhook-id": body["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    assert sender.post("data-sync", raw, headers).status_code == 202


def test_large_event_is_taken(sender: Sender) -> None:
    """An event may have 64 KiB."""
    body = event("data-sync")
    body["payload"]["errors"] = [{**body["payload"]["errors"][0], "message": "東" * 200}] * 80
    assert 40_000 < len(encoded(body)) <= 65_536
    assert sender.send("data-sync", body).status_code == 202


def test_nothing_fails_inside_n8n(sender: Sender, n8n: N8nServer) -> None:
    """Refusals and repeats are good executions too."""
    executions = eventually(n8n, lambda found: len(found) > 0)
    assert {one.status for one in executions if one.id > sender.since} == {"success"}


def test_secret_stands_in_no_file_that_n8n_writes(sender: Sender, n8n: N8nServer) -> None:
    """n8n seals its credential; its log, its database and the workflows show nothing of the key."""
    key = sender.keys[0].key
    files = [path for path in n8n.home.rglob("*") if path.is_file()] + list(WORKFLOWS.glob("*.json"))
    assert n8n.log in files
    assert not [path for path in files if key in path.read_bytes()]


def test_owner_can_log_in_with_the_password_in_home(sender: Sender, n8n: N8nServer) -> None:
    """The owner's account is there from the start, and nobody can claim it by setting n8n up."""
    path = n8n.home / "owner_password"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    login = {"emailOrLdapLoginId": "owner@example.com", "password": n8n.owner_password}
    with httpx.Client(base_url=n8n.url, trust_env=False, timeout=30) as client:
        assert client.post("/rest/login", json={**login, "password": "Aa1wrong-password"}).status_code == 401
        assert client.post("/rest/login", json=login).status_code == 200
