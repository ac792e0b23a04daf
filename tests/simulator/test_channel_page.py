"""YouTube's simulated channel page and feed say what the Data API says, in as many digits as they print."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from simulator.youtube.ids import channel_id

pytestmark = pytest.mark.providers
NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "yt": "http://www.youtube.com/xml/schemas/2015",
    "media": "http://search.yahoo.com/mrss/",
}
HIDDEN, PRONOUNS, MANY = 3, 2, 11


def ask(tube, path, **options):
    return tube.sim.ask("GET", f"/youtube/www{path}", **options)


def data(tube, account=1, query=""):
    reply = ask(tube, f"/channel/{channel_id(account)}/videos{query}")
    assert reply.status_code == 200
    return data_of(reply.text)


def data_of(html):
    return json.loads(re.search(r"var ytInitialData = (\{.*?\});</script>", html)[1])


def rows(found):
    view = found["header"]["pageHeaderRenderer"]["content"]["pageHeaderViewModel"]["metadata"]
    lines = view["contentMetadataViewModel"]["metadataRows"]
    return [[part["text"]["content"] for part in line["metadataParts"]] for line in lines]


def grid(found):
    (tab,) = [tab for tab in found["contents"]["twoColumnBrowseResultsRenderer"]["tabs"] if selected(tab)]
    return tab["tabRenderer"]["content"]


def selected(tab):
    return tab["tabRenderer"].get("selected")


def lockups(found):
    items = grid(found)["richGridRenderer"]["contents"]
    videos = [item["richItemRenderer"] for item in items if "richItemRenderer" in item]
    return [video["content"]["lockupViewModel"] for video in videos]


def feed(tube, account=1):
    reply = ask(tube, f"/feeds/videos.xml?channel_id={channel_id(account)}")
    assert reply.status_code == 200
    return ET.fromstring(reply.content)


def views(entries):
    counted = {}
    for entry in entries.findall("atom:entry", NAMES):
        statistics = entry.find("media:group/media:community/media:statistics", NAMES)
        counted[entry.findtext("yt:videoId", namespaces=NAMES)] = int(statistics.get("views"))
    return counted


def order(tube, **given):
    return tube.order("pages", **given)


def statistics(tube, account):
    return tube.body("channels", account, part="statistics", mine="true")["items"][0]["statistics"]


@pytest.mark.parametrize("account", [0, 1, 2, 22])
def test_the_header_counts_what_the_data_api_counts(tube, account):
    counts = rows(data(tube, account))[1]
    told = statistics(tube, account)
    unit = {"K": 1_000, "M": 1_000_000}
    number, letter = re.match(r"([\d.]+)([KM]?) subscribers", counts[0]).groups()
    assert round(float(number) * unit.get(letter, 1)) == int(told["subscriberCount"])
    assert counts[1] == f"{told['videoCount']} videos"


def test_subscribers_that_the_api_hides_stand_on_the_page(tube):
    assert "subscriberCount" not in statistics(tube, HIDDEN)
    assert "subscriber" in rows(data(tube, HIDDEN))[1][0]


def test_pronouns_stand_beside_the_handle(tube):
    assert rows(data(tube, PRONOUNS))[0][1] == "they/them"


def test_british_pages_write_small_letters(tube):
    assert rows(data(tube, 0))[1][0].endswith("K subscribers")
    assert rows(data(tube, 0, "?hl=en-GB&gl=GB"))[1][0].endswith("k subscribers")


def test_language_and_country_are_those_asked_for(tube):
    html = ask(tube, f"/channel/{channel_id(1)}/videos?hl=en-GB&gl=fr").text
    assert '"HL":"en-GB","GL":"FR"' in html
    assert '"HL":"en","GL":"US"' in ask(tube, f"/channel/{channel_id(1)}/videos?hl=xx&gl=9").text


def test_the_grid_has_the_newest_public_videos_without_shorts(tube):
    found = data(tube, MANY)
    listed = public(tube, MANY)
    shown = [item["contentId"] for item in lockups(found)]
    assert len(shown) == 30
    assert shown == [name for name in listed if name in set(shown)]
    assert "continuationItemRenderer" in grid(found)["richGridRenderer"]["contents"][-1]


def public(tube, account):
    items = tube.items("playlistItems", None, part="contentDetails", playlistId=tube.uploads(account))
    return [item["contentDetails"]["videoId"] for item in items]


def test_views_in_the_grid_are_rounded_down(tube):
    first = lockups(data(tube, 0))[0]
    parts = first["metadata"]["lockupMetadataViewModel"]["metadata"]["contentMetadataViewModel"]
    text = parts["metadataRows"][0]["metadataParts"][0]["text"]["content"]
    told = tube.body("videos", None, part="statistics", id=first["contentId"])["items"][0]["statistics"]
    assert text == f"{int(told['viewCount']) // 1_000}K views"


def test_the_feed_has_the_fifteen_newest_and_their_exact_views(tube):
    counted = views(feed(tube, MANY))
    assert list(counted) == public(tube, MANY)[:15]
    told = tube.body("videos", None, part="statistics", id=",".join(counted))["items"]
    assert counted == {item["id"]: int(item["statistics"]["viewCount"]) for item in told}
    ratings = [int(rating.get("count")) for rating in feed(tube, MANY).findall(".//media:starRating", NAMES)]
    likes = [item["statistics"].get("likeCount") for item in told]
    assert len(ratings) == len(likes)
    assert all(like in {None, str(rating)} for like, rating in zip(likes, ratings, strict=True))


def test_the_feed_names_its_channel_without_the_first_two_letters(tube):
    found = feed(tube)
    assert found.findtext("yt:channelId", namespaces=NAMES) == channel_id(1)[2:]
    assert found.findtext("atom:entry/yt:channelId", namespaces=NAMES) == channel_id(1)


def test_a_handle_leads_to_the_same_page(tube):
    handle = rows(data(tube))[0][0]
    for path in (f"/{handle}", f"/{handle}/videos", f"/channel/{channel_id(1)}"):
        assert data_of(ask(tube, path).text) == data(tube)


@pytest.mark.parametrize("path", ["/channel/UCnobody/videos", "/@nobody99/videos", "/@nobody/videos"])
def test_a_channel_that_is_not_there_is_an_alert(tube, path):
    found = data_of(ask(tube, path).text)
    assert found["alerts"][0]["alertRenderer"]["type"] == "ERROR"
    assert "metadata" not in found


def test_a_channel_that_is_gone_says_so(tube):
    order(tube, outcome="gone", page="channel_page")
    alert = data(tube)["alerts"][0]["alertRenderer"]
    assert "removed" in alert["text"]["simpleText"]


@pytest.mark.parametrize("outcome", ["not_found", "gone"])
def test_a_feed_that_is_not_there_is_404(tube, outcome):
    order(tube, outcome=outcome, page="feed_page")
    address = f"/feeds/videos.xml?channel_id={channel_id(1)}"
    assert [ask(tube, address).status_code for _ in range(2)] == [404, 200]
    assert ask(tube, "/feeds/videos.xml?channel_id=UCnobody").status_code == 404
    assert ask(tube, "/feeds/videos.xml").status_code == 404


def test_consent_is_asked_for_where_it_is_on_until_a_choice_was_made(tube):
    tube.order("site", consent="on")
    address = f"/channel/{channel_id(1)}/videos?hl=en&gl=ES"
    reply = ask(tube, address)
    assert reply.status_code == 302
    wall = tube.sim.ask("GET", reply.headers["location"])
    assert wall.url.path == "/youtube/www/consent/m"
    assert '<base href="https://consent.youtube.com/">' in wall.text
    assert f'name="continue" value="http://127.0.0.1:8790/youtube/www/channel/{channel_id(1)}' in wall.text
    assert ask(tube, address, headers={"cookie": "SOCS=CAI"}).status_code == 200


def test_a_consent_wall_that_was_ordered_knows_no_choice_and_leaves_feeds_alone(tube):
    order(tube, outcome="consent_wall", times=None)
    chosen = {"cookie": "SOCS=CAI"}
    assert ask(tube, f"/channel/{channel_id(1)}/videos", headers=chosen).status_code == 302
    assert len(views(feed(tube))) > 1


def test_a_channel_for_people_of_a_certain_age_counts_nothing(tube):
    order(tube, outcome="login_wall")
    found = data(tube)
    assert "channelAgeGateRenderer" in grid(found)["sectionListRenderer"]["contents"][0]
    assert "header" not in found


def test_a_block_is_a_form_and_a_wait(tube):
    order(tube, outcome="blocked", retry_after=11)
    reply = ask(tube, f"/channel/{channel_id(1)}/videos")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "11")
    assert 'id="captcha-form"' in reply.text
    assert 'id="infoDiv0"' in reply.text


def test_a_wrong_page_is_another_channels(tube):
    order(tube, outcome="wrong_page", times=2)
    assert data(tube)["metadata"]["channelMetadataRenderer"]["externalId"] == channel_id(2)
    assert feed(tube).findtext("yt:channelId", namespaces=NAMES) == channel_id(2)[2:]
    order(tube, outcome="wrong_page", instead=channel_id(7))
    assert data(tube)["metadata"]["channelMetadataRenderer"]["externalId"] == channel_id(7)


def test_the_next_layout_has_no_rows_in_its_header(tube):
    order(tube, outcome="next_layout", page="channel_page")
    with pytest.raises(KeyError):
        rows(data(tube))
    order(tube, outcome="next_layout", page="feed_page")
    reply = ask(tube, f"/feeds/videos.xml?channel_id={channel_id(1)}")
    assert "<media:statistics" not in reply.text


def test_the_old_layout_prints_views_in_full(tube):
    order(tube, outcome="old_layout")
    found = data(tube, 0)
    assert (
        found["header"]["c4TabbedHeaderRenderer"]["subscriberCountText"]["simpleText"]
        == rows(data(tube, 0))[1][0]
    )
    section = grid(found)["sectionListRenderer"]["contents"][0]["itemSectionRenderer"]["contents"][0]
    video = section["gridRenderer"]["items"][0]["gridVideoRenderer"]
    told = tube.body("videos", None, part="statistics", id=video["videoId"])["items"][0]["statistics"]
    assert video["viewCountText"]["simpleText"] == f"{int(told['viewCount']):,} views"


def test_pages_that_disagree_multiply_their_numbers(tube):
    sound = views(feed(tube))
    order(tube, outcome="disagree", factor=4)
    assert views(feed(tube)) == {name: 4 * count for name, count in sound.items()}


def test_a_title_cannot_end_the_script_it_stands_in(tube):
    tube.sim.control("edit", provider="youtube", account=1, rename="</script><b>")
    assert data(tube)["metadata"]["channelMetadataRenderer"]["title"] == "</script><b>"
    assert "<b>" not in ask(tube, f"/channel/{channel_id(1)}/videos").text


def test_the_journal_knows_whose_page_was_asked_for_and_what_it_was(tube):
    order(tube, outcome="blocked")
    for _ in range(2):
        ask(tube, f"/channel/{channel_id(5)}/videos?hl=en")
    log = tube.sim.ask("GET", "/control/requests?path_prefix=/youtube/www/").json()["requests"]
    assert [(one["account"], one["status"], one["fault"]) for one in log] == [
        (5, 429, "blocked"),
        (5, 200, None),
    ]
