"""Usage headers: read in whatever shape they come, and obeyed before a limit is hit."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.errors import AccountThrottled, RateLimited
from resources.http import ProviderClient, Usage
from resources.limiter import AppLimiter
from resources.pressure import LONGEST_EASING_SECONDS, REGAIN, Pressure, pressures
from resources.provider import Limit
from resources.providers import PROVIDERS
from resources.transport import open_client

pytestmark = pytest.mark.providers

INSTAGRAM = PROVIDERS["instagram"]
NAMES = INSTAGRAM.api.usage
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["call_count", "total_time", "estimated_time_to_regain_access", "1784", "x"]),
            inner,
        )
    ),
)


def app_header(**usage):
    return {NAMES.app: msgspec.json.encode(usage).decode()}


def account_header(**usage):
    return {NAMES.account: msgspec.json.encode({"1784": [usage]}).decode()}


@given(JSON.map(lambda value: msgspec.json.encode(value).decode()) | st.text())
def test_headers_of_any_shape_never_raise(text):
    for found in pressures({NAMES.app: text, NAMES.account: text}, NAMES):
        assert found is None or (found.easing_seconds >= 0 and found.regain >= timedelta(0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "[" * 100_000,
        '{"call_count": 1e999}',
        '{"call_count": "96"}',
        '{"call_count": true}',
        "\ud800",
        "null",
        "{}",
    ],
)
def test_what_is_not_understood_says_nothing(text):
    assert pressures({NAMES.app: text}, NAMES) == (None, None)


def test_a_number_beyond_all_bounds_is_full():
    (app, _) = pressures({NAMES.app: '{"call_count": 1' + "0" * 400 + "}"}, NAMES)
    assert app is None or app.is_full


@pytest.mark.parametrize("minutes", [0, -5, 10**9, "9", None, True])
def test_a_regain_that_is_no_time_is_ten_minutes(minutes):
    header = account_header(call_count=99, estimated_time_to_regain_access=minutes)
    (_, account) = pressures(header, NAMES)
    assert account == Pressure(99.0, REGAIN)


def test_the_largest_share_counts_of_several():
    usages = {"1": [{"call_count": 10, "total_time": 80}, {"total_cputime": 96}], "2": [{"call_count": 20}]}
    (_, account) = pressures({NAMES.account: msgspec.json.encode(usages).decode()}, NAMES)
    assert account is not None
    assert account.percent == 96


@given(st.floats(0, 200), st.floats(0, 200))
def test_easing_grows_with_the_share_that_is_used(one, other):
    less, more = sorted((one, other))
    assert 0 <= Pressure(less).easing_seconds <= Pressure(more).easing_seconds <= LONGEST_EASING_SECONDS


def test_there_is_no_easing_before_three_quarters_and_a_stop_at_95_percent():
    assert Pressure(75).easing_seconds == 0
    assert Pressure(75.1).easing_seconds > 0
    assert (Pressure(94.9).is_full, Pressure(95).is_full) == (False, True)


class Meta:
    """A client of a provider that answers with the headers it is told."""

    def __init__(self, *headers):
        self.headers, self.requests = list(headers), 0
        self.limiter = AppLimiter("instagram", Limit(1_000, seconds=1))

    def _answer(self, _):
        self.requests += 1
        headers = self.headers.pop(0) if self.headers else {}
        return httpx.Response(200, json={}, headers=headers)

    def ask(self, *tokens):
        """Ask once a token; return what each met."""

        async def go():
            transport = httpx.MockTransport(self._answer)
            async with open_client(1, transport) as client:
                urls = {"": "https://instagram.test", "graph": "https://graph.test"}
                api = ProviderClient("instagram", INSTAGRAM.api, urls, client, self.limiter)
                return [await self._one(api, token) for token in tokens]

        return asyncio.run(go())

    @staticmethod
    async def _one(api, token):
        try:
            return await api.get("/me", {}, token, Usage())
        except (AccountThrottled, RateLimited) as error:
            return error


class TestStopping:
    """No request is made that would be refused."""

    def test_an_account_that_is_full_is_asked_no_more_and_the_others_are(self):
        header = account_header(call_count=95, estimated_time_to_regain_access=30)
        meta = Meta(header)
        first, again, other = meta.ask("a", "a", "b")
        assert (first, other) == (b"{}", b"{}")
        assert isinstance(again, AccountThrottled)
        assert again.retry_at > datetime.now(UTC) + timedelta(minutes=29)
        assert meta.requests == 2

    def test_an_app_that_is_full_asks_for_nobody(self):
        meta = Meta(app_header(call_count=97, estimated_time_to_regain_access=30))
        first, again, other = meta.ask("a", "a", "b")
        assert first == b"{}"
        assert isinstance(again, RateLimited)
        assert isinstance(other, RateLimited)
        assert meta.requests == 1

    def test_a_stop_ends_when_there_is_room_again(self):
        """An account's stop of a few milliseconds is over at the next request, and so is an app's."""
        brief = 1e-4  # minutes
        headers = [
            {
                **app_header(call_count=97, estimated_time_to_regain_access=brief),
                **account_header(call_count=76, estimated_time_to_regain_access=brief),
            }
        ]
        meta = Meta(*headers)
        assert meta.ask("a", "a") == [b"{}", b"{}"]
        assert meta.requests == 2

    def test_no_message_tells_the_token(self):
        (_, again) = Meta(account_header(call_count=99)).ask("canary-token", "canary-token")
        assert "canary" not in f"{again}{again!r}{vars(again)}"


class Paced(AppLimiter):
    """A limiter that remembers how it was told to go."""

    def __init__(self):
        super().__init__("instagram", Limit(1_000, seconds=1))
        self.paces = []

    def ease(self, seconds):
        self.paces.append(seconds)


def test_a_reply_without_the_header_leaves_the_pace_as_it_is():
    meta = Meta(app_header(call_count=90), {}, app_header(call_count=20))
    meta.limiter = Paced()
    meta.ask("a", "b", "c")
    assert meta.limiter.paces == [pytest.approx(1.2), 0.0]
