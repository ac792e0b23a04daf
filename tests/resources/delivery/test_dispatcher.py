"""Delivery on both databases: who may try an event, what each answer leads to, and what survives a crash."""

# ruff: noqa: D102  # a test's name states the fact

import asyncio
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.delivery.dispatcher import Dispatcher
from resources.delivery.outbox import LEASE, claim, release
from resources.delivery.recording import DeliveryReport, Result, record
from resources.delivery.retries import RETRY_SECONDS
from resources.delivery.wire import Answer
from resources.signing import verify
from resources.tables import WebhookAttempt, WebhookDelivery, WebhookEvent

pytestmark = pytest.mark.webhooks
TABLE, DELIVERIES = WebhookEvent.__table__, WebhookDelivery.__table__


def answering(status, text="", **headers):
    return lambda _: httpx.Response(status, text=text, headers=headers)


class TestAnswers:
    """What each answer of the receiver leads to."""

    def test_success_is_delivered_signed_and_recorded(self, outbox):
        (name,) = outbox.write()
        report = outbox.deliver(answering(202, "thanks"))
        assert (report.delivered, report.retried, report.failed) == (1, 0, 0)
        event, (attempt,) = outbox.event(), outbox.attempts()
        assert (event["status"], event["attempts"], event["error_message"]) == ("delivered", 1, None)
        assert event["success_at"] is not None
        assert event["next_attempt_at"] is None
        assert outbox.delivery()["lease_until"] is None
        assert event["n8n_webhook_url"].endswith("/webhook/error-alerts")
        assert (attempt["attempt"], attempt["status_code"], attempt["response_excerpt"]) == (1, 202, "thanks")
        ((sent, headers, body),) = outbox.posted
        assert verify(outbox.backline.signing_secrets, headers, body, utc_now().timestamp()) == sent == name
        assert json.loads(body)["id"] == name

    def test_the_built_in_receiver_takes_it(self, outbox):
        names = outbox.write(30)
        assert outbox.deliver().delivered == 30
        received = outbox.simulated.ask("GET", "/receiver/events")["events"]
        assert {event["id"]: event["count"] for event in received} == dict.fromkeys(names, 1)

    @pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 410, 500, 503])
    def test_all_else_is_tried_again_and_no_redirect_is_followed(self, outbox, status):
        outbox.write()
        report = outbox.deliver(answering(status, location="http://elsewhere.test/"))
        assert report.retried == 1
        assert len(outbox.posted) == 1
        event = outbox.event()
        assert (event["status"], event["attempts"], event["error_message"]) == (
            "pending",
            1,
            f"answered {status}",
        )
        wait = event["next_attempt_at"] - utc_now()
        assert timedelta(seconds=2) < wait < timedelta(seconds=RETRY_SECONDS[0] * 1.2)

    def test_a_longer_retry_after_is_honoured(self, outbox):
        outbox.write()
        outbox.deliver(answering(429, **{"retry-after": "900"}))
        wait = outbox.event()["next_attempt_at"] - utc_now()
        assert timedelta(seconds=890) < wait <= timedelta(seconds=900)

    def test_an_unreachable_receiver_costs_an_attempt(self, outbox):
        def refuse(request):
            raise httpx.ConnectError("no", request=request)

        outbox.write()
        assert outbox.deliver(refuse).retried == 1
        assert outbox.event()["error_message"] == "it cannot be connected to"
        assert outbox.attempts()[0]["status_code"] is None

    def test_silence_is_given_up_after_its_time(self, outbox):
        outbox.write()
        assert outbox.deliver(lambda _: asyncio.sleep(3_600)).retried == 1
        assert "no answer within 15 s" in outbox.event()["error_message"]

    def test_an_endless_answer_is_read_no_further_than_is_kept(self, outbox):
        outbox.write()
        assert outbox.deliver(lambda _: httpx.Response(200, content=endless(0))).delivered == 1
        assert len(outbox.attempts()[0]["response_excerpt"]) == 512

    def test_an_endless_answer_that_drips_is_judged_by_its_status(self, outbox):
        outbox.write()
        assert outbox.deliver(lambda _: httpx.Response(200, content=endless(1))).delivered == 1
        event = outbox.event()
        assert (event["status"], event["error_message"]) == ("delivered", None)

    def test_a_refusal_that_drips_is_one_too(self, outbox):
        outbox.write()
        assert outbox.deliver(lambda _: httpx.Response(503, content=endless(1))).retried == 1
        assert outbox.event()["error_message"] == "answered 503"

    def test_bytes_that_are_no_text_are_kept_as_far_as_they_go(self, outbox):
        outbox.write()
        outbox.deliver(lambda _: httpx.Response(500, content=b"\x00\xff" + b"a" * 2_000))
        assert outbox.attempts()[0]["response_excerpt"].startswith("\ufffd\ufffdaaa")

    def test_one_bad_event_holds_up_no_other(self, outbox):
        names = outbox.write(20)

        def answer(request):
            return httpx.Response(500 if request.headers["webhook-id"] == names[7] else 204)

        report = outbox.deliver(answer)
        assert (report.delivered, report.retried) == (19, 1)

    def test_the_tenth_failure_is_final_and_stays_replayable(self, outbox):
        outbox.write()
        for _ in range(len(RETRY_SECONDS)):
            assert outbox.deliver(answering(500)).retried == 1
            outbox.make_due()
        assert outbox.deliver(answering(500)).failed == 1
        event = outbox.event()
        assert (event["status"], event["attempts"], event["next_attempt_at"]) == ("failed", 10, None)
        assert [row["attempt"] for row in outbox.attempts()] == list(range(1, 11))
        assert outbox.deliver(answering(200)).attempts == 0

    def test_without_an_address_nothing_is_tried(self, outbox):
        outbox.write()
        outbox.backline.settings.n8n_url = ""
        assert outbox.deliver(answering(200)).attempts == 0
        assert outbox.event()["attempts"] == 0


