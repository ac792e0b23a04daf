"""Spotify's simulated artist page says what its own query and the Web API say."""

from __future__ import annotations

import base64
import json
import re

import pytest

from simulator.addresses import CANARIES
from simulator.spotify.ids import make_id

pytestmark = pytest.mark.providers
ARTIST = CANARIES["SPOTIFY"]["artist_page"]
NOBODY = "0" * 22


def page(sim, artist=ARTIST):
    reply = sim.ask("GET", f"/spotify/open/artist/{artist}")
    assert reply.status_code == 200
    return reply.text


def query(sim, artist=ARTIST, operation="queryArtistOverview"):
    body = {"operationName": operation, "variables": {"uri": f"spotify:artist:{artist}", "locale": ""}}
    reply = sim.ask("POST", "/spotify/open/pathfinder/v2/query", json=body)
    assert reply.status_code == 200
    return reply.json()["data"]["artistUnion"]


def order(sim, **given):
    return sim.control("spotify/pages", **given)


def description(html):
    return re.search(r'<meta property="og:description" content="([^"]*)"', html)[1]


@pytest.mark.parametrize("number", [0, 7, 60, 3_999])
def test_followers_are_those_of_the_web_api(extended, number):
    artist = make_id("artist", number)
    told = query(extended, artist)
    assert told["stats"]["followers"] == extended.body(f"/artists/{artist}")["followers"]["total"]
    assert told["profile"]["name"] == extended.body(f"/artists/{artist}")["name"]


def test_the_page_rounds_what_its_query_says_in_full(sim):
    assert query(sim)["stats"]["monthlyListeners"] == 1_369_200
    assert description(page(sim)) == "Artist · 1.3M monthly listeners."


def test_cities_are_five_and_fewer_listen_in_each_than_in_all(sim):
    stats = query(sim)["stats"]
    listeners = [city["numberOfListeners"] for city in stats["topCities"]["items"]]
    assert len(listeners) == 5
    assert listeners == sorted(listeners, reverse=True)
    assert sum(listeners) < stats["monthlyListeners"]


def test_few_artists_have_a_rank(sim):
    ranks = [query(sim, make_id("artist", number))["stats"]["worldRank"] for number in range(200)]
    assert 0 < sum(rank > 0 for rank in ranks) < 20


def test_the_query_for_others_has_no_stats(sim):
    told = query(sim, operation="queryArtistRelated")
    assert "stats" not in told
    assert told["relatedContent"]["relatedArtists"]["items"]


def test_the_shell_carries_the_artist_without_numbers(sim):
    html = page(sim)
    parts = dict(re.findall(r'<script id="(\w+)" type="text/plain">([^<]*)</script>', html))
    config, state = (
        json.loads(base64.b64decode(parts[name])) for name in ("appServerConfig", "initialState")
    )
    assert config["locale"]["locale"] == "en"
    assert state["entities"]["items"][f"spotify:artist:{ARTIST}"]["id"] == ARTIST
    assert "stats" not in json.dumps(state)


def test_an_id_of_nobody_is_not_found_by_the_query(sim):
    assert query(sim, NOBODY) == {"__typename": "NotFound"}
    assert "og:title" not in page(sim, NOBODY)


def test_what_a_page_was_its_query_is_too(sim):
    order(sim, outcome="not_found")
    page(sim)
    assert query(sim) == {"__typename": "NotFound"}
    page(sim)
    assert query(sim)["id"] == ARTIST


def test_a_page_that_disagrees_does_so_in_all_its_numbers(sim):
    page(sim)
    sound = query(sim)["stats"]
    order(sim, outcome="disagree", factor=2)
    assert description(page(sim)) == "Artist · 2.7M monthly listeners."
    told = query(sim)["stats"]
    for name in ("followers", "monthlyListeners"):
        assert told[name] == 2 * sound[name]


def test_the_next_layout_has_its_numbers_elsewhere(sim):
    order(sim, outcome="next_layout")
    assert "monthly listeners" not in description(page(sim))
    assert "stats" not in query(sim)


def test_the_old_layout_asks_by_get(sim):
    order(sim, outcome="old_layout")
    html = page(sim)
    assert '<script id="session" type="application/json">' in html
    asked = {
        "operationName": "queryArtistOverview",
        "variables": json.dumps({"uri": f"spotify:artist:{ARTIST}"}),
    }
    assert "/pathfinder/v1/query" in html
    told = sim.ask("GET", "/spotify/open/pathfinder/v1/query", params=asked).json()["data"]["artistUnion"]
    assert told["stats"] == query(sim)["stats"]


def test_numbers_may_come_late_and_after_another_answer(sim):
    order(sim, outcome="late_numbers", seconds=1.5)
    assert "const LATE_MS = 1500;" in page(sim)
    assert "const LATE_MS = 0;" in page(sim)


def test_a_wrong_page_is_a_track_or_whose_is_said(sim):
    other = make_id("artist", 1)
    order(sim, outcome="wrong_page")
    assert '<meta property="og:type" content="music.song">' in page(sim)
    order(sim, outcome="wrong_page", instead=other)
    assert f"https://open.spotify.com/artist/{other}" in page(sim)


def test_a_block_keeps_the_head_of_the_page(sim):
    order(sim, outcome="blocked")
    html = page(sim)
    assert "<title>Unsupported browser</title>" in html
    assert description(html).startswith("Artist · ")


def test_a_block_may_have_a_status_and_a_wait(sim):
    order(sim, outcome="blocked", status=429, retry_after=7)
    reply = sim.ask("GET", f"/spotify/open/artist/{ARTIST}")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "7")


def test_a_query_of_another_kind_is_refused(sim):
    assert sim.ask("POST", "/spotify/open/pathfinder/v2/query", content=b"{}").status_code == 400
    assert sim.ask("GET", "/spotify/open/pathfinder/v1/query").status_code == 400
    assert sim.ask("GET", "/spotify/open/album/x").status_code == 404
