"""Who a push is from: signatures over raw bodies, and the words that verify our address."""

from __future__ import annotations

import hashlib
import hmac
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.backline import Backline
from resources.providers import PROVIDERS
from resources.pushes.proof import is_signed, is_verify_token, subscription_secrets, verify_token
from resources.settings import Settings
from resources.vault import EncryptionKey

pytestmark = pytest.mark.providers
INSTAGRAM, YOUTUBE = PROVIDERS["instagram"], PROVIDERS["youtube"]
BODY = b'{"entry": []}'


def signed(body, secret="secret", algorithm="sha256"):
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


@pytest.fixture
def backline(tmp_path):
    keys = ",".join(EncryptionKey(bytes([n]) * 32).text() for n in (1, 2))
    return Backline(Settings(home=tmp_path, encryption_keys=keys))


def test_a_body_signed_with_the_secret_is_theirs():
    assert is_signed(INSTAGRAM.pushes, BODY, signed(BODY), ["secret"])
    assert is_signed(YOUTUBE.pushes, BODY, signed(BODY, algorithm="sha1"), ["other", "secret"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha256",
        signed(BODY, "other"),
        signed(BODY + b" "),
        signed(BODY, algorithm="sha1"),
        signed(BODY).removeprefix("sha256="),
        signed(BODY).replace("sha256", "SHA512"),
        "sha256=" + "é" * 64,
        "sha256=" + "0" * 64,
    ],
)
def test_anything_else_is_not(header):
    assert not is_signed(INSTAGRAM.pushes, BODY, header, ["secret"])


def test_an_app_without_a_secret_signs_nothing():
    assert not is_signed(INSTAGRAM.pushes, BODY, signed(BODY, ""), [""])


@given(header=st.text(), body=st.binary())
def test_no_header_raises(header, body):
    assert is_signed(INSTAGRAM.pushes, body, header, ["secret"]) in {True, False}


def test_each_account_has_a_secret_of_its_own_under_every_key(backline):
    one, other = uuid.uuid4(), uuid.uuid4()
    secrets = [*subscription_secrets(backline, one), *subscription_secrets(backline, other)]
    assert len(set(secrets)) == 4
    assert all(len(secret) < 200 for secret in secrets), "WebSub takes no longer ones"


def test_a_secret_given_under_an_older_key_is_still_known(backline, tmp_path):
    account, old = uuid.uuid4(), EncryptionKey(bytes([2]) * 32).text()
    before = Backline(Settings(home=tmp_path, encryption_keys=old))
    assert subscription_secrets(before, account)[0] in subscription_secrets(backline, account)


def test_the_verify_token_is_set_or_made_and_is_one_a_provider(backline, monkeypatch):
    made = verify_token(backline, INSTAGRAM)
    assert made == verify_token(backline, INSTAGRAM) != verify_token(backline, YOUTUBE)
    assert is_verify_token(backline, INSTAGRAM, made)
    assert not is_verify_token(backline, INSTAGRAM, made[:-1])
    monkeypatch.setenv("BACKLINE_INSTAGRAM_VERIFY_TOKEN", "of my own")
    assert verify_token(backline, INSTAGRAM) == "of my own"


def test_a_signature_is_that_of_the_standard():
    key, body = b"key", b"The quick brown fox jumps over the lazy dog"
    known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"  # RFC 4231's algorithm
    assert hmac.new(key, body, hashlib.sha256).hexdigest() == known
    assert is_signed(INSTAGRAM.pushes, body, f"sha256={known}", ["key"])
