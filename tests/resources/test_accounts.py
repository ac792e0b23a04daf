"""Import lines: the right ones are read, each wrong field is named with its cure."""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.accounts import check_config, check_slug, parse_import_line, shard_hash
from resources.database import utc_now
from resources.errors import InputRefused
from resources.grants import Tokens
from resources.providers import PROVIDERS

GRANT = {"access_token": "canary-access", "refresh_token": "canary-refresh"}
LINE: dict[str, Any] = {"org": "acme", "provider": "spotify", "external_id": "31abc", "grant": GRANT}
ABSENT = object()

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def line_with(place: str, value: Any) -> str:
    """Return a good line whose field at ``place`` is replaced, or taken out."""
    account = json.loads(json.dumps(LINE))
    *path, last = place.split(".")
    at = account
    for name in path:
        at = at.setdefault(name, {})
    at.pop(last, None)
    if value is not ABSENT:
        at[last] = value
    return json.dumps(account)


def test_line_of_the_contract_is_read():
    line = """{"org": "acme", "provider": "spotify", "external_id": "31abc", "display_name": "Acme",
        "grant": {"access_token": "a", "refresh_token": "r", "expires_at": "2026-11-23T10:00:00Z",
        "scopes": ["user-top-read"]}, "config": {"artist_ids": ["4Z8W4fKeB5YxbusRsdQVPb"]}}"""
    account = parse_import_line(line)
    assert (account.org_slug, account.provider, account.external_id) == (
        "acme",
        PROVIDERS["spotify"],
        "31abc",
    )
    assert (account.display_name, account.tokens) == ("Acme", Tokens("a", "r"))
    assert account.expires_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert account.scopes == ["user-top-read"]
    assert account.config == {"artist_ids": ["4Z8W4fKeB5YxbusRsdQVPb"]}


def test_what_is_left_out_has_a_sensible_value():
    account = parse_import_line(json.dumps({**LINE, "grant": {"access_token": "a"}}))
    assert (account.display_name, account.expires_at) == ("31abc", None)
    assert (list(account.scopes), account.config) == ([], {})
    assert account.tokens.refresh_token is None
    assert utc_now() - account.authorized_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("place", "value", "names"),
    [
        ("org", ABSENT, "`org`"),
        ("org", None, "org"),
        ("org", 5, "org"),
        ("org", "", "org"),
        ("org", "Acme", "org"),
        ("org", "-acme", "org"),
        ("org", "a" * 64, "org"),
        ("org", "acme\n", "org"),
        ("org", "../acme", "org"),
        ("provider", ABSENT, "`provider`"),
        ("provider", "myspace", "provider"),
        ("provider", ["spotify"], "provider"),
        ("external_id", ABSENT, "`external_id`"),
        ("external_id", 31, "external_id"),
        ("external_id", "", "external_id"),
        ("external_id", " ", "external_id"),
        ("external_id", "a\0b", "external_id"),
        ("display_name", 5, "display_name"),
        ("display_name", "a\0b", "display_name"),
        ("grant", ABSENT, "`grant`"),
        ("grant", None, "grant"),
        ("grant", "canary", "grant"),
        ("grant.access_token", ABSENT, "`access_token`"),
        ("grant.access_token", "", "grant.access_token"),
        ("grant.access_token", " ", "grant.access_token"),
        ("grant.access_token", 5, "grant.access_token"),
        ("grant.access_token", "canary\nline", "grant.access_token"),
        ("grant.access_token", "canaryé", "grant.access_token"),
        ("grant.refresh_token", 5, "grant.refresh_token"),
        ("grant.refresh_token", "", "grant.refresh_token"),
        ("grant.refresh_token", "canary\0", "grant.refresh_token"),
        ("grant.expires_at", "tomorrow", "grant.expires_at"),
        ("grant.expires_at", "2026-11-23T10:00:00", "grant.expires_at"),
        ("grant.expires_at", "2026-13-23T10:00:00Z", "grant.expires_at"),
        ("grant.expires_at", 1_795_000_000, "grant.expires_at"),
        ("grant.authorized_at", "2026-11-23", "grant.authorized_at"),
        ("grant.authorized_at", "2026-11-23T10:00:00", "grant.authorized_at"),
        ("grant.scopes", "user-top-read", "grant.scopes"),
        ("grant.scopes", [5], "grant.scopes"),
        ("grant.scopes", ["a\0b"], "grant.scopes"),
        ("grant.accessToken", "canary", "`accessToken`"),
        ("config", [], "config"),
        ("config.artists", ["a"], "config.artists"),
        ("config.artist_ids", "a", "config.artist_ids"),
        ("config.artist_ids", [5], "config.artist_ids"),
        ("config.artist_ids", ["a/../b"], "config.artist_ids"),
        ("config.artist_ids", ["a?b"], "config.artist_ids"),
        ("config.artist_ids", ["a\n"], "config.artist_ids"),
        ("config.artist_ids", [""], "config.artist_ids"),
        ("name", "Acme", "`name`"),
    ],
)
def test_wrong_field_is_named_with_its_cure_and_without_a_secret(place, value, names):
    with pytest.raises(InputRefused) as refusal:
        parse_import_line(line_with(place, value))
    message = str(refusal.value)
    assert names in message
    assert "; " in message
    assert message.rpartition("; ")[2]
    assert "canary" not in message


