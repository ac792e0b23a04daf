"""What the providers' pushes tell, in every shape that they come in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.provider import News, PushUnreadable
from resources.providers.instagram.pushes import read_changes
from resources.providers.youtube.pushes import read_feed

pytestmark = pytest.mark.providers
REPLIES = Path(__file__).parents[4] / "shared" / "replies"
FEED = (
    '<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom"'
    ' xmlns:at="http://purl.org/atompub/tombstones/1.0">{}</feed>'
)
ENTRY = (
    "<entry><yt:videoId>v1</yt:videoId><yt:channelId>UC1</yt:channelId>"
    "<updated>2026-11-24T08:00:00+00:00</updated></entry>"
)
TOMBSTONE = (
    '<at:deleted-entry ref="yt:video:v2" when="2026-11-24T09:00:00+00:00"><at:by><name>A</name>'
    "<uri>https://www.youtube.com/channel/UC1</uri></at:by></at:deleted-entry>"
)


def test_both_shapes_of_instagram_tell_the_same():
    value = {"media_id": "17", "id": "c1"}
    direct = {"id": "1784", "time": 5, "field": "comments", "value": value}
    listed = {"id": "1784", "time": 5, "changes": [{"field": "comments", "value": value}]}
    expected = [News("1784", "comments", "17", "5 c1")]
    for entry in (direct, listed):
        assert read_changes(json.dumps({"object": "instagram", "entry": [entry]}).encode()) == expected


def test_the_recorded_mention_is_read():
    path = REPLIES / "instagram" / "webhook_mentions_facebook_login.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    (news,) = read_changes(path.read_bytes())
    assert news == News("17841405726653026", "mentions", "17918195224117851", "1520622968")


def test_the_recorded_feed_is_read():
    path = REPLIES / "youtube" / "websub_atom_new_or_updated.xml"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    (news,) = read_feed(path.read_bytes())
    assert news == News("CHANNEL_ID", "video", "VIDEO_ID", "2015-03-09T19:05:24.552394234+00:00")


def test_a_deleted_video_names_its_channel_by_address_alone():
    assert read_feed(FEED.format(ENTRY + TOMBSTONE).encode()) == [
        News("UC1", "video", "v1", "2026-11-24T08:00:00+00:00"),
        News("UC1", "deleted", "v2", "2026-11-24T09:00:00+00:00"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<feed",
        b"{}",
        FEED.format("<entry/>").encode(),
        FEED.format("<at:deleted-entry/>").encode(),
        b'<!DOCTYPE f [<!ENTITY a "b">]><feed>&a;</feed>',
        b"\xff\xfe<feed/>",
        '<!DOCTYPE f [<!ENTITY a "b">]><feed>&a;</feed>'.encode("utf-16"),
    ],
)
def test_what_is_no_feed_is_refused(body):
    with pytest.raises(PushUnreadable):
        read_feed(body)


@given(st.binary())
def test_any_body_is_read_or_refused(body):
    for read in (read_feed, read_changes):
        try:
            read(body)
        except PushUnreadable:
            continue


KEYS = st.sampled_from(["entry", "id", "changes", "field", "value"])
ANY_JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)


@given(ANY_JSON)
def test_any_json_is_read_or_refused(value):
    try:
        read_changes(json.dumps({"entry": value}).encode())
    except PushUnreadable:
        return
