"""Endpoints: what they may be, which events they get, and that nobody sees their secrets."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import contextlib

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from resources.delivery import endpoints
from resources.delivery.addresses import Allowed
from resources.delivery.endpoints import Draft, subject_of, unsealed
from resources.errors import InputRefused
from resources.rotation import count_stale, reseal_batches
from resources.signing import SignatureRefused, verify
from resources.tables import AuditEntry, WebhookEndpoint
from resources.vault import EncryptionKey, Vault

pytestmark = pytest.mark.webhooks
SOUND = {"name": "ours", "url": "https://receiver.example/hook"}


def taken(_):
    return httpx.Response(204)


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "n" * 101}),
        ("url", {"url": "ftp://receiver.example"}),
        ("url", {"url": "https://"}),
        ("url", {"url": "https://["}),
        ("url", {"url": "https://h:99999/"}),
        ("url", {"url": "https://user:word@receiver.example/"}),
        ("url", {"url": "https://receiver.example/#part"}),
        ("url", {"url": "https://receiver.example/a b"}),
        ("url", {"url": "https://receiver.example/\n"}),
        ("url", {"url": "http://127.0.0.1/"}),
        ("url", {"url": "http://2130706433/"}),
        ("url", {"url": "http://[::1]/"}),
        ("url", {"url": "http://169.254.169.254/latest"}),
        ("event_types", {"event_types": ["data.sunk"]}),
        ("providers", {"providers": ["myspace"]}),
        ("headers", {"headers": {"a b": "1"}}),
        ("headers", {"headers": {"X-Own": "a\r\nb"}}),
        ("headers", {"headers": {"Webhook-Signature": "v1,x"}}),
        ("headers", {"headers": {"Host": "elsewhere"}}),
        ("headers", {"headers": {f"x-{number}": "1" for number in range(21)}}),
        ("max_in_flight", {"max_in_flight": 0}),
        ("rate_limit", {"rate_limit": "10"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(field, changed):
    with pytest.raises(InputRefused) as refused:
        Draft(**{**SOUND, **changed}).check(Allowed())
    assert refused.value.field == field
    assert refused.value.cure


@given(st.text(max_size=60))
def test_no_address_whatsoever_breaks_the_check(url):
    with contextlib.suppress(InputRefused):
        Draft("ours", url).check(Allowed())


def test_an_endpoint_gets_the_events_of_its_org_that_it_wants_signed_by_its_own_secret(outbox):
    _, secret = outbox.add(event_types=["error.occurred"], providers=["spotify"], headers={"X-Own": "canary"})
    (wanted,) = outbox.write()
    outbox.write(provider="youtube", first=1)
    outbox.simulated.connect("other", 2)
    assert outbox.deliver(taken).delivered == 3
    ours = [(headers, body) for name, headers, body in outbox.posted if headers["host"] == "receiver.test"]
    ((headers, body),) = ours
    assert verify([secret], headers, body, float(headers["webhook-timestamp"])) == wanted
    assert headers["x-own"] == "canary"
    with pytest.raises(SignatureRefused):
        verify(outbox.backline.signing_secrets, headers, body, float(headers["webhook-timestamp"]))


def test_n8n_does_not_get_an_endpoints_secret_or_headers(outbox):
    outbox.add(headers={"X-Own": "canary"})
    outbox.write()
    outbox.deliver(taken)
    (headers,) = [headers for _, headers, _ in outbox.posted if headers["host"] != "receiver.test"]
    assert "x-own" not in headers


def test_another_orgs_endpoint_gets_nothing(outbox):
    outbox.simulated.connect("other", 2)
    endpoints.add(outbox.backline, "test", "other", Draft(**SOUND))
    outbox.write()
    outbox.deliver(taken)
    assert len(outbox.posted) == 1


def test_both_secrets_sign_while_one_is_rotated_and_the_newest_alone_when_it_is_finished(outbox):
    number, old = outbox.add()
    new = endpoints.rotate(outbox.backline, "test", number)
    outbox.write()
    outbox.deliver(taken)
    endpoints.retire(outbox.backline, "test", number)
    outbox.write(first=1)
    outbox.deliver(taken)
    first, second = (headers for _, headers, _ in outbox.posted if headers["host"] == "receiver.test")
    bodies = [body for _, headers, body in outbox.posted if headers["host"] == "receiver.test"]
    for secret in (old, new):
        verify([secret], first, bodies[0], float(first["webhook-timestamp"]))
    verify([new], second, bodies[1], float(second["webhook-timestamp"]))
    with pytest.raises(SignatureRefused):
        verify([old], second, bodies[1], float(second["webhook-timestamp"]))


def test_no_more_than_two_secrets_sign(outbox):
    number, _ = outbox.add()
    kept = [endpoints.rotate(outbox.backline, "test", number).text() for _ in range(3)]
    assert unsealed(outbox.backline, outbox.endpoint_row("ours")).secrets == kept[:0:-1]


def test_secrets_and_headers_stand_nowhere_in_the_clear(outbox):
    number, secret = outbox.add(headers={"X-Own": "canary"})
    shown = repr(outbox.rows(sa.select(WebhookEndpoint.__table__))) + repr(
        outbox.rows(sa.select(AuditEntry.__table__))
    )
    assert secret.text() not in shown
    assert "canary" not in shown
    assert "canary" not in repr(Draft(**SOUND, headers={"X-Own": "canary"}))
    assert outbox.endpoint("ours")["header_names"] == ["X-Own"]
    assert subject_of(number) in shown


def test_rotated_keys_reseal_them(outbox):
    outbox.add()
    newer = EncryptionKey.new()
    outbox.backline.vault = Vault([newer, EncryptionKey(b"k" * 32)])
    assert count_stale(outbox.backline) > 0
    list(reseal_batches(outbox.backline))
    assert outbox.endpoint("ours")["key_id"] == newer.id
    outbox.backline.vault = Vault([newer])
    assert len(unsealed(outbox.backline, outbox.endpoint_row("ours")).secrets) == 1


def test_secrets_that_do_not_open_cost_their_endpoint_an_attempt_and_n8n_nothing(outbox):
    outbox.add()
    outbox.write()
    outbox.set_endpoint("ours", key_id="00000000")
    report = outbox.deliver(taken)
    assert (report.delivered, report.retried) == (1, 1)
    assert "its key 00000000 is not among the keys set" in outbox.endpoint("ours")["last_error"]


def test_a_disabled_endpoint_gets_nothing_new_and_keeps_what_waits(outbox):
    number, _ = outbox.add()
    outbox.write()
    endpoints.change(outbox.backline, "test", number, enabled=False)
    outbox.write(first=1)
    assert outbox.deliver(taken).delivered == 2
    assert [row["status"] for row in outbox.deliveries() if row["endpoint_id"] == number] == ["pending"]
    endpoints.change(outbox.backline, "test", number, enabled=True)
    assert outbox.deliver(taken).delivered == 1


def test_what_is_not_changed_stays(outbox):
    number, secret = outbox.add(headers={"X-Own": "canary"}, event_types=["error.occurred"])
    endpoints.change(outbox.backline, "test", number, rate_limit="5/1")
    kept = unsealed(outbox.backline, outbox.endpoint_row("ours"))
    assert (kept.secrets, kept.headers) == ([secret.text()], {"X-Own": "canary"})
    row = outbox.endpoint("ours")
    assert (row["rate_limit"], row["event_types"], row["url"]) == (
        "5/1",
        ["error.occurred"],
        "http://receiver.test/hook",
    )


@pytest.mark.parametrize("changes", [{"url": "https://else.example"}, {"name": "x"}, {"headers": {}}])
def test_n8ns_own_paths_keep_what_the_settings_say(outbox, changes):
    with pytest.raises(InputRefused, match="n8n's own path"):
        endpoints.change(outbox.backline, "test", outbox.n8n, **changes)


def test_n8ns_own_paths_can_be_slowed_down_and_disabled_and_not_removed(outbox):
    endpoints.change(outbox.backline, "test", outbox.n8n, enabled=False, max_in_flight=1)
    row = outbox.endpoint("n8n error-alerts")
    assert (row["enabled"], row["max_in_flight"], row["url"]) == (False, 1, None)
    with pytest.raises(InputRefused, match="disable it"):
        endpoints.remove(outbox.backline, "test", outbox.n8n)
    with pytest.raises(InputRefused, match="the settings' secrets"):
        endpoints.rotate(outbox.backline, "test", outbox.n8n)


def test_a_removed_endpoint_leaves_no_event_waiting_for_it(outbox):
    number, _ = outbox.add()
    outbox.write()
    outbox.deliver(lambda request: httpx.Response(500 if request.url.host == "receiver.test" else 204))
    assert outbox.event()["status"] == "pending"
    endpoints.remove(outbox.backline, "test", number)
    assert outbox.event()["status"] == "delivered"


def test_a_name_is_taken_once_an_org(outbox):
    outbox.add()
    with pytest.raises(InputRefused, match="has an endpoint 'ours' already"):
        outbox.add()


def test_an_org_that_is_not_there_is_refused(outbox):
    with pytest.raises(InputRefused, match="nobody is unknown"):
        endpoints.add(outbox.backline, "test", "nobody", Draft(**SOUND))


class TestReplays:
    """Deliveries are made due again, by what they have in common."""

    def test_of_one_endpoint_leave_the_others_alone(self, outbox):
        number, _ = outbox.add()
        outbox.write(3)
        outbox.deliver(taken)
        assert outbox.replay(endpoint_id=number) == 3
        outbox.deliver(taken)
        assert len([1 for _, headers, _ in outbox.posted if headers["host"] == "receiver.test"]) == 6
        assert len(outbox.posted) == 9

    def test_give_an_endpoint_what_it_was_never_sent(self, outbox):
        outbox.write(3)
        outbox.deliver(taken)
        number, _ = outbox.add(providers=["spotify"])
        assert outbox.replay(endpoint_id=number) == 3
        assert outbox.deliver(taken).delivered == 3
        assert outbox.replay(endpoint_id=number, status="failed") == 0

    def test_do_not_give_an_endpoint_what_it_does_not_want(self, outbox):
        outbox.write(3)
        number, _ = outbox.add(providers=["youtube"])
        assert outbox.replay(endpoint_id=number) == 0

    @pytest.mark.parametrize(
        ("selection", "count"),
        [
            ({"provider": "spotify"}, 2),
            ({"provider": "youtube"}, 1),
            ({"event_type": "data.synced"}, 0),
            ({"status": "failed"}, 0),
            ({"status": "delivered"}, 3),
            ({}, 3),
        ],
    )
    def test_take_all_that_fit_every_field(self, outbox, selection, count):
        outbox.write(2)
        outbox.write(provider="youtube")
        outbox.deliver(taken)
        assert outbox.replay(**selection) == count

    def test_leave_what_is_under_way_alone(self, outbox):
        outbox.write()
        counts = []

        def answer(_):
            counts.append(outbox.replay())
            return httpx.Response(204)

        outbox.deliver(answer)
        assert counts == [0]

    def test_ask_an_endpoint_at_once_whose_breaker_is_open(self, outbox):
        outbox.write(12)
        outbox.deliver(lambda _: httpx.Response(500))
        outbox.make_due()
        outbox.deliver(lambda _: httpx.Response(500))
        assert outbox.endpoint("n8n error-alerts")["breaker"] == "open"
        outbox.replay(endpoint_id=outbox.n8n)
        assert outbox.deliver(taken).delivered == 12