async def endless(pause):
    while True:
        await asyncio.sleep(pause)
        yield b"x"


class TestReplays:
    """An event is made due again by hand."""

    def test_keep_the_id_and_every_earlier_attempt(self, outbox):
        (name,) = outbox.write()
        outbox.deliver(answering(500))
        outbox.replay(event_ids=[name])
        outbox.deliver(answering(200))
        assert {posted[0] for posted in outbox.posted} == {name}
        assert [(row["attempt"], row["status_code"]) for row in outbox.attempts()] == [(1, 500), (2, 200)]

    def test_send_the_same_bytes(self, outbox):
        outbox.write()
        for _ in range(3):
            outbox.deliver(answering(200))
            outbox.replay(status="delivered")
        assert len({posted[2] for posted in outbox.posted}) == 1


class TestClaims:
    """An event is tried by one dispatcher at a time."""

    def test_are_exclusive(self, outbox):
        names = outbox.write(100)
        barrier = threading.Barrier(8)

        def take(_):
            barrier.wait()
            found = []
            while rows := claim(outbox.database, outbox.n8n, 5):
                found += [row.id for row in rows]
            return found

        with ThreadPoolExecutor(8) as pool:
            taken = [name for found in pool.map(take, range(8)) for name in found]
        assert sorted(taken) == sorted(names)

    def test_of_several_dispatchers_send_each_event_once(self, outbox):
        names = outbox.write(120)

        async def all_at_once():
            transport = httpx.MockTransport(outbox.noting(answering(200)))
            dispatchers = [Dispatcher(outbox.backline, transport) for _ in range(4)]
            return await asyncio.gather(*(one.deliver_due(20) for one in dispatchers))

        reports = asyncio.run(all_at_once())
        assert sum(report.delivered for report in reports) == 120
        assert Counter(posted[0] for posted in outbox.posted) == dict.fromkeys(names, 1)
        assert len(outbox.attempts()) == 120

    def test_take_the_oldest_first_and_no_more_than_asked(self, outbox):
        names = outbox.write(9)
        for age, name in enumerate(reversed(names)):
            due = utc_now() - timedelta(hours=age + 1)
            with outbox.database.write() as connection:
                moved = sa.update(DELIVERIES).where(DELIVERIES.c.event_id == name)
                connection.execute(moved.values(next_attempt_at=due))
        assert {row.id for row in claim(outbox.database, outbox.n8n, 4)} == set(names[:4])

    def test_leave_what_is_not_due(self, outbox):
        outbox.write()
        outbox.change(next_attempt_at=utc_now() + timedelta(minutes=1))
        assert claim(outbox.database, outbox.n8n, 5) == []

    def test_end_with_their_lease(self, outbox):
        (name,) = outbox.write()
        assert [row.id for row in claim(outbox.database, outbox.n8n, 5)] == [name]
        assert claim(outbox.database, outbox.n8n, 5) == []
        outbox.change(lease_until=utc_now() - timedelta(seconds=1))
        assert [row.id for row in claim(outbox.database, outbox.n8n, 5)] == [name]

    def test_last_longer_than_a_round_of_silence(self):
        assert timedelta(seconds=2 * 15) < LEASE

    def test_are_given_back_untried(self, outbox):
        outbox.write(3)
        release(outbox.database, claim(outbox.database, outbox.n8n, 5))
        assert len(claim(outbox.database, outbox.n8n, 5)) == 3

    def test_beyond_the_time_are_given_back(self, outbox):
        outbox.write(5)
        outbox.deliver(answering(200), seconds=0)
        assert len(claim(outbox.database, outbox.n8n, 5)) == 5


