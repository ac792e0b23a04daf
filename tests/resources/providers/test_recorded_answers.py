"""What Instagram and YouTube were recorded to answer: each error means what it should, each token is read."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from resources import errors
from resources.http import ProviderClient, Usage
from resources.limiter import AppLimiter
from resources.oauth import TokenClient
from resources.provider import Limit
from resources.providers import PROVIDERS
from resources.replies import ReplyDecoder
from resources.token_replies import read_reply

pytestmark = pytest.mark.providers
REPLIES = Path(__file__).parents[4] / "shared" / "replies"
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OF_API = {
    "instagram/error_100_33_unsupported_get": (400, errors.Gone, "Unsupported get request"),
    "instagram/error_100_metric_not_supported_v21": (
        400,
        errors.PartRefused,
        "no longer supported: video_views",
    ),
    "instagram/error_100_missing_permission": (400, errors.PermissionMissing, "missing permission"),
    "instagram/error_10_permission": (403, errors.PermissionMissing, "does not have permission"),
    "youtube/error_400_keyInvalid": (400, errors.AppRefused, "Bad Request"),
    "youtube/error_403_permission_denied": (403, errors.PermissionMissing, "does not have permission"),
    "youtube/error_403_quotaExceeded": (403, errors.QuotaExhausted, "exceeded your"),
}
OF_TOKENS = {
    "instagram/error_400_oauth_code_used": (400, errors.GrantExpired, "was already used"),
    "youtube/error_400_invalid_grant": (400, errors.GrantExpired, "expired or revoked"),
}
LISTS = {
    "instagram/media": "instagram/media_page1",
    "instagram/comments": "instagram/media_comments_page1",
    "instagram/stories": "instagram/user_stories",
    "instagram/account_insights": "instagram/user_insights_day_series",
    "instagram/follower_demographics": "instagram/user_follower_demographics_age_gender",
    "instagram/media_actions": "instagram/media_insights_profile_activity_breakdown",
    "instagram/media_insights": "instagram/media_insights_OLD_METRICS",
    "youtube/channels": "youtube/channel_full_parts",
    "youtube/uploads": "youtube/playlistItems_snippet_contentDetails",
    "youtube/videos": "youtube/videos_list_page1",
    "youtube/video_statistics": "youtube/videos_list_single",
    "youtube/playlists": "youtube/playlists_mine",
    "youtube/comment_threads": "youtube/commentThreads_page1",
    "youtube/channel_daily": "youtube/analytics_reports_query",
}


def body_of(name):
    path = REPLIES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"../shared/replies/{name}.json is not here")
    return path.read_bytes()


def test_every_recorded_error_is_among_these():
    if not REPLIES.is_dir():
        pytest.skip("../shared/replies is not here")
    recorded = {f"{path.parent.name}/{path.stem}" for path in REPLIES.glob("[iy]*/error_*.json")}
    assert recorded == set(OF_API) | set(OF_TOKENS)


@pytest.mark.parametrize("name", OF_API)
def test_a_refusal_of_the_api_has_its_own_meaning_and_cure(name):
    status, means, words = OF_API[name]
    provider = PROVIDERS[name.partition("/")[0]]
    error = asyncio.run(refused(provider, httpx.Response(status, content=body_of(name))))
    assert type(error) is means
    assert words in str(error)
    assert str(error).endswith(means.cure)
    assert "token-that-is-secret" not in str(error)


async def refused(provider, response):
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: response)) as client:
        limiter = AppLimiter(provider.name, Limit(100, 1))
        api = ProviderClient(provider.name, provider.api, {"": "http://api.test"}, client, limiter)
        with pytest.raises(errors.ProviderError) as caught:
            await api.get("/me", {}, "token-that-is-secret", Usage())
        return caught.value


def test_a_spent_quota_is_waited_for_until_midnight_pacific():
    youtube = PROVIDERS["youtube"]
    body = body_of("youtube/error_403_quotaExceeded")
    error = asyncio.run(refused(youtube, httpx.Response(403, content=body)))
    assert error.retry_at == youtube.api.quota.reset(datetime.now(UTC))
    assert error.retry_at.hour in {7, 8}


@pytest.mark.parametrize("name", OF_TOKENS)
def test_a_refusal_of_the_token_endpoint_asks_for_reconnection(backline, name):
    status, means, words = OF_TOKENS[name]
    provider = PROVIDERS[name.partition("/")[0]]

    async def exchange():
        answer = httpx.Response(status, content=body_of(name))
        async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
            with pytest.raises(errors.ProviderError) as caught:
                await TokenClient(backline, provider, client).exchange("code-that-is-secret", "verifier")
            return caught.value

    error = asyncio.run(exchange())
    assert type(error) is means
    assert words in str(error)
    assert str(error).endswith(means.cure)
    assert "secret" not in str(error)


@pytest.fixture
def database_url(tmp_path):
    """No database is asked for anything but the app's credentials."""
    from resources.database import open_database  # noqa: PLC0415  # only here
    from resources.migrations import upgrade  # noqa: PLC0415  # likewise

    url = f"sqlite:///{tmp_path / 'backline.db'}"
    upgrade(open_database(url))
    return url


