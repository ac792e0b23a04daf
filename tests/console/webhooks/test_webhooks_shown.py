"""The page of webhooks: which endpoint is broken, why and what to press, and the events below."""

from datetime import timedelta

import pytest

from resources.database import utc_now
from resources.schemas import PATHS

PAGE = "/admin/integrations/webhooks"
RECEIVER = "receiver.example"


def shown(browser, address=PAGE, **query):
    reply = browser.get(address, params=query or None)
    assert reply.status_code == 200, reply.text
    return " ".join(reply.text.split())


def test_an_installation_without_events_says_what_to_do(browser, outbox):
    text = shown(browser)
    assert "No event was sent in 24 hours" in text
    assert "No event was written yet." in text
    assert text.count("No events</span>") == len(PATHS)
    assert 'aria-current="page">Webhooks' in text


def test_what_arrives_is_said_to(browser, outbox):
    outbox.write(3)
    outbox.deliver()
    text = shown(browser)
    assert "Events arrive" in text
    assert '<b class="">100.0%</b>' in text
    assert "Delivered <b>3</b>" in text
    assert ">taken" in text


def test_an_open_breaker_stands_first_with_its_cause_and_what_to_press(browser, outbox):
    number, _ = outbox.add("theirs")
    outbox.write(12)
    outbox.deliver(broken_hosts={RECEIVER})
    text = shown(browser)
    assert "1 endpoint needs somebody" in text
    assert text.index(f'id="endpoint-{number}"') < text.index("n8n data-sync")
    assert "10 attempts in a row failed: it answered 500." in text
    assert "Next try" in text
    assert "Mend the receiver and press Send test" in text
    assert "Breaker open</span>theirs of acme" in text


def test_a_probe_under_way_is_told(browser, outbox):
    outbox.add("theirs")
    outbox.write(1)
    now = utc_now()
    outbox.set_endpoint("theirs", breaker="half_open", failures=10, opened_at=now, probe_at=now)
    assert "One event is being tried this moment." in shown(browser)
    outbox.set_endpoint("theirs", breaker="open")
    assert "The next try is due" in shown(browser)


def test_each_other_state_is_told_in_words(browser, outbox):
    outbox.write(1, hours=1)
    for values, told in (
        ({"failures": 0}, "1 event waits longer than 15 minutes."),
        (
            {"failures": 2, "last_error": "no answer within 15 s"},
            "less than 95 % of its events; last: no answer within 15 s.",
        ),
        ({"enabled": False}, "1 event waits until it is enabled."),
    ):
        outbox.set_endpoint("n8n error-alerts", **values)
        text = shown(browser)
        assert told in text


def test_a_receiver_that_asked_to_wait_is_not_said_to_be_broken(browser, outbox):
    outbox.set_endpoint("n8n error-alerts", held_until=utc_now() + timedelta(minutes=1))
    text = shown(browser)
    assert "It asked to be left alone" in text
    assert "needs somebody" not in text


def test_events_given_up_are_failing_and_say_the_last_answer(browser, outbox):
    outbox.write(2)
    outbox.deliver(status=503)
    outbox.change(status="failed")
    outbox.set_endpoint("n8n error-alerts", breaker="closed", held_until=None)
    text = shown(browser)
    assert "It takes less than 95 % of its events; last, it answered 503." in text
    assert "Given up <b>2</b>" in text


def test_without_an_n8n_its_events_are_said_to_wait_for_one(browser, backline, outbox):
    backline.settings.n8n_url = ""
    assert "needs somebody" not in shown(browser)
    outbox.write(2)
    text = shown(browser)
    assert "2 events wait for an n8n to go to." in text
    assert "<code>BACKLINE_N8N_URL</code>" in text
    assert "Send a test to n8n" not in text


def test_events_are_filtered_by_the_address_and_read_page_by_page(browser, outbox):
    written = outbox.write(25)
    (synced,) = outbox.write(1, "data.synced", "youtube")
    text = shown(browser)
    assert text.index(synced) < text.index(written[-1])
    assert written[0] not in text
    older = text.partition('id="older" rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert written[0] in shown(browser, older.partition("#")[0])
    only = shown(browser, provider="youtube", type="data.synced", status="pending")
    assert synced in only
    assert written[-1] not in only
    assert 'value="youtube" selected' in only
    assert "No event matches." in shown(browser, status="failed")


def test_events_of_one_endpoint_are_shown_alone(browser, outbox):
    number, _ = outbox.add("theirs", event_types=["data.synced"])
    (alert,), (synced,) = outbox.write(), outbox.write(1, "data.synced")
    text = shown(browser, endpoint=str(number), status="pending")
    assert synced in text
    assert alert not in text
    assert "Only what goes to <strong>theirs</strong>, and is waiting there." in text


@pytest.mark.parametrize("query", ["type=no.such", "status=lost", "before=-1", "done=7"])
def test_an_address_that_is_not_understood_is_said_to(browser, outbox, query):
    reply = browser.get(f"{PAGE}?{query}")
    assert reply.status_code == 422
    assert query.partition("=")[0] in reply.text


def test_one_event_is_shown_with_body_deliveries_and_attempts(browser, outbox):
    outbox.add("theirs")
    (event_id,) = outbox.write()
    outbox.deliver(broken_hosts={RECEIVER})
    text = shown(browser, f"{PAGE}/events/{event_id}")
    assert "&lt;b&gt;no&lt;/b&gt;" in text  # what a receiver answers is never markup
    assert "<b>no</b>" not in text
    assert f"&#34;id&#34;: &#34;{event_id}&#34;" in text
    assert "answered 500" in text
    assert "theirs, 1" in text
    assert browser.get(f"{PAGE}/events/evt_unknown").status_code == 404


def test_the_catalogue_shows_every_type_with_fields_and_example(browser, outbox):
    text = shown(browser, f"{PAGE}/types")
    for event_type, path in PATHS.items():
        assert f'id="{event_type}"' in text
        assert f"/webhook/{path}" in text
    for field in ("payload.errors[].accountId", "payload.streams.&lt;name&gt;.records", "metadata.sequence"):
        assert f"<code>{field}</code>" in text
    assert "<code>grant_expired</code>" in text
    assert "text or null" in text
