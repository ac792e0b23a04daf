"""Simulated pages have no key, element or name that the saved real ones lack, and those that readers need."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from simulator.addresses import CANARIES
from simulator.spotify.ids import make_id

pytestmark = pytest.mark.providers
ARTIST = f"/spotify/open/artist/{CANARIES['SPOTIFY']['artist_page']}"
CHANNEL = f"/youtube/www/channel/{CANARIES['YOUTUBE']['channel_page']}/videos"
FEED = f"/youtube/www/feeds/videos.xml?channel_id={CANARIES['YOUTUBE']['feed_page']}"
PROFILE = f"/instagram/www/{CANARIES['INSTAGRAM']['profile_page']}/"
INITIAL_DATA = r"var ytInitialData = (\{.*?\});</script>"
SHARED_DATA = r"window\._sharedData = (\{.*?\});?\s*</script>"
ROUTE = "initialRouteInfo.route"


@pytest.fixture
def saved(shared):
    """Read a saved page, or skip where it is not here."""

    def read(name):
        file = shared / "pages" / name
        if not file.is_file():
            pytest.skip(f"../shared/pages/{name} is not here")
        return file.read_text(encoding="utf-8")

    return read


@pytest.fixture
def page(sim):
    """Return a simulated page, as ordered."""

    def ask(path, **order):
        if order:
            sim.control(f"{path.split('/')[1]}/pages", **order)
        return sim.ask("GET", path, follow_redirects=True).text

    return ask


def paths(value, at=""):
    """Return every path of keys in a value; the items of a list are one."""
    if isinstance(value, dict):
        found = {f"{at}.{key}" for key in value}
        return found.union(*(paths(part, f"{at}.{key}") for key, part in value.items()))
    if isinstance(value, list):
        return set().union(*(paths(part, f"{at}[]") for part in value))
    return set()


def initial_data(html):
    return json.loads(re.search(INITIAL_DATA, html)[1])


def metas(html):
    return set(re.findall(r'<meta\s[^>]*?(?:property|name)="([^"]+)"', html))


@pytest.mark.parametrize(
    ("operation", "recorded"),
    [
        ("queryArtistOverview", "queryArtistOverview_rick_astley"),
        ("queryArtistRelated", "queryArtistRelated_no_stats"),
    ],
)
def test_spotifys_queries_answer_with_recorded_keys(sim, saved, operation, recorded):
    real = json.loads(saved(f"spotify/pathfinder_2026-06_{recorded}.json"))
    body = {"operationName": operation, "variables": {"uri": f"spotify:artist:{make_id('artist', 7)}"}}
    told = sim.ask("POST", "/spotify/open/pathfinder/v2/query", json=body).json()
    assert paths(told) <= paths(real)
    stats = {path for path in paths(real) if path.startswith(".data.artistUnion.stats")}
    assert stats <= paths(told)


@pytest.mark.parametrize(
    ("order", "recorded"),
    [
        ({}, "artist_2022-12_justice.html"),
        ({"outcome": "old_layout"}, "artist_2022-12_justice.html"),
        ({"outcome": "wrong_page"}, "track_2024-01_not_an_artist.html"),
        ({"outcome": "blocked"}, "blocked_2025-06_unsupported_browser.html"),
    ],
)
def test_spotifys_heads_name_what_recorded_ones_name(page, saved, order, recorded):
    invented = {"og:image", "twitter:title", "twitter:description", "twitter:card"}  # the block of an episode
    html, real = page(ARTIST, **order), saved(f"spotify/{recorded}")
    assert metas(html) - invented <= metas(real)
    assert {"og:title", "og:description", "og:url", "og:type"} <= metas(html)


def test_an_old_artist_page_has_the_scripts_of_its_time(page, saved):
    pattern = r'<script id="(\w+)"[^>]* type="application/json">'
    real = set(re.findall(pattern, saved("spotify/artist_2022-12_justice.html").replace("\n", "")))
    assert set(re.findall(r'<script id="(\w+)"', page(ARTIST, outcome="old_layout"))) <= real


@pytest.mark.parametrize(
    ("order", "recorded"),
    [
        ({}, "browse_2026-05_gronkh_videos.json"),
        ({"outcome": "login_wall"}, "browse_2026_agerestricted.json"),
        ({"outcome": "not_found"}, "notavailable_2026_4.json"),
        ({"outcome": "gone"}, "notavailable_2026_2.json"),
    ],
)
def test_youtubes_data_has_recorded_keys(page, saved, order, recorded):
    real = json.loads(saved(f"youtube/{recorded}"))
    assert paths(initial_data(page(CHANNEL, **order))) <= paths(real)


def test_youtubes_old_data_has_recorded_keys(page, saved):
    real = initial_data(saved("youtube/html_2021-05_programmingknowledge.html"))
    assert paths(initial_data(page(CHANNEL, outcome="old_layout"))) <= paths(real)


@pytest.mark.parametrize("outcome", ["not_found", "gone"])
def test_alerts_are_worded_as_recorded_ones(page, saved, outcome):
    recorded = {"not_found": "notavailable_2026_4.json", "gone": "notavailable_2026_2.json"}[outcome]
    real = json.loads(saved(f"youtube/{recorded}"))
    assert initial_data(page(CHANNEL, outcome=outcome))["alerts"] == real["alerts"]


def test_youtubes_document_is_laid_out_as_a_recorded_one(page, saved):
    html, real = page(CHANNEL), saved("youtube/html_2024-03_programmingknowledge.html")
    landmarks = ("<!DOCTYPE html>", "ytcfg.set({", '<link rel="canonical"', 'property="og:url"')
    for text in (html, real):
        places = [text.index(landmark) for landmark in (*landmarks, "var ytInitialData = {")]
        assert places[0] == 0
        assert places[-1] == max(places)
    settings = ('"HL":"en"', '"GL":"US"', '"LOGGED_IN":false', '"INNERTUBE_CLIENT_VERSION":"')
    assert all(setting in html and setting in real for setting in settings)


def test_the_feed_has_recorded_elements(page, saved):
    html, real = page(FEED), saved("youtube/rss_2026_kurzgesagt.xml")
    shape = [
        {(element.tag, *sorted(element.attrib)) for element in ET.fromstring(text).iter()}
        for text in (html, real)
    ]
    assert shape[0] == shape[1]


def test_the_consent_page_is_built_as_a_recorded_one(page, saved):
    html, real = page(CHANNEL, outcome="consent_wall"), saved("youtube/consent_2021-04_es.html")
    for pattern in (
        r'<base href="[^"]+">',
        r'<form action="[^"]+" method="POST"',
        r'<link rel="canonical"[^>]+>',
    ):
        assert set(re.findall(pattern, html)) <= set(re.findall(pattern, real))
    fields = r'<input type="hidden" name="(\w+)"'
    assert {"continue", "gl", "hl"} <= set(re.findall(fields, html)) <= set(re.findall(fields, real))


def test_instagrams_route_stands_where_a_recorded_one_stands(page, saved):
    def route(html):
        scripts = re.findall(r'<script\s+type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
        (found,) = [script for script in scripts if "polarisRouteConfig" in script]
        return json.loads(found)

    told, real = route(page(PROFILE)), route(saved("instagram/profile_2025-01_pluto_travel.html"))
    assert paths(told) <= paths(real)
    assert any(path.endswith(f"{ROUTE}.polarisRouteConfig.pageID") for path in paths(told))
    for found in (told, real):
        box = found["require"][0][3][0]["__bbox"]
        (viewer,) = [entry for entry in box["define"] if entry[0] == "PolarisViewer"]
        assert viewer == ["PolarisViewer", [], {"data": None, "id": None}, 7365]


@pytest.mark.parametrize(
    ("order", "recorded"),
    [
        ({}, "profile_2025-01_pluto_travel.html"),
        ({"outcome": "old_layout"}, "profile_2021-06_pluto_travel.html"),
    ],
)
def test_instagrams_head_is_worded_as_a_recorded_one(page, saved, order, recorded):
    sentence = (
        r'property="og:description"\s+content="[\d.,KM]+ Followers, [\d.,KM]+ Following, [\d.,KM]+ Posts - '
        r'See Instagram photos and videos from [^"]+ \((?:@|&#064;)[\w.]+\)"'
    )
    html, real = page(PROFILE, **order), saved(f"instagram/{recorded}")
    assert re.search(sentence, html)
    assert re.search(sentence, real)
    assert metas(html) - {"description"} <= metas(real)


def test_instagrams_old_data_has_recorded_keys(page, saved):
    real = json.loads(
        re.search(SHARED_DATA, saved("instagram/profile_2021-06_pluto_travel.html"), re.DOTALL)[1]
    )
    told = json.loads(re.search(SHARED_DATA, page(PROFILE, outcome="old_layout"))[1])
    assert paths(told) <= paths(real)


def test_a_request_to_wait_is_worded_as_a_recorded_one(page, saved):
    real = json.loads(saved("instagram/blocked_401_please_wait.json"))
    assert json.loads(page(PROFILE, outcome="blocked")) == real
