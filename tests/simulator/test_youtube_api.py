"""The Data API: what is answered, to whom, in which parts; and what is refused."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

pytestmark = pytest.mark.providers
FORCE_SSL = ("youtube.force-ssl",)
MINE = {"part": "id", "mine": "true"}


def statistics(tube, name, viewer):
    items = tube.body("videos", viewer, part="statistics", id=name)["items"]
    return items[0]["statistics"] if items else None


def privacy(tube, account):
    items = tube.items(
        "playlistItems",
        account,
        part="status,contentDetails",
        playlistId=tube.uploads(account),
        maxResults=50,
    )
    return {item["contentDetails"]["videoId"]: item["status"]["privacyStatus"] for item in items}


def test_ids_look_like_youtubes(tube):
    channel = tube.body("channels", 7, **MINE)["items"][0]["id"]
    assert re.fullmatch(r"UC[A-Za-z0-9_-]{22}", channel)
    assert tube.uploads(7) == "UU" + channel[2:]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{11}", name) for name in tube.videos(7))


def test_a_channel_is_found_by_id_and_by_handle_with_a_key(tube):
    mine = tube.body("channels", 7, part="snippet", mine="true")["items"][0]
    handle = mine["snippet"]["customUrl"]
    for asked in ({"id": mine["id"]}, {"forHandle": handle}, {"forHandle": handle[1:]}):
        assert tube.body("channels", None, part="snippet", **asked)["items"] == [mine]


def test_an_unknown_channel_gives_a_reply_without_items(tube):
    body = tube.body("channels", None, part="id", id="UC" + "x" * 22)
    assert "items" not in body
    assert body["pageInfo"]["totalResults"] == 0


def test_only_the_asked_parts_are_in_the_reply(tube):
    item = tube.body("channels", 1, part="statistics", mine="true")["items"][0]
    assert set(item) == {"kind", "etag", "id", "statistics"}
    item = tube.body("channels", 1, part=["snippet", "status"], mine="true")["items"][0]
    assert set(item) == {"kind", "etag", "id", "snippet", "status"}


def test_counters_are_strings_and_some_channels_hide_their_subscribers(tube):
    shown = tube.body("channels", 1, part="statistics", mine="true")["items"][0]["statistics"]
    hidden = tube.body("channels", 3, part="statistics", mine="true")["items"][0]["statistics"]
    assert isinstance(shown["viewCount"], str)
    assert (shown["hiddenSubscriberCount"], hidden["hiddenSubscriberCount"]) == (False, True)
    assert "subscriberCount" in shown
    assert "subscriberCount" not in hidden


def test_uploads_are_listed_newest_first_over_several_pages(tube):
    items = tube.items(
        "playlistItems", 11, part="snippet,contentDetails", playlistId=tube.uploads(11), maxResults=50
    )
    dates = [item["contentDetails"]["videoPublishedAt"] for item in items]
    assert len(items) == len({item["id"] for item in items}) == 120
    assert dates == sorted(dates, reverse=True)
    assert [item["snippet"]["position"] for item in items] == list(range(120))


def test_pages_default_to_five_and_name_their_neighbours(tube):
    asked = {"part": "id", "playlistId": tube.uploads(11)}
    first = tube.body("playlistItems", 11, **asked)
    second = tube.body("playlistItems", 11, **asked, pageToken=first["nextPageToken"])
    assert len(first["items"]) == 5
    assert first["pageInfo"] == {"totalResults": 120, "resultsPerPage": 5}
    assert "prevPageToken" not in first
    back = tube.body("playlistItems", 11, **asked, pageToken=second["prevPageToken"])
    assert back["items"] == first["items"]


def test_private_videos_are_shown_to_their_owner_only_and_unlisted_ones_by_id(tube):
    seen = privacy(tube, 11)
    assert set(seen.values()) == {"public", "unlisted", "private"}
    listed = tube.videos(11, viewer=None)
    assert {seen[name] for name in listed} == {"public"}
    for name, status in seen.items():
        assert statistics(tube, name, 11) is not None
        assert (statistics(tube, name, None) is None) == (status == "private")
        assert (statistics(tube, name, 2) is None) == (status == "private")
        assert bool(tube.body("videos:batchGetStats", None, part="id", id=name)["items"]) == (
            status != "private"
        )


def test_absent_and_malformed_ids_are_left_out(tube):
    known = tube.videos(1)[0]
    body = tube.body("videos", None, part="id", id=f"{known},xxxxxxxxxxx,?,{known}")
    assert [item["id"] for item in body["items"]] == [known]
    assert body["pageInfo"] == {"totalResults": 1, "resultsPerPage": 1}


def test_likes_and_comments_are_missing_where_they_are_off(tube):
    ids = ",".join(tube.videos(11)[:50])
    found = [item["statistics"] for item in tube.body("videos", 11, part="statistics", id=ids)["items"]]
    assert {"likeCount" in one for one in found} == {True, False}
    assert {"commentCount" in one for one in found} == {True, False}
    assert {type(value) for one in found for value in one.values()} == {str}


def test_both_ways_to_statistics_agree(tube):
    ids = ",".join(tube.videos(2)[:50])
    full = tube.body("videos", 2, part="statistics", id=ids)["items"]
    batch = tube.body("videos:batchGetStats", 2, part="statistics", id=ids.split(","))["items"]
    assert [item["id"] for item in full] == [item["id"] for item in batch]
    for one, other in zip(full, batch, strict=True):
        del one["statistics"]["favoriteCount"]
        assert one["statistics"] == other["statistics"]


def test_views_grow_with_time_and_never_shrink(tube):
    names = tube.videos(1)
    counts = []
    for _ in range(8):
        found = tube.body("videos:batchGetStats", 1, part="statistics", id=names[:50])["items"]
        counts.append([int(item["statistics"]["viewCount"]) for item in found])
        tube.sim.control("clock", advance_seconds=43_200)
        tube.tokens.clear()
    for earlier, later in pairwise(counts):
        assert all(after >= before for before, after in zip(earlier, later, strict=True))
    assert sum(counts[-1]) > sum(counts[0])


def test_threads_are_paged_newest_first_and_counted_with_their_replies(tube):
    name = tube.videos(1)[-1]
    threads = tube.items("commentThreads", None, part="snippet,replies", videoId=name, maxResults=100)
    times = [item["snippet"]["topLevelComment"]["snippet"]["publishedAt"] for item in threads]
    assert len(threads) >= 130
    assert times == sorted(times, reverse=True)
    comments = len(threads) + sum(item["snippet"]["totalReplyCount"] for item in threads)
    assert statistics(tube, name, None)["commentCount"] == str(comments)
    assert all(("replies" in item) == (item["snippet"]["totalReplyCount"] > 0) for item in threads)


def test_texts_of_comments_are_html_unless_asked_otherwise(tube):
    name = tube.videos(1)[-1]
    html, plain = (
        tube.items("commentThreads", None, part="snippet", videoId=name, maxResults=100, textFormat=form)
        for form in ("html", "plainText")
    )
    shown = [item["snippet"]["topLevelComment"]["snippet"]["textDisplay"] for item in html]
    assert any("&lt;3" in text for text in shown)
    for item in plain:
        comment = item["snippet"]["topLevelComment"]["snippet"]
        assert comment["textDisplay"] == comment["textOriginal"]


def test_a_channels_threads_are_those_of_its_public_videos(tube):
    channel = tube.body("channels", 1, **MINE)["items"][0]["id"]
    asked = {"part": "snippet", "allThreadsRelatedToChannelId": channel, "maxResults": 100}
    found = tube.items("commentThreads", None, **asked)
    assert {item["snippet"]["videoId"] for item in found} <= set(tube.videos(1, viewer=None))


def test_comments_that_are_off_are_refused(tube):
    off = tube.videos(11)[-6]  # slot 5
    assert tube.refused("commentThreads", None, part="id", videoId=off) == (403, "commentsDisabled")


def test_threads_need_a_wider_scope_than_reading(tube):
    asked = {"part": "id", "videoId": tube.videos(1)[-1]}
    assert tube.refused("commentThreads", 1, **asked) == (403, "insufficientPermissions")
    assert tube.body("commentThreads", 1, scopes=FORCE_SSL, **asked)["items"]


def test_playlists_of_others_come_without_private_ones(tube):
    account = next(n for n in range(100) if len(tube.items("playlists", n, **MINE)) > 2)
    own = tube.items("playlists", account, part="status,snippet", mine="true")
    channel = own[0]["snippet"]["channelId"]
    seen = {item["id"] for item in tube.items("playlists", None, part="id", channelId=channel)}
    private = {item["id"] for item in own if item["status"]["privacyStatus"] == "private"}
    assert private
    assert seen == {item["id"] for item in own} - private
    asked = {"part": "id", "playlistId": private.pop()}
    assert tube.refused("playlistItems", None, **asked) == (403, "playlistItemsNotAccessible")


def test_deleted_and_private_videos_leave_a_stub_in_playlists(tube):
    account = next(n for n in range(100) if len(tube.items("playlists", n, **MINE)) > 2)
    last = len(tube.videos(account)) - 1
    tube.sim.control("edit", provider="youtube", account=account, remove_videos=[last], private=[last - 2])
    playlist = tube.items("playlists", account, **MINE)[0]["id"]
    items = tube.items("playlistItems", None, part="snippet,contentDetails", playlistId=playlist)
    titles = {item["snippet"]["title"] for item in items}
    assert {"Deleted video", "Private video"} <= titles
    assert "videoPublishedAt" not in items[0]["contentDetails"]


def test_edits_are_seen_in_the_api(tube):
    before = tube.videos(1)
    order = {"add_videos": 2, "remove_videos": [0], "private": [1], "rename": "New & old"}
    answer = tube.sim.control("edit", provider="youtube", account=1, **order)
    after = tube.videos(1)
    assert after[:2] == answer["added"][::-1]
    assert after[2:] == before[1:]
    assert statistics(tube, before[0], 1) is None
    assert statistics(tube, before[1], None) is None
    assert (
        tube.body("channels", 1, part="snippet", mine="true")["items"][0]["snippet"]["title"] == "New & old"
    )


def test_an_edit_of_a_place_that_is_not_there_is_refused(tube):
    body = {"provider": "youtube", "account": 1, "remove_videos": [500]}
    reply = tube.sim.ask("POST", "/control/edit", json=body)
    assert reply.status_code == 400
    assert "places 0 to" in reply.json()["error"]


@pytest.mark.parametrize(
    ("path", "asked", "expected"),
    [
        ("channels", {"mine": "true"}, (400, "missingRequiredParameter")),
        ("channels", {"part": "id"}, (400, "missingRequiredParameter")),
        ("channels", {"part": "id,nothing", "mine": "true"}, (400, "unknownPart")),
        ("channels", {"part": "id", "mine": "true", "id": "x"}, (400, "incompatibleParameters")),
        ("channels", {"part": "id", "mine": "yes"}, (400, "invalidParameter")),
        ("channels", {**MINE, "limit": 5}, (400, "badRequest")),
        ("channels", {**MINE, "maxResults": 51}, (400, "invalidParameter")),
        ("channels", {**MINE, "pageToken": "CAUQAA"}, (400, "invalidPageToken")),
        ("channels", {"part": "auditDetails", "mine": "true"}, (403, "insufficientPermissions")),
        ("channels", {"part": "id", "forUsername": "x"}, (501, "notImplemented")),
        ("channels", {**MINE, "fields": "items"}, (501, "notImplemented")),
        ("playlistItems", {"part": "id", "playlistId": "UUx"}, (404, "playlistNotFound")),
        ("playlists", {"part": "id", "channelId": "UCx"}, (404, "channelNotFound")),
        ("videos", {"part": "id", "id": ",".join(["x"] * 51)}, (400, "invalidFilters")),
        ("videos", {"part": "id", "id": "x", "maxResults": 50}, (400, "incompatibleParameters")),
        ("videos", {"part": "id", "chart": "mostPopular"}, (501, "notImplemented")),
        ("videos", {"part": "fileDetails", "id": "x"}, (501, "notImplemented")),
        ("videos:batchGetStats", {"id": "x"}, (400, "missingRequiredParameter")),
        ("videos:batchGetStats", {"part": "id", "id": ["x"] * 51}, (400, "invalidFilters")),
        ("subscriptions", {"part": "id", "mine": "true"}, (501, "notImplemented")),
        ("nothing", {"part": "id"}, (404, "notFound")),
    ],
)
def test_what_youtube_would_not_accept_is_refused(tube, path, asked, expected):
    assert tube.refused(path, 1, **asked) == expected


def test_a_page_token_of_another_list_is_refused(tube):
    token = tube.body("playlistItems", 11, part="id", playlistId=tube.uploads(11))["nextPageToken"]
    asked = {"part": "id", "playlistId": tube.uploads(1), "pageToken": token}
    assert tube.refused("playlistItems", 1, **asked) == (400, "invalidPageToken")


def test_who_asks_without_token_and_key_is_refused(tube):
    reply = tube.sim.ask("GET", "/youtube/v3/channels?part=id&id=x")
    error = reply.json()["error"]
    assert (reply.status_code, error["status"]) == (403, "PERMISSION_DENIED")
    assert "unregistered callers" in error["message"]


def test_a_key_may_stand_in_a_header_and_opens_public_things_only(tube):
    headers = {"x-goog-api-key": "simulator-key"}
    assert tube.sim.ask("GET", "/youtube/v3/channels?part=id&id=x", headers=headers).status_code == 200
    assert tube.refused("channels", None, **MINE) == (401, "authorizationRequired")
    assert tube.refused("playlists", None, **MINE) == (401, "authorizationRequired")


@pytest.mark.parametrize("text", ["Bearer x", "Basic x", "Bearer"])
def test_a_token_of_nobody_is_refused(tube, text):
    reply = tube.sim.ask("GET", "/youtube/v3/channels", params=MINE, headers={"authorization": text})
    error = reply.json()["error"]
    assert (reply.status_code, error["status"], error["errors"][0]["reason"]) == (
        401,
        "UNAUTHENTICATED",
        "authError",
    )
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_a_token_ends_after_an_hour_and_with_its_consent(tube):
    assert tube.get("channels", 1, **MINE).status_code == 200
    tube.sim.control("clock", advance_seconds=3_599)
    assert tube.refused("channels", 1, **MINE) == (401, "authError")
    tube.tokens.clear()
    assert tube.get("channels", 1, **MINE).status_code == 200
    tube.sim.control("revoke", provider="youtube", account=1)
    assert tube.refused("channels", 1, **MINE) == (401, "authError")
    tube.tokens.clear()
    assert tube.get("channels", 1, **MINE).status_code == 200


def test_a_token_without_the_scope_is_told_which_is_missing(tube):
    reply = tube.get("channels", 1, scopes=("yt-analytics.readonly",), **MINE)
    error = reply.json()["error"]
    assert (reply.status_code, error["errors"][0]["reason"]) == (403, "insufficientPermissions")
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_writing_is_not_simulated(tube):
    headers = {"authorization": f"Bearer {tube.token(1)}"}
    assert tube.sim.ask("POST", "/youtube/v3/playlists?part=id", headers=headers).status_code == 501