@pytest.mark.parametrize(
    "line",
    ["", " ", "{", "acme,spotify", "null", "[]", "5", '"canary"', "[" * 100_000, '{"config":' * 50_000],
)
def test_line_that_is_no_object_is_refused(line):
    with pytest.raises(InputRefused, match=r"^line: .+; "):
        parse_import_line(line)


@given(st.text())
def test_arbitrary_line_raises_nothing_else(line):
    with pytest.raises(InputRefused):
        parse_import_line(line)


@given(
    place=st.sampled_from([*LINE, "display_name", "config", "config.artist_ids", "extra"])
    | st.sampled_from(["access_token", "refresh_token", "expires_at", "authorized_at", "scopes"]).map(
        "grant.{}".format
    ),
    value=values,
)
def test_arbitrary_value_in_any_field_raises_nothing_else(place, value):
    with contextlib.suppress(InputRefused):
        parse_import_line(line_with(place, value))


@pytest.mark.parametrize("slug", ["a", "0", "acme-2", "a" * 63, "a-"])
def test_slug_of_small_letters_digits_and_dashes_is_taken(slug):
    check_slug(slug)


def test_unknown_configuration_lists_the_known():
    with pytest.raises(InputRefused, match="Spotify takes: artist_ids"):
        check_config(PROVIDERS["spotify"], {"playlists": []})


def test_orgs_spread_evenly_over_shards_and_stay_in_theirs():
    orgs = [uuid.UUID(int=n << 64) for n in range(4_000)]
    shards = [shard_hash(org) % 16 for org in orgs]
    assert shards == [shard_hash(org) % 16 for org in orgs]
    assert all(180 < shards.count(shard) < 320 for shard in range(16))


def test_optional_streams_without_a_permission_of_their_own_are_chosen_by_configuration():
    check_config(PROVIDERS["youtube"], {"optional_streams": ["comment_threads"]})
    with pytest.raises(InputRefused, match="names revenue_daily; use some of comment_threads"):
        check_config(PROVIDERS["youtube"], {"optional_streams": ["revenue_daily"]})


@pytest.mark.parametrize("provider", ["spotify", "instagram"])
def test_a_provider_without_streams_to_choose_takes_no_choice(provider):
    with pytest.raises(InputRefused, match=r"config\.optional_streams: is unknown"):
        check_config(PROVIDERS[provider], {"optional_streams": ["comments"]})
