"""The JSON API of endpoints: added, changed, rotated, tested and removed, without telling a secret."""

import httpx
import pytest

from resources.tables import WebhookEndpoint

API = "/api/v1/endpoints"
ORDER = {"org": "acme", "name": "theirs", "url": "https://receiver.example/hook"}
NOBODY = f"{API}/00000000-0000-4000-8000-000000000000"
HEADERS = {"Authorization": "Bearer canary-header"}


def send(browser, method, path, **body):
    return browser.send(method, path, json=body)


@pytest.fixture
def added(browser, outbox):
    """The address of an endpoint that was added, and its secret."""
    reply = send(browser, "POST", API, **ORDER, headers=HEADERS, event_types=["error.occurred"])
    assert reply.status_code == 201, reply.text
    assert reply.headers["location"] == f"{API}/{reply.json()['id']}"
    return reply.headers["location"], reply.json()["secret"]


def test_an_endpoint_is_added_and_its_secret_shown_once(browser, outbox, added):
    address, secret = added
    assert secret.startswith("whsec_")
    told = browser.get(address)
    endpoint = told.json()
    assert (endpoint["name"], endpoint["org"], endpoint["state"]) == ("theirs", "acme", "idle")
    assert endpoint["headers"] == {"Authorization": "••••"}
    assert "canary" not in told.text + browser.get(API).text
    assert secret not in told.text + browser.get(API).text


def test_endpoints_are_listed_with_their_health_the_worst_first(browser, outbox, added):
    outbox.write(12)
    outbox.deliver(broken_hosts={"receiver.example"})
    first, *others = browser.get(API).json()["endpoints"]
    assert (first["name"], first["state"], first["breaker"]) == ("theirs", "open", "open")
    assert first["last_error"] == "answered 500"
    assert first["figures"]["waiting"] == 12
    (alerts,) = (one for one in others if one["name"] == "n8n error-alerts")
    assert (alerts["org"], alerts["url"], alerts["state"]) == (None, None, "delivering")
    assert (alerts["figures"]["delivered"], alerts["figures"]["delivery_rate"]) == (12, 1)


def test_what_is_changed_is_what_is_given(browser, outbox, added):
    address, _ = added
    reply = send(browser, "PATCH", address, enabled=False, max_in_flight=2, headers={"X-Team": "canary"})
    changed = reply.json()
    assert (reply.status_code, changed["enabled"], changed["state"]) == (200, False, "disabled")
    assert (changed["max_in_flight"], changed["headers"]) == (2, {"X-Team": "••••"})
    assert (changed["url"], changed["event_types"]) == (ORDER["url"], ["error.occurred"])
    assert send(browser, "PATCH", address, max_in_flight=None).json()["max_in_flight"] is None


def test_what_cannot_be_is_refused_with_the_field(browser, outbox, added):
    address, _ = added
    outbox.add("ours")
    n8n = f"{API}/{outbox.endpoint('n8n data-sync').id}"
    for method, path, body, told in (
        ("POST", API, ORDER, "name: the org has an endpoint 'theirs' already"),
        ("POST", API, ORDER | {"org": "nobody"}, "org: nobody is unknown"),
        ("POST", API, ORDER | {"url": "http://169.254.169.254/"}, "url: 169.254.169.254 is not a public"),
        ("POST", API, {"name": "x", "url": "https://x.example"}, "org"),
        ("PATCH", address, {}, "the change: names no field"),
        ("PATCH", address, {"name": "ours"}, "name: the org has an endpoint 'ours' already"),
        ("PATCH", address, {"name": None}, "name"),
        ("PATCH", address, {"event_types": ["no.such"]}, "event_types: no.such is unknown"),
        ("PATCH", address, {"headers": {"Webhook-Id": "x"}}, "headers: Webhook-Id is Backline's own"),
        ("PATCH", n8n, {"url": "https://x.example"}, "url: belongs to n8n's own path"),
        ("POST", f"{n8n}/rotate", {}, "endpoint: n8n's own paths use the settings' secrets"),
        ("DELETE", n8n, {}, "endpoint: n8n data-sync is n8n's own path"),
    ):
        reply = send(browser, method, path, **body)
        assert reply.status_code == 422, (body, reply.text)
        assert told in reply.json()["error"]["detail"]
        assert reply.json()["error"]["cure"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", {}),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", {}),
        ("POST", "/rotate", {}),
        ("POST", "/rotate/finish", {}),
        ("POST", "/test", {"type": "data.synced"}),
    ],
)
def test_an_endpoint_that_is_not_there_is_404(browser, outbox, method, path, body):
    assert send(browser, method, f"{NOBODY}{path}", **body).status_code == 404


def test_a_secret_is_rotated_and_the_rotation_finished(browser, outbox, added):
    address, before = added
    after = browser.send("POST", f"{address}/rotate").json()["secret"]
    assert after.startswith("whsec_")
    assert after != before
    assert browser.send("POST", f"{address}/rotate/finish").status_code == 204


def test_an_endpoint_is_removed(browser, outbox, added):
    address, _ = added
    assert browser.send("DELETE", address).status_code == 204
    assert browser.get(address).status_code == 404
    assert len(outbox.rows(WebhookEndpoint.__table__)) == 4


def test_a_sample_is_sent_and_its_verdict_told_without_header_values(browser, fake, outbox, added):
    address, secret = added
    fake.other["/hook"] = httpx.Response(401, text="who?")
    reply = send(browser, "POST", f"{address}/test", type="data.synced")
    told = reply.json()
    assert (reply.status_code, told["delivered"], told["answer"]["status_code"]) == (200, False, 401)
    assert (told["answer"]["excerpt"], told["answer"]["error"]) == ("who?", "answered 401")
    assert "secret" in told["verdict"]
    assert told["request"]["url"] == ORDER["url"]
    assert told["request"]["headers"]["Authorization"] == "••••"
    assert told["request"]["headers"]["webhook-signature"].startswith("v1,")
    assert told["request"]["body"]["type"] == "data.synced"
    assert fake.seen[-1].headers["authorization"] == HEADERS["Authorization"]
    assert "canary" not in reply.text
    assert secret not in reply.text


def test_a_sample_to_n8n_needs_its_address(browser, backline, outbox):
    number = outbox.endpoint("n8n data-sync").id
    backline.settings.n8n_url = ""
    reply = send(browser, "POST", f"{API}/{number}/test", type="data.synced")
    assert (reply.status_code, reply.json()["error"]["title"]) == (503, "A setting is missing")


def test_orders_of_another_site_are_refused(browser, outbox, added):
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    for method, path in (("POST", API), ("PATCH", added[0]), ("DELETE", added[0])):
        assert browser.send(method, path, json=ORDER, headers=headers).status_code == 403
