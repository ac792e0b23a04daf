"""The client of a provider's API: what each refusal means, when it tries again, and what it never tells."""

from __future__ import annotations

import asyncio
import email.utils
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.errors import (
    ContractChanged,
    Gone,
    GrantExpired,
    PermissionMissing,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ScopeMissing,
    Transient,
)
from resources.http import ProviderClient, Usage, retry_after_seconds
from resources.limiter import AppLimiter
from resources.provider import Limit
from resources.providers.spotify import PROVIDER as SPOTIFY
from resources.transport import USER_AGENT, ReplyTooLarge, open_client

pytestmark = pytest.mark.providers

REPLIES = Path(__file__).parents[3] / "shared" / "replies" / "spotify"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TOKEN = "canary-token"
Answer = httpx.Response | Exception


def refusal(status: int, message: str = "no", headers: dict[str, str] | None = None, **error: Any) -> Answer:
    return httpx.Response(
        status, json={"error": {"status": status, "message": message, **error}}, headers=headers
    )


class Asked:
    """A client whose provider gives the listed answers, the last of them for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[httpx.Request] = []
        self.usage = Usage()
        self._answers = answers

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
        self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def _get(self, path: str, params: dict[str, Any]) -> bytes:
        limiter = AppLimiter("spotify", Limit(10_000, seconds=1))
        async with open_client(4, httpx.MockTransport(self._answer)) as client:
            base = "https://api.acme.example/v1/"
            asking = ProviderClient(
                "spotify", SPOTIFY.api, {"": base}, client, limiter, first_backoff_seconds=0.001
            )
            return await asking.get(path, params, TOKEN, self.usage)

    def get(self, path: str = "/me", **params: Any) -> bytes:
        """Ask once, and return the body."""
        return asyncio.run(self._get(path, params))

    def refused(self) -> ProviderError:
        """Ask once, and return what that raises."""
        with pytest.raises(ProviderError) as raised:
            self.get()
        return raised.value


def good() -> httpx.Response:
    return httpx.Response(200, content=b"{}")


def test_request_carries_path_parameters_token_and_name():
    asked = Asked(good())
    assert asked.get("/me/tracks", limit=50, after="a b&c=d") == b"{}"
    request = asked.requests[0]
    assert str(request.url).partition("?")[0] == "https://api.acme.example/v1/me/tracks"
    assert dict(request.url.params) == {"limit": "50", "after": "a b&c=d"}
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["user-agent"] == USER_AGENT


def test_redirect_is_not_followed_because_it_would_take_the_token_along():
    asked = Asked(httpx.Response(302, headers={"location": "https://evil.example/"}))
    assert type(asked.refused()) is ContractChanged
    assert len(asked.requests) == 1


@pytest.mark.parametrize(
    ("file", "status", "means"),
    [
        ("error_400_invalid_limit.json", 400, ContractChanged),
        ("error_403_forbidden_removed_endpoint.json", 403, PermissionMissing),
        ("error_404_playlist.json", 404, Gone),
        ("error_429_rate_limit.json", 429, RateLimited),
    ],
)
def test_recorded_refusal_has_its_meaning(file, status, means):
    if not (REPLIES / file).exists():
        pytest.skip(f"{REPLIES / file} is not here")
    body = (REPLIES / file).read_bytes()
    error = Asked(httpx.Response(status, content=body, headers={"retry-after": "90"})).refused()
    assert type(error) is means
    assert json.loads(body)["error"]["message"] in str(error)
    assert (error.status, error.path) == (status, "/me")


def test_every_recorded_refusal_of_the_web_api_is_classified_here():
    if not REPLIES.exists():
        pytest.skip(f"{REPLIES} is not here")
    recorded = {path.name for path in REPLIES.glob("error_*.json") if '"status"' in path.read_text()}
    parameters = test_recorded_refusal_has_its_meaning.pytestmark[0].args[1]
    assert recorded == {file for file, _, _ in parameters}


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (refusal(401, "The access token expired"), GrantExpired),
        (refusal(403, "Insufficient client scope"), ScopeMissing),
        (refusal(403, "Forbidden"), PermissionMissing),
        (refusal(410), Gone),
        (refusal(429, "Quota exceeded", reason="QUOTA_EXCEEDED"), QuotaExhausted),
        (refusal(405), ContractChanged),
        (refusal(418), ContractChanged),
    ],
)
def test_refusal_is_raised_at_once_as_what_it_means(answer, means):
    asked = Asked(answer)
    assert type(asked.refused()) is means
    assert len(asked.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'"x"',
        b'{"error": null}',
        b'{"error": "x"}',
        b'{"error": {"message": 5}}',
        b'{"error": {"message": "\xff"}}',
        b"[" * 100_000,
    ],
)
def test_refusal_without_a_message_still_has_its_meaning(body):
    error = Asked(httpx.Response(404, content=body)).refused()
    assert type(error) is Gone
    assert "404 Not Found" in str(error)


def test_quota_without_a_time_waits_as_declared():
    error = Asked(refusal(429, reason="QUOTA_EXCEEDED")).refused()
    assert error.retry_at - datetime.now(UTC) == pytest.approx(
        SPOTIFY.api.quota_wait, abs=timedelta(seconds=5)
    )


@pytest.mark.parametrize("reason", [{}, {"reason": "QUOTA_EXCEEDED"}])
def test_long_wait_parks_instead_of_sleeping(reason):
    asked = Asked(refusal(429, headers={"retry-after": "79892"}, **reason))
    error = asked.refused()
    assert error.retry_at - datetime.now(UTC) == pytest.approx(
        timedelta(seconds=79_892), abs=timedelta(seconds=5)
    )
    assert len(asked.requests) == 1


@pytest.mark.parametrize("text", ["99999999999999", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_absurd_wait_parks_for_a_week_and_no_longer(text):
    error = Asked(refusal(429, headers={"retry-after": text})).refused()
    assert type(error) is RateLimited
    assert timedelta(days=6) < error.retry_at - datetime.now(UTC) <= timedelta(days=7)


def test_short_wait_is_slept_and_the_request_repeated():
    asked = Asked(refusal(429, headers={"retry-after": "0.2"}), good())
    started = datetime.now(UTC)
    assert asked.get() == b"{}"
    assert timedelta(seconds=0.2) <= datetime.now(UTC) - started < timedelta(seconds=2)
    assert (asked.usage.requests, asked.usage.refused) == (2, 1)


def test_endless_rate_limiting_ends_after_ten_tries():
    asked = Asked(refusal(429, headers={"retry-after": "0"}))
    assert type(asked.refused()) is RateLimited
    assert len(asked.requests) == 10


@pytest.mark.parametrize(
    "answer",
    [
        refusal(500),
        refusal(502),
        httpx.Response(503, content=b"<html>"),
        refusal(408),
        httpx.ConnectError(""),
        httpx.ReadTimeout(""),
        httpx.RemoteProtocolError(""),
    ],
)
def test_transient_fault_is_tried_four_times(answer):
    asked = Asked(answer)
    assert type(asked.refused()) is Transient
    assert len(asked.requests) == asked.usage.requests == asked.usage.refused == 4
    recovering = Asked(answer, answer, good())
    assert recovering.get() == b"{}"
    assert (recovering.usage.requests, recovering.usage.refused) == (3, 2)


def test_reply_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("resources.transport.LARGEST_REPLY_BYTES", 10)

    async def body(size):
        for _ in range(size):
            yield b"x"

    async def ask(size):
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body(size)))
        async with open_client(1, transport) as client:
            return (await client.get("http://spotify.test/me")).content

    assert asyncio.run(ask(10)) == b"x" * 10
    with pytest.raises(ReplyTooLarge, match="larger"):
        asyncio.run(ask(11))


def test_reply_that_is_too_large_is_a_changed_contract():
    asked = Asked(ReplyTooLarge("the reply is larger than 32 MiB"))
    assert type(asked.refused()) is ContractChanged


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, f"Bad token {TOKEN}, {TOKEN}"),
        refusal(403, f"{'x' * 190}{TOKEN}"),
        refusal(429, TOKEN, headers={"retry-after": "90"}),
        refusal(500, TOKEN),
        httpx.ConnectError(f"Bearer {TOKEN}"),
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"),
    ],
)
def test_token_is_in_no_message(answer):
    error = Asked(answer).refused()
    assert "canary" not in f"{error} {error!r} {error.problem} {vars(error)}"


@given(st.text(st.sampled_from("\0aé"), max_size=400))
def test_provider_words_are_bounded_and_fit_any_database(message):
    told = str(Asked(refusal(400, message)).refused())
    assert len(told) < 400
    assert "\0" not in told


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("-5", 0.0),
        ("-inf", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("1,5", None),
        ("Mon, 23 Nov 2026 10:01:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 10:01:00 -0000", 60.0),
        ("Mon, 23 Nov 2026 12:01:00 +0200", 60.0),
        ("Monday, 23-Nov-26 10:01:00 GMT", 60.0),
        ("Mon Nov 23 10:01:00 2026", 60.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 0.0),
        ("Mon, 32 Nov 2026 09:00:00 GMT", None),
        ("Mon, 23 Nov 2026 10:01:00 +9999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert retry_after_seconds(httpx.Headers({"Retry-After": text}), NOW) == seconds


def test_absent_retry_after_says_nothing():
    assert retry_after_seconds({}, NOW) is None


@given(st.text() | st.floats().map(str) | st.datetimes().map(email.utils.format_datetime))
def test_arbitrary_retry_after_is_a_wait_or_nothing(text):
    seconds = retry_after_seconds({"retry-after": text}, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


def test_usage_adds_up():
    first, second = Usage(), Usage()
    first.count(0.1, accepted=True)
    second.count(0.3, accepted=False)
    first.add(second)
    assert (first.requests, first.refused) == (2, 1)
    assert first.latency.mean_ms == pytest.approx(200)


@pytest.mark.integration
def test_a_refused_connection_is_told_as_one():
    async def ask():
        async with open_client(1) as client:
            await client.get("http://127.0.0.1:1/")

    with pytest.raises(httpx.ConnectError):
        asyncio.run(ask())