def posted(delivery, status):
    """Return what is known of a delivery that was posted, and is not recorded."""
    answer = Answer(utc_now(), 7, status, "", None if status < 300 else f"answered {status}", None)
    return Result(delivery, "http://n8n.test/webhook/error-alerts", answer)


class TestCrashes:
    """A dispatcher ends between the POST and its record."""

    def test_send_the_same_id_again(self, outbox):
        (name,) = outbox.write()
        outbox.deliver(answering(200))
        with outbox.database.write() as connection:  # as it was before the record
            connection.execute(sa.delete(WebhookAttempt))
        outbox.change(status="pending", attempts=0, next_attempt_at=utc_now())
        outbox.deliver(answering(200))
        assert [sent[0] for sent in outbox.posted] == [name, name]
        assert len(outbox.attempts()) == outbox.delivery()["attempts"] == 1

    def test_a_late_record_leaves_the_event_to_whoever_claimed_it_since(self, outbox):
        outbox.write()
        (late,) = claim(outbox.database, outbox.n8n, 1)
        outbox.change(lease_until=utc_now() - timedelta(seconds=1))
        outbox.deliver(answering(200))
        report = DeliveryReport()
        record(outbox.database, [posted(late, 500)], report)
        assert (outbox.event()["status"], outbox.event()["attempts"], report.attempts) == ("delivered", 1, 0)
        assert len(outbox.attempts()) == 1

    def test_nothing_is_recorded_by_half(self, outbox):
        outbox.write(4)
        results = [posted(row, 200) for row in claim(outbox.database, outbox.n8n, 4)]

        def break_down(*_):
            raise RuntimeError("the process dies here")

        last = (sa.event.listen, outbox.database.engine, "commit", break_down)
        last[0](*last[1:])
        try:
            with pytest.raises(RuntimeError):
                record(outbox.database, results, DeliveryReport())
        finally:
            sa.event.remove(*last[1:])
        assert outbox.attempts() == []
        assert {row["status"] for row in outbox.rows(sa.select(TABLE))} == {"pending"}

    def test_a_result_that_the_database_refuses_costs_the_others_nothing(self, outbox):
        names = outbox.write(9)

        def answer(request):
            long = request.headers["webhook-id"] == names[4]
            return httpx.Response(200, headers={"retry-after": "5"} if long else {})

        def refuse(connection, clause, parameters, *_):
            if names[4] in str(parameters) and "UPDATE webhook_deliveries" in clause:
                raise sa.exc.DataError("no", None, ValueError("no"))

        refusing = (
            outbox.database.engine,
            "before_cursor_execute",
            lambda c, _, text, p, *x: refuse(c, text, p),
        )
        sa.event.listen(*refusing)
        try:
            outbox.deliver(answer)
        finally:
            sa.event.remove(*refusing)
        states = {row["event_id"]: row["status"] for row in outbox.deliveries()}
        assert states == {**dict.fromkeys(names, "delivered"), names[4]: "pending"}


def test_events_are_written_once(outbox):
    assert outbox.write(3) == outbox.write(3)
    assert len(outbox.rows(sa.select(TABLE))) == 3


def test_a_database_that_goes_away_meanwhile_costs_no_attempt_that_was_made(outbox):
    outbox.write(3)
    asked = []

    def go_away(connection, cursor, statement, *_):
        if "FROM webhook_endpoints" in statement and "EXISTS" in statement:
            asked.append(statement)
            if len(asked) > 2:  # the first look, and the first claim
                raise sa.exc.OperationalError("no", None, ConnectionError("away"))

    going = (outbox.database.engine, "before_cursor_execute", go_away)
    sa.event.listen(*going)
    try:
        assert outbox.deliver(answering(200)).delivered == 3
    finally:
        sa.event.remove(*going)
    assert len(asked) > 2
    assert {row["status"] for row in outbox.deliveries()} == {"delivered"}
