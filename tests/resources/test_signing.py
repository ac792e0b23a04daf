"""Standard Webhooks signatures, against the standard's own package."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from resources.errors import InputRefused
from resources.signing import (
    TOLERANCE_SECONDS,
    SignatureRefused,
    SigningSecret,
    parse_secrets,
    signed_headers,
    verify,
)

pytestmark = pytest.mark.webhooks

NOW = 1_795_000_000
SECRET = SigningSecret(b"0123456789abcdef0123456789abcdef")
OTHER = SigningSecret(b"fedcba9876543210fedcba9876543210")
BODY = b'{"id": "evt_1"}'

keys = st.binary(min_size=16, max_size=64).map(SigningSecret)
ids = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=40)
bodies = st.dictionaries(st.text(), st.text()).map(lambda value: json.dumps(value).encode())


def now() -> int:
    return int(datetime.now(UTC).timestamp())


@given(secret=keys, message_id=ids, body=bodies)
def test_the_standards_package_accepts_what_we_sign(secret, message_id, body):
    headers = signed_headers([secret], message_id, now(), body)
    assert Webhook(secret.text()).verify(body, headers) == json.loads(body)


@given(secret=keys, message_id=ids, body=bodies, second=st.integers(1, 2_000_000_000))
def test_we_accept_what_the_standards_package_signs(secret, message_id, body, second):
    moment = datetime.fromtimestamp(second, UTC)
    signature = Webhook(secret.text()).sign(message_id, moment, body.decode())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(second), "webhook-signature": signature}
    assert verify([secret], headers, body, second) == message_id


def test_every_secret_signs_and_any_of_them_verifies():
    headers = signed_headers([SECRET, OTHER], "evt_1", now(), BODY)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        assert Webhook(secret.text()).verify(BODY, headers)
        assert verify([secret], headers, BODY, now()) == "evt_1"


@given(data=st.data())
def test_one_changed_byte_is_refused(data):
    place = data.draw(st.integers(0, len(BODY) - 1))
    changed = bytearray(BODY)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SignatureRefused):
        verify([SECRET], signed_headers([SECRET], "evt_1", NOW, BODY), bytes(changed), NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", " ", "x", "1795000001", "v1,", "v1,AAAA", "v2,AAAA", "-5", "٣"])
def test_missing_or_other_header_is_refused(name, value):
    headers = signed_headers([SECRET], "evt_1", NOW, BODY)
    headers.pop(name)
    with pytest.raises(SignatureRefused):
        verify([SECRET], headers if value is None else {**headers, name: value}, BODY, NOW)


@pytest.mark.parametrize("digits", [20, 400, 5_000])
def test_timestamp_of_absurd_length_is_refused(digits):
    headers = signed_headers([SECRET], "evt_1", NOW, BODY) | {"webhook-timestamp": "9" * digits}
    with pytest.raises(SignatureRefused):
        verify([SECRET], headers, BODY, NOW)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_arbitrary_headers_are_refused_and_nothing_else(headers):
    with pytest.raises(SignatureRefused):
        verify([SECRET], headers, BODY, NOW)


@pytest.mark.parametrize("age", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_message_within_five_minutes_is_accepted(age):
    assert verify([SECRET], signed_headers([SECRET], "evt_1", NOW, BODY), BODY, NOW + age) == "evt_1"


@pytest.mark.parametrize("age", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, 86_400])
def test_message_that_is_too_old_or_too_new_is_refused(age):
    with pytest.raises(SignatureRefused, match="300 s"):
        verify([SECRET], signed_headers([SECRET], "evt_1", NOW, BODY), BODY, NOW + age)


def test_no_secret_verifies_nothing():
    with pytest.raises(SignatureRefused):
        verify([], signed_headers([], "evt_1", NOW, BODY), BODY, NOW)


def test_the_standards_package_refuses_another_secrets_signature():
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER.text()).verify(BODY, signed_headers([SECRET], "evt_1", now(), BODY))


@given(keys)
def test_secret_is_read_as_it_was_written(secret):
    assert SigningSecret.parse(secret.text()) == secret


def test_secrets_are_listed_newest_first():
    assert parse_secrets(f" {SECRET.text()} , {OTHER.text()},") == (SECRET, OTHER)
    assert parse_secrets("") == parse_secrets(" , ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "MDEyMzQ1Njc4OWFiY2RlZg==",
        "whsec_",
        "whsec_canary!",
        "whsec_canaryé",
        "whsec_" + base64.b64encode(b"canary").decode(),
        "whsec_" + base64.b64encode(b"canary" * 11).decode(),
        "WHSEC_" + base64.b64encode(bytes(32)).decode(),
    ],
)
def test_bad_secret_is_refused_without_being_shown(text):
    with pytest.raises(InputRefused, match=r"BACKLINE_N8N_SIGNING_SECRETS: .*; use whsec_") as refusal:
        SigningSecret.parse(text)
    assert "canary" not in str(refusal.value)


def test_new_secret_is_printable_because_n8n_takes_it_as_text():
    first, second = SigningSecret.new(), SigningSecret.new()
    assert first != second
    assert first.key.decode("ascii").isprintable()
    assert SigningSecret.parse(first.text()) == first


@given(keys)
def test_secret_is_not_shown(secret):
    assert repr(secret) == f"{secret}" == "SigningSecret(••••)"
