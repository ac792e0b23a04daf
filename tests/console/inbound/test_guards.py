"""What is not a good call changes nothing, says why without a secret, and is in the audit log."""

# ruff: noqa: D102  # a test's name states the fact

import datetime as dt
import logging

import httpx
import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.inbound.refusals import LARGEST_BODY_BYTES
from resources.signing import SigningSecret
from resources.tables import AuditEntry

pytestmark = pytest.mark.webhooks
OTHER = SigningSecret(b"another-secret-that-is-not-ours!")
REAL, PROXY = "203.0.113.9", "10.0.0.1"


def assert_problem(reply: httpx.Response, status: int, reason: str) -> None:
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    problem = reply.json()
    assert (problem["status"], problem["type"]) == (status, f"urn:backline:problem:{reason}")
    assert all(problem[name] for name in ("title", "detail", "cure"))


changes_nothing = pytest.mark.usefixtures("_changes_nothing")


@pytest.fixture
def _changes_nothing(rows, nothing):
    """Find after the test that nothing was caused."""
    yield
    assert rows.effects() == nothing


@changes_nothing
def test_a_forged_call_is_refused(caller, rows):
    body = caller.body(provider="spotify")
    headers = caller.signed(body, "msg_1")
    caller.secret = OTHER.text()
    assert_problem(caller.send(body, caller.signed(body, "msg_1")), 401, "signature")
    for name, value in (
        ("webhook-id", "msg_2"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "ä"),
    ):
        reply = caller.send(body, {**headers, name: value.encode("latin-1")})
        assert_problem(reply, 401, "signature")
    assert_problem(caller.send(body + b" ", headers), 401, "signature")
    assert rows.refusals() == {"signature": 1}, "the others of the same minute are counted"


@changes_nothing
def test_the_refusals_of_one_minute_are_counted(caller, rows):
    body = caller.body(provider="spotify")
    for _ in range(5):
        caller.send(body, {**caller.signed(body, "msg_1"), "webhook-signature": "v1,AAAA"})
    caller.app.state.console.door.log.flush()
    assert rows.refusals() == {"signature": 5}


@changes_nothing
@pytest.mark.parametrize("seconds", [-302, 302, -86_400, 86_400])
def test_a_call_that_is_too_old_or_too_new_is_refused_though_it_is_signed(caller, rows, seconds):
    reply = caller.call(provider="spotify", at=utc_now() + dt.timedelta(seconds=seconds))
    assert_problem(reply, 401, "timestamp")
    assert reply.headers["www-authenticate"]
    assert rows.refusals() == {"timestamp": 1}


@pytest.mark.parametrize("seconds", [-290, 0, 290])
def test_a_clock_that_is_a_little_wrong_loses_no_call(caller, seconds):
    assert caller.call(provider="spotify", at=utc_now() + dt.timedelta(seconds=seconds)).status_code == 202


@changes_nothing
@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook-id": ""},
        {"webhook-id": "a b"},
        {"webhook-id": "x" * 129},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 13},
        {"webhook-signature": ""},
    ],
)
def test_headers_that_are_missing_or_malformed_are_named(caller, rows, wrong):
    body = caller.body(provider="spotify")
    reply = caller.send(body, {**caller.signed(body, "msg_1"), **wrong})
    assert_problem(reply, 400, "headers")
    assert next(iter(wrong)) in reply.json()["detail"]
    assert rows.refusals() == {"headers": 1}


class Dripping(httpx.AsyncByteStream):
    """A body that never ends; ``sent`` are the bytes that were taken of it."""

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self):
        while True:
            self.sent += 1024
            yield b" " * 1024


@changes_nothing
def test_an_oversized_body_is_refused_before_it_is_read(caller, rows):
    body = b" " * (LARGEST_BODY_BYTES + 1)
    assert_problem(caller.send(body, caller.signed(body, "msg_1")), 413, "too_large")
    endless = Dripping()
    headers = caller.signed(b"", "msg_1")
    assert_problem(caller.send(endless, headers), 413, "too_large")
    assert endless.sent <= LARGEST_BODY_BYTES + 1024
    unsigned = Dripping()
    assert_problem(caller.send(unsigned, {}), 400, "headers")
    assert unsigned.sent <= 1024, "who says nothing of a signature is not listened to"
    assert rows.refusals() == {"too_large": 1, "headers": 1}


def test_the_largest_body_is_taken(caller):
    body = caller.body(provider="spotify")
    body += b" " * (LARGEST_BODY_BYTES - len(body))
    assert caller.send(body, caller.signed(body, "msg_1")).status_code == 202


@changes_nothing
def test_what_is_signed_but_no_json_is_refused(caller, rows):
    assert_problem(caller.send(b"{", caller.signed(b"{", "msg_1")), 400, "json")
    (entry,) = rows.rows(sa.select(AuditEntry))
    assert (entry.actor, entry.details["reason"]) == ("n8n", "json")


