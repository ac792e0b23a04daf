"""The declared readers read simulated pages, and tell each ordered outcome for what it is."""

from __future__ import annotations

import json
import re

import pytest

from resources.providers import PROVIDERS
from resources.reading.verdict import Answer, Capture, Outcome, Reading
from simulator.addresses import CANARIES, PLACES
from simulator.instagram.names import account_username
from simulator.instagram.site import OUTCOMES as INSTAGRAM
from simulator.spotify.ids import make_id
from simulator.spotify.site import OUTCOMES as SPOTIFY
from simulator.youtube.ids import channel_id
from simulator.youtube.site import OUTCOMES as YOUTUBE

pytestmark = pytest.mark.providers
ORIGIN = "http://127.0.0.1:8790"
OPERATIONS = ("queryArtistRelated", "queryArtistOverview")
ON_THE_WAY = {"slow", "endless", "cut"}  # what no reader sees
MEANT = {
    "next_layout": Outcome.LAYOUT_CHANGED,
    "old_layout": Outcome.READING,
    "disagree": Outcome.READING,
    "late_numbers": Outcome.READING,
    "soft_block": Outcome.NOT_FOUND,
    "server_error": Outcome.TIMED_OUT,
}
ORDERS = [
    (provider, page, outcome)
    for provider, pages in (("spotify", SPOTIFY), ("instagram", INSTAGRAM), ("youtube", YOUTUBE))
    for page, outcomes in pages.items()
    for outcome in sorted(outcomes - ON_THE_WAY)
]
NAMING = {
    "artist_page": lambda account: make_id("artist", account),
    "channel_page": channel_id,
    "feed_page": channel_id,
    "profile_page": account_username,
}


def meant(page, outcome):
    if (page, outcome) == ("feed_page", "gone"):
        return Outcome.NOT_FOUND  # a feed says 404 for both
    return MEANT.get(outcome) or Outcome(outcome)


def declared(provider, page):
    return PROVIDERS[provider].site.page(page)


def capture(sim, page, address, subject, *, asks):
    """Visit a page; ``asks`` makes the queries of its script, as a browser would."""
    reply = sim.ask("GET", address, follow_redirects=True)
    answers = queries(sim, reply.text, subject) if asks else ()
    return Capture(
        str(reply.url), reply.status_code, reply.text, "browser" if asks else "light", tuple(answers)
    )


def queries(sim, html, subject):
    if "/pathfinder/" in html:
        for operation in OPERATIONS:
            body = {"operationName": operation, "variables": {"uri": f"spotify:artist:{subject}"}}
            yield answer(sim, "/spotify/open/pathfinder/v2/query", json=body)
    for address, asked in re.findall(r'fetch\("([^"]+)", .* new URLSearchParams\((\{.*\})\)\}', html):
        yield answer(sim, address, data=json.loads(asked))


def answer(sim, address, **body):
    reply = sim.ask("POST", address, **body)
    return Answer(str(reply.url), reply.status_code, reply.text)


def verdict(sim, provider, name, subject, *, asks):
    page = declared(provider, name)
    address = page.address(PLACES[f"{provider.upper()}_PAGES_URL"], subject)
    return page.read(capture(sim, page, address, subject, asks=asks), subject)


@pytest.mark.parametrize(("provider", "page", "outcome"), ORDERS)
def test_every_outcome_is_told(sim, provider, page, outcome):
    subject = CANARIES[provider.upper()][page]
    for way in declared(provider, page).ways:
        sim.control(f"{provider}/pages", outcome=outcome, page=page)
        found = verdict(sim, provider, page, subject, asks=way == "browser")
        assert found.outcome == meant(page, outcome), (way, found)


@pytest.mark.parametrize(("provider", "page"), [("youtube", "feed_page"), ("instagram", "profile_page")])
@pytest.mark.parametrize("account", range(20))
def test_every_account_is_read(sim, provider, page, account):
    found = verdict(sim, provider, page, NAMING[page](account), asks=False)
    assert isinstance(found, Reading), found


@pytest.mark.parametrize("account", [*range(3), 7, 22])
def test_a_channels_subscribers_are_those_of_the_data_api(tube, account):
    (row,) = verdict(tube.sim, "youtube", "channel_page", channel_id(account), asks=False).rows
    told = tube.body("channels", account, part="statistics", mine="true")["items"][0]["statistics"]
    assert row["subscribers"] == int(told["subscriberCount"])
    assert row["videos"] == int(told["videoCount"])


def test_a_feeds_counts_are_those_of_the_data_api(tube):
    rows = verdict(tube.sim, "youtube", "feed_page", channel_id(11), asks=False).rows
    videos = ",".join(row["video_id"] for row in rows)
    told = tube.body("videos", None, part="statistics", id=videos)["items"]
    counted = {item["id"]: item["statistics"] for item in told}
    for row in rows:
        assert row["views"] == int(counted[row["video_id"]]["viewCount"])
        assert str(row["likes"]) == counted[row["video_id"]].get("likeCount", str(row["likes"]))


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("account", [0, 1, 9])
def test_a_profiles_numbers_are_those_of_the_graph_api(instagram, account, asks):
    (row,) = verdict(instagram, "instagram", "profile_page", account_username(account), asks=asks).rows
    told = instagram.body("/me?fields=followers_count,follows_count,media_count", account)
    step = row["followers_step"]
    assert row["followers"] == told["followers_count"] // step * step
    assert (row["following"], row["posts"]) == (told["follows_count"], told["media_count"])
    assert step == (1_000 if account == 0 and not asks else 1)


@pytest.mark.parametrize("artist", range(0, 4_000, 371))
def test_an_artists_followers_are_those_of_the_web_api(extended, artist):
    name = make_id("artist", artist)
    (row,) = verdict(extended, "spotify", "artist_page", name, asks=True).rows
    assert row["followers"] == extended.body(f"/artists/{name}")["followers"]["total"]
    assert len(row["top_cities"]) == 5
