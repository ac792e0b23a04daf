"""The buttons of webhooks: what they do, and what the page says then."""

import httpx
import pytest
import sqlalchemy as sa

from console.app import create_app
from resources.tables import AuditEntry, WebhookDelivery, WebhookEndpoint

PAGE = "/admin/integrations/webhooks"
NOBODY = "00000000-0000-4000-8000-000000000000"


def followed(browser, reply):
    """Return the page that a button leads to."""
    assert reply.status_code == 303, reply.text
    return " ".join(browser.get(reply.headers["location"]).text.split())


def audited(outbox):
    return [
        row.action
        for row in outbox.rows(AuditEntry.__table__)
        if row.actor == "ada" and not row.action.startswith("user.")
    ]


def test_failed_events_are_replayed_to_one_endpoint(browser, outbox):
    outbox.add("theirs")
    outbox.write(3)
    outbox.deliver(broken_hosts={"receiver.example"})
    outbox.change(status="failed", next_attempt_at=None)
    n8n = outbox.endpoint("n8n error-alerts").id
    with outbox.database.write() as connection:
        delivered = sa.update(WebhookDelivery).where(WebhookDelivery.endpoint_id == n8n)
        connection.execute(delivered.values(status="delivered"))
    number = outbox.endpoint("theirs").id
    text = followed(browser, browser.post(f"{PAGE}/endpoints/{number}/replay"))
    assert "<strong>theirs:</strong> 3 events are due now" in text
    states = {row.endpoint_id: row.status for row in outbox.rows(WebhookDelivery.__table__)}
    assert states == {number: "pending", n8n: "delivered"}
    assert audited(outbox) == ["events.replayed"]


def test_an_open_breaker_asks_at_once(browser, outbox):
    number, _ = outbox.add("theirs")
    outbox.write(12)
    outbox.deliver(broken_hosts={"receiver.example"})
    assert outbox.deliver().attempts == 0  # it is not asked before its next try
    text = followed(browser, browser.post(f"{PAGE}/endpoints/{number}/replay"))
    assert "12 events are due now" in text
    assert outbox.deliver().delivered == 12
    text = followed(browser, browser.post(f"{PAGE}/endpoints/{number}/replay"))
    assert "nothing waits, and nothing was given up or missed." in text


def test_an_endpoint_is_not_sent_what_is_older_than_itself(browser, outbox):
    outbox.write(5, hours=1)
    number, _ = outbox.add("new")
    assert "nothing waits" in followed(browser, browser.post(f"{PAGE}/endpoints/{number}/replay"))


def test_what_was_missed_while_disabled_is_sent_after_enabling(browser, outbox):
    number, _ = outbox.add("theirs")
    text = followed(browser, browser.post(f"{PAGE}/endpoints/{number}/disable"))
    assert "theirs is disabled." in text
    assert f'id="enable-{number}"' in text
    outbox.write(2)
    text = followed(browser, browser.post(f"{PAGE}/endpoints/{number}/enable"))
    assert "theirs is enabled." in text
    assert "2 events are due now" in followed(browser, browser.post(f"{PAGE}/endpoints/{number}/replay"))
    assert audited(outbox) == ["endpoint.changed", "endpoint.changed", "events.replayed"]


def test_n8n_can_be_disabled_too(browser, outbox):
    number = outbox.endpoint("n8n data-sync").id
    assert "n8n data-sync is disabled" in followed(
        browser, browser.post(f"{PAGE}/endpoints/{number}/disable")
    )


def test_an_address_that_is_not_allowed_any_more_is_not_enabled(browser, outbox):
    number, _ = outbox.add("theirs", enabled=False)
    with outbox.database.write() as connection:
        inside = sa.update(WebhookEndpoint).where(WebhookEndpoint.id == number)
        connection.execute(inside.values(url="http://10.0.0.7/hook"))
    reply = browser.post(f"{PAGE}/endpoints/{number}/enable")
    assert (reply.status_code, "10.0.0.7 is not a public address" in reply.text) == (422, True)


def test_a_test_asks_for_a_type_that_the_endpoint_wants(browser, outbox):
    number, _ = outbox.add("theirs", event_types=["data.synced"])
    text = browser.get(f"{PAGE}/endpoints/{number}/test").text
    assert '<option value="data.synced">' in text
    assert '<option value="error.occurred">' not in text


TAKEN = httpx.Response(200, text="<i>ok</i>"), "The receiver took it"
REFUSED = httpx.Response(404), "Nobody listens at that path"


@pytest.mark.parametrize(("answer", "told"), [TAKEN, REFUSED])
def test_a_test_shows_request_answer_and_verdict(browser, fake, outbox, answer, told):
    number, secret = outbox.add("theirs", headers={"Authorization": "Bearer canary-header"})
    fake.other["/hook"] = answer
    reply = browser.post(f"{PAGE}/endpoints/{number}/test", event_type="data.synced")
    assert reply.status_code == 200
    for shown in (told, "POST https://receiver.example/hook", "Authorization: ••••"):
        assert shown in reply.text
    for hidden in ("<i>ok</i>", "canary-header", secret.text()):
        assert hidden not in reply.text
    assert outbox.rows(WebhookDelivery.__table__) == []


def test_a_receiver_that_cannot_be_reached_is_told(backline, browser, outbox):
    number, _ = outbox.add("theirs")

    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    browser.app = create_app(backline, transport=httpx.MockTransport(refuse))
    text = browser.post(f"{PAGE}/endpoints/{number}/test", event_type="data.synced").text
    assert "<h1>Nothing answered</h1>" in text
    assert "it cannot be connected to" in text


def test_an_unknown_type_and_a_missing_n8n_are_said(browser, backline, outbox):
    number, _ = outbox.add("theirs")
    reply = browser.post(f"{PAGE}/endpoints/{number}/test", event_type="no.such")
    assert (reply.status_code, "no.such" in reply.text) == (422, True)
    backline.settings.n8n_url = ""
    number = outbox.endpoint("n8n data-sync").id
    reply = browser.post(f"{PAGE}/endpoints/{number}/test", event_type="data.synced")
    assert (reply.status_code, "BACKLINE_N8N_URL" in reply.text) == (422, True)


def test_one_event_is_sent_again(browser, outbox):
    (event_id,) = outbox.write()
    outbox.deliver()
    text = followed(browser, browser.post(f"{PAGE}/events/{event_id}/replay"))
    assert "It is due again," in text
    assert outbox.deliver().delivered == 1


def test_buttons_of_what_is_gone_say_so(browser, outbox):
    for path in ("replay", "enable", "disable", "test"):
        assert browser.post(f"{PAGE}/endpoints/{NOBODY}/{path}").status_code == 404
    assert browser.get(f"{PAGE}/endpoints/{NOBODY}/test").status_code == 404
    assert browser.post(f"{PAGE}/events/evt_gone/replay").status_code == 404


def test_another_site_presses_no_button(browser, outbox):
    number = outbox.endpoint("n8n data-sync").id
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    for path in ("replay", "disable", "test"):
        reply = browser.send("POST", f"{PAGE}/endpoints/{number}/{path}", headers=headers)
        assert reply.status_code == 403