@changes_nothing
@pytest.mark.parametrize(
    ("data", "field", "told"),
    [
        ({}, "data.provider", "missing"),
        ({"provider": "myspace"}, "data.provider", "use one of spotify"),
        ({"provider": "spotify", "org": "nobody"}, "data.org", "backline accounts list"),
        ({"provider": "spotify", "streams": ["polkas"]}, "data.streams", "saved_tracks"),
        ({"provider": "spotify", "streams": ["saved_tracks"], "limit": 7}, "data.limit", "leave it out"),
        (
            {"provider": "spotify", "accounts": ["cf1b9bee-871a-4f2b-86e1-35b61b475e67"]},
            "data.accounts",
            "backline accounts list",
        ),
        ({"provider": "spotify", "from": "2026-11-01", "to": "2026-11-02"}, "data.from", "by the day"),
        ({"provider": "youtube", "from": "2026-11-01"}, "data.to", "the first and the last day"),
        ({"provider": "youtube", "from": "2026-11-02", "to": "2026-11-01"}, "data.from", "earlier day first"),
    ],
)
def test_what_is_not_there_is_named_with_its_cure(caller, rows, data, field, told):
    reply = caller.call(**data)
    assert_problem(reply, 422, reply.json()["type"].rpartition(":")[2])
    (problem,) = reply.json()["errors"]
    assert problem["field"] == field
    assert told in f"{problem['problem']} {problem['cure']}"
    assert sum(rows.refusals().values()) == 1


@changes_nothing
def test_pages_that_are_not_there_are_named(caller):
    for data, field in (
        ({"provider": "youtube", "pages": ["x_page"]}, "data.pages"),
        ({"provider": "youtube", "org": "x"}, "data.org"),
        ({"provider": "youtube", "accounts": ["cf1b9bee-871a-4f2b-86e1-35b61b475e67"]}, "data.accounts"),
    ):
        reply = caller.call("scrape.requested", **data)
        assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, field)


class TestAddresses:
    """The list of addresses that may call."""

    @pytest.fixture
    def inbound_settings(self):
        return {"inbound_allowed_ips": f"{REAL}, 2001:db8::/32", "trusted_proxies": PROXY}

    def test_a_listed_address_is_taken(self, caller):
        caller.address = REAL
        assert caller.call(provider="spotify").status_code == 202
        caller.address, caller.headers = PROXY, {"x-forwarded-for": f"1.2.3.4, {REAL}"}
        assert caller.call(provider="spotify").status_code == 202

    @changes_nothing
    @pytest.mark.parametrize(
        ("address", "forwarded"),
        [
            ("203.0.113.10", ""),
            ("203.0.113.10", REAL),
            (PROXY, ""),
            (PROXY, f"{REAL}, 203.0.113.10"),
            (PROXY, f"{REAL}, garbage"),
            (PROXY, f"{REAL},"),
            ("testclient", REAL),
        ],
    )
    def test_another_address_is_refused_whatever_it_claims(self, caller, rows, address, forwarded):
        caller.address, caller.headers = address, {"x-forwarded-for": forwarded} if forwarded else {}
        assert_problem(caller.call(provider="spotify"), 403, "address")
        assert rows.refusals() == {"address": 1}


class TestPace:
    """The number of calls that one address, and one secret, may make."""

    @pytest.fixture
    def inbound_settings(self):
        return {"inbound_rate_limit": "3/60"}

    @changes_nothing
    def test_who_calls_too_often_is_told_to_wait_and_others_are_not(self, caller, rows):
        for _ in range(3):
            assert caller.send(b"", {}).status_code == 400
        refused = caller.call(provider="spotify")
        assert_problem(refused, 429, "rate")
        assert 1 <= int(refused.headers["retry-after"]) <= 120
        caller.address = REAL
        assert caller.send(b"", {}).status_code == 400
        assert rows.refusals() == {"headers": 2, "rate": 1}

    def test_one_secret_signs_no_more_from_many_addresses(self, caller):
        statuses = []
        for number in range(5):
            caller.address = f"203.0.113.{number}"
            statuses.append(caller.call(provider="spotify").status_code)
        assert statuses == [202, 202, 202, 429, 429]


def test_a_call_under_any_secret_is_taken_while_they_are_rotated(caller, backline):
    both = f"{OTHER.text()},{backline.settings.n8n_signing_secrets.get_secret_value()}"
    backline.settings.n8n_signing_secrets = type(backline.settings.n8n_signing_secrets)(both)
    for secret in (OTHER.text(), caller.secret):
        caller.secret = secret
        assert caller.call(provider="spotify").status_code == 202


@changes_nothing
def test_no_refusal_tells_a_secret_or_the_body(caller, rows, caplog):
    caplog.set_level(logging.DEBUG)
    canary = "canary-of-the-body-77"
    headers = caller.signed(canary.encode(), "msg_canary-id-77")
    told = [caller.send(canary.encode(), headers).text]
    told.append(caller.send(canary.encode() + b"!", headers).text)
    told.append(caller.call(provider=canary).text)
    told.append(caller.call(provider="spotify", token=canary).text)
    told += [rows.everything(), caplog.text]
    for secret in (
        canary,
        "canary-id-77",
        caller.secret,
        headers["webhook-signature"],
        "canary-signing-secret",
    ):
        assert not [text for text in told if secret in text]


@changes_nothing
def test_a_database_that_fails_lets_no_call_in_and_says_so(caller, backline):
    with backline.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE inbound_calls RENAME TO elsewhere")
    reply = caller.call(provider="spotify")
    with backline.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO inbound_calls")
    assert_problem(reply, 503, "unavailable")
    assert reply.headers["retry-after"]


@changes_nothing
def test_production_without_a_secret_lets_no_call_in(caller, backline):
    backline.settings.environment = "production"
    backline.settings.n8n_signing_secrets = type(backline.settings.n8n_signing_secrets)("")
    assert_problem(caller.call(provider="spotify"), 503, "unavailable")


def test_other_methods_are_not_taken_for_calls(caller):
    for method in ("PUT", "PATCH", "DELETE"):
        assert caller.ask(method, "/hooks/n8n").status_code == 405
