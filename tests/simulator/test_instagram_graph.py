"""Profiles, media, stories and comments of the simulated Instagram, and what its API refuses."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.providers

PROFILE = (
    "id,user_id,username,name,account_type,biography,website,profile_picture_url,followers_count,"
    "follows_count,media_count"
)
MEDIA = (
    "id,caption,media_type,media_product_type,media_url,permalink,shortcode,thumbnail_url,timestamp,"
    "like_count,comments_count,owner,username,is_comment_enabled,is_shared_to_feed,alt_text"
)
COMMENT = "id,text,timestamp,username,like_count,hidden,from,media,parent_id"


def spec_fields(shared, name):
    body = json.loads((shared / "specs" / "instagram" / f"{name}.json").read_text())
    return {field["name"]: field["type"] for field in body["fields"]}


def kind_of(name):
    return {"int": int, "bool": bool, "string": str, "datetime": str, "User": dict}.get(name, object)


def fits(shared, name, item, *, but=()):
    types = spec_fields(shared, name)
    wrong = [key for key in item if not isinstance(item[key], kind_of(types[key])) and key not in but]
    return wrong == []


def test_nothing_but_the_id_comes_without_fields(instagram):
    assert set(instagram.body("/me")) == {"id"}
    assert all(set(item) == {"id"} for item in instagram.body("/me/media")["data"])


def test_profiles_fit_the_specification(instagram, shared):
    for account in range(10):
        # user_id is an int in the specification, and text in every recorded reply
        profile = instagram.body(f"/me?fields={PROFILE}", account)
        assert fits(shared, "IGUserForIGOnlyAPI", profile, but=["user_id"])


def test_media_fit_the_specification(instagram, shared):
    seen = set()
    for account in range(4):
        for item in instagram.items(f"/me/media?limit=100&fields={MEDIA}", account):
            assert fits(shared, "IGMediaForIGOnlyAPI", item)
            seen.add((item["media_product_type"], item["media_type"]))
    assert seen == {("FEED", "IMAGE"), ("FEED", "CAROUSEL_ALBUM"), ("REELS", "VIDEO"), ("FEED", "VIDEO")}


def test_some_media_lack_what_instagram_leaves_out(instagram):
    items = instagram.items(f"/me/media?limit=100&fields={MEDIA}", 7)
    videos = [item for item in items if item["media_type"] == "VIDEO"]
    for name, those in (("media_url", videos), ("like_count", items), ("caption", items)):
        assert 0 < sum(name in item for item in those) < len(those), name
    assert all("thumbnail_url" in item for item in videos)


def test_children_are_expanded_as_asked(instagram):
    items = instagram.items("/me/media?limit=100&fields=id,media_type,children{id,media_type,owner{id}}", 7)
    for item in items:
        assert ("children" in item) == (item["media_type"] == "CAROUSEL_ALBUM")
    album = next(item for item in items if "children" in item)
    assert set(album["children"]["data"][0]) == {"id", "media_type", "owner"}
    listed = instagram.body(f"/{album['id']}/children?fields=id,media_type", 7)["data"]
    assert [child["id"] for child in listed] == [child["id"] for child in album["children"]["data"]]
    assert "like_count" not in instagram.body(f"/{listed[0]['id']}?fields=like_count,media_type", 7)


def test_the_account_is_named_by_either_id(instagram):
    me = instagram.body("/me?fields=id,user_id")
    assert instagram.body(f"/{me['id']}?fields=user_id") == instagram.body(f"/{me['user_id']}?fields=user_id")


def test_tokens_are_taken_as_header_or_parameter_but_not_two(instagram):
    first, second = instagram.grant()["access_token"], instagram.grant()["access_token"]
    path, header = "/instagram/v25.0/me", {"authorization": f"Bearer {first}"}
    assert instagram.ask("GET", path, params={"access_token": first}).status_code == 200
    assert instagram.ask("GET", path, headers=header).status_code == 200
    both = instagram.ask("GET", path, params={"access_token": second}, headers=header)
    assert both.json()["error"]["code"] == 190
    assert instagram.ask("GET", path).json()["error"]["code"] == 104


def test_pages_follow_each_other_to_an_end_that_still_has_cursors(instagram):
    pages = instagram.pages("/me/media?limit=100&fields=id,timestamp", 7)
    assert [len(page["data"]) for page in pages] == [100, 50]
    assert set(pages[0]["paging"]) == {"cursors", "next"}
    assert set(pages[1]["paging"]) == {"cursors", "previous"}
    assert set(pages[1]["paging"]["cursors"]) == {"before", "after"}
    assert "access_token=" in pages[0]["paging"]["next"]
    times = [item["timestamp"] for page in pages for item in page["data"]]
    assert times == sorted(times, reverse=True)
    assert instagram.ask("GET", pages[1]["paging"]["previous"]).json()["data"] == pages[0]["data"]


def test_nothing_follows_the_last_cursor(instagram):
    after = instagram.body("/me/media?limit=100", 1)["paging"]["cursors"]["after"]
    assert instagram.body(f"/me/media?after={after}", 1) == {"data": []}


def test_a_page_has_twenty_five_by_default(instagram):
    assert len(instagram.body("/me/media", 7)["data"]) == 25


def test_since_and_until_bound_the_media(instagram):
    items = instagram.items("/me/media?limit=100&fields=timestamp", 7)
    some = instagram.items("/me/media?fields=timestamp&since=2026-10-01&until=1791500000", 7)
    assert some == [
        item
        for item in items
        if "2026-10-01T07:00:00+0000" <= item["timestamp"] <= "2026-10-08T22:53:20+0000"
    ]
    assert some


def test_cursors_keep_their_place_while_media_come_and_go(instagram):
    first = instagram.body("/me/media?limit=10", 1)
    second = instagram.ask("GET", first["paging"]["next"]).json()["data"]
    instagram.control("edit", provider="instagram", account=1, add_media=3, remove_media=[9])
    assert instagram.ask("GET", first["paging"]["next"]).json()["data"] == second


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/me?fields=id,email", 100),
        ("/me/media?fields=id,children{id,foo}", 100),
        ("/me/media?fields=id,owner{email}", 100),
        ("/me/media?fields=caption{id}", 100),
        ("/me/media?fields=id,,caption", 2500),
        ("/me/media?fields=id,children{id", 2500),
        ("/me/media?limit=101", 100),
        ("/me/media?limit=0", 100),
        ("/me/media?limit=some", 100),
        ("/me/media?after=QVFIx", 100),
        ("/me/media?since=yesterday", 100),
        ("/me/media?offset=3", 100),
        ("/me/followers", 100),
        ("/17912345678901234", 100),
        ("/someone", 100),
    ],
)
def test_what_the_api_does_not_know_is_refused(instagram, path, code):
    error = instagram.error(path)
    assert (error["status"], error["code"]) == (400, code)
    assert error["fbtrace_id"]


@pytest.mark.parametrize("path", ["/me/tags", "/me?fields=media", "/me/media?fields=children.limit(2){id}"])
def test_what_is_not_simulated_says_so(instagram, path):
    assert instagram.error(path)["status"] == 501


def test_a_cursor_of_another_list_is_refused(instagram):
    after = instagram.body("/me/media?limit=5", 4)["paging"]["cursors"]["after"]
    assert instagram.error(f"/me/stories?after={after}", 4)["message"] == "(#100) Invalid cursors values"


def test_another_version_is_not_there(instagram):
    token = instagram.grant()["access_token"]
    reply = instagram.ask("GET", "/instagram/v24.0/me", params={"access_token": token})
    assert reply.status_code == 404


def test_media_of_others_are_missing(instagram):
    media = instagram.body("/me/media?limit=1", 2)["data"][0]["id"]
    error = instagram.error(f"/{media}", 1)
    assert (error["code"], error["error_subcode"]) == (100, 33)


def test_removed_media_are_gone_and_new_ones_come_first(instagram):
    before = [item["id"] for item in instagram.items("/me/media?limit=100", 1)]
    answer = instagram.control("edit", provider="instagram", account=1, add_media=2, remove_media=[0, 3])
    after = [item["id"] for item in instagram.items("/me/media?limit=100", 1)]
    assert answer["media"] == len(after) == len(before)
    assert after[2:] == [item for place, item in enumerate(before) if place not in {0, 3}]
    assert instagram.error(f"/{before[0]}", 1)["error_subcode"] == 33
    assert instagram.body("/me?fields=media_count", 1)["media_count"] == len(after)


def test_an_edit_that_cannot_be_changes_nothing(instagram):
    order = {"provider": "instagram", "account": 1, "add_media": 2, "remove_media": [500]}
    before = instagram.items("/me/media?limit=100", 1)
    assert instagram.ask("POST", "/control/edit", json=order).status_code == 400
    assert instagram.items("/me/media?limit=100", 1) == before


def test_stories_last_a_day(instagram):
    assert instagram.body("/me/stories", 1) == {"data": []}
    assert instagram.control("edit", provider="instagram", account=1, stories=2)["stories"] == 2
    stories = instagram.body("/me/stories?fields=id,media_product_type,timestamp", 1)["data"]
    assert {story["media_product_type"] for story in stories} == {"STORY"}
    assert instagram.body(f"/{stories[0]['id']}?fields=permalink", 1)["permalink"]
    instagram.control("clock", advance_seconds=86_401)
    assert instagram.body("/me/stories", 1) == {"data": []}
    assert instagram.error(f"/{stories[0]['id']}", 1)["error_subcode"] == 33


def test_every_fourth_account_posts_stories_by_itself(instagram):
    stories = instagram.body("/me/stories?fields=id,timestamp", 4)["data"]
    assert len(stories) in {4, 5}
    instagram.control("clock", advance_seconds=5 * 3_600)
    later = instagram.body("/me/stories?fields=id,timestamp", 4)["data"]
    assert later[1:4] == stories[:3]


def test_comments_fit_the_specification_and_the_count(instagram, shared):
    for item in instagram.items("/me/media?fields=comments_count&limit=100", 1):
        found = instagram.items(f"/{item['id']}/comments?limit=20&fields={COMMENT}", 1)
        assert len(found) == item["comments_count"]
        assert all(fits(shared, "IGComment", comment) for comment in found)


def test_comments_show_their_default_fields_and_fifty_a_page(instagram):
    items = instagram.items("/me/media?fields=comments_count&limit=100", 7)
    media = max(items, key=lambda item: item["comments_count"])["id"]
    page = instagram.body(f"/{media}/comments?limit=100", 7)
    assert len(page["data"]) == 50
    assert set(page["data"][0]) == {"timestamp", "text", "id"}
    assert "next" in page["paging"]


def test_new_comments_come_first(instagram):
    instagram.control("edit", provider="instagram", account=1, comments={"0": 2})
    media = instagram.body("/me/media?limit=1&fields=comments_count", 1)["data"][0]
    newest = instagram.body(f"/{media['id']}/comments", 1)["data"][:2]
    assert {comment["timestamp"] for comment in newest} == {"2026-11-18T11:06:40+0000"}
    assert instagram.body(f"/{newest[0]['id']}?fields=text", 1)["text"] == newest[0]["text"]


@pytest.mark.parametrize(
    ("path", "scopes"),
    [
        ("/me", ["instagram_business_manage_insights"]),
        ("/me/insights?metric=reach&period=day", ["instagram_business_basic"]),
        ("/{media}/insights?metric=reach", ["instagram_business_basic"]),
        ("/{media}/comments", ["instagram_business_basic", "instagram_business_manage_insights"]),
    ],
)
def test_what_was_not_granted_is_not_permitted(instagram, path, scopes):
    media = instagram.body("/me/media?limit=1")["data"][0]["id"]
    error = instagram.error(path.format(media=media), scopes=scopes)
    assert error["code"] == 10
    assert error["message"] == "(#10) Application does not have permission for this action"


@pytest.mark.parametrize(
    ("spoil", "subcode"),
    [
        (lambda sim: sim.control("clock", advance_seconds=61 * 86_400), 463),
        (lambda sim: sim.control("revoke", provider="instagram", account=0), 458),
    ],
)
def test_dead_tokens_are_190(instagram, spoil, subcode):
    instagram.body("/me")
    spoil(instagram)
    error = instagram.error("/me")
    assert (error["code"], error["type"], error["error_subcode"]) == (190, "OAuthException", subcode)


def test_lists_are_cut_short_in_silence_by_the_mode(instagram):
    instagram.control("instagram/mode", drop_to_percent=10)
    pages = instagram.pages("/me/media?limit=10", 7)
    assert sum(len(page["data"]) for page in pages) == 15
    instagram.control("instagram/mode", drop_to_percent=100)
    assert len(instagram.items("/me/media?limit=100", 7)) == 150


def test_what_accounts_have_stays_the_same_over_days(instagram):
    before = instagram.items("/me/media?limit=100&fields=id,caption,timestamp,permalink,like_count", 1)
    instagram.control("clock", advance_seconds=30 * 86_400)
    assert (
        instagram.items("/me/media?limit=100&fields=id,caption,timestamp,permalink,like_count", 1) == before
    )


def test_addresses_of_files_change_from_day_to_day(instagram):
    path = "/me/media?limit=3&fields=media_url"
    before = instagram.body(path, 1)["data"]
    instagram.control("clock", advance_seconds=86_400)
    assert instagram.body(path, 1)["data"] != before