@pytest.mark.parametrize(
    "name",
    [
        "instagram/token_long_lived",
        "instagram/token_refresh_response",
        "instagram/token_short_lived_flat_legacy",
        "youtube/token_authorization_code",
        "youtube/token_refresh",
        "youtube/token_with_refresh_token_expires_in",
    ],
)
def test_every_recorded_token_is_read_and_not_shown(name):
    reply = read_reply(body_of(name))
    assert reply.access_token == "REDACTED"
    assert "REDACTED" not in repr(reply)


def test_scopes_are_read_in_every_shape():
    assert (
        "https://www.googleapis.com/auth/youtube"
        in read_reply(body_of("youtube/token_authorization_code")).scopes
    )
    assert "instagram_business_basic" in read_reply(body_of("instagram/token_refresh_response")).scopes
    assert len(read_reply(body_of("youtube/token_with_refresh_token_expires_in")).scopes) == 2
    assert read_reply(body_of("instagram/token_long_lived")).scopes is None


def test_the_wrapped_and_the_flat_shape_of_instagram_are_the_same():
    flat = {"access_token": "t", "user_id": 17, "permissions": ["a", "b"]}
    wrapped = {"data": [{**flat, "permissions": "a,b"}]}
    assert (
        read_reply(json.dumps(flat).encode()).scopes
        == read_reply(json.dumps(wrapped).encode()).scopes
        == ("a", "b")
    )


def test_a_google_app_in_testing_is_known_by_its_seven_days():
    reply = read_reply(body_of("youtube/token_with_refresh_token_expires_in"))
    assert reply.ends_at(NOW) == NOW + timedelta(seconds=604_799)
    assert reply.expires_at(NOW) == NOW + timedelta(seconds=3_599)


@pytest.mark.parametrize(("stream", "file"), LISTS.items())
def test_recorded_reply_is_read_whole(stream, file):
    provider, _, name = stream.partition("/")
    declared = PROVIDERS[provider].stream(name)
    body = body_of(file)
    reply = ReplyDecoder(declared).decode(body)
    assert reply.rejections == ()
    assert len(reply.page.items) >= len(json.loads(body).get("items", json.loads(body).get("data", [0]))) > 0
    known = dict.fromkeys(declared.given_names, "given")
    columns = [column.name for column in declared.reader.columns]
    for item in reply.page.items:
        row = dict(zip(columns, declared.reader.row(item, known), strict=True))
        assert all(row[column] is not None for column in declared.key)


def test_counters_written_as_text_are_numbers():
    channels = PROVIDERS["youtube"].stream("channels")
    reply = ReplyDecoder(channels).decode(body_of("youtube/channel_full_parts"))
    columns = [column.name for column in channels.reader.columns]
    row = dict(zip(columns, channels.reader.row(reply.page.items[0], {}), strict=True))
    assert isinstance(row["subscriber_count"], int)
    assert row["view_count"] > row["video_count"] > 0


def test_an_empty_list_is_one_with_and_without_its_items():
    channels = PROVIDERS["youtube"].stream("channels")
    assert ReplyDecoder(channels).decode(body_of("youtube/subscriptions_empty")).page.items == []
    without = b'{"pageInfo": {"totalResults": 0, "resultsPerPage": 5}}'
    assert ReplyDecoder(channels).decode(without).page.items == []
