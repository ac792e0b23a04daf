"""What all simulated sites have in common: orders, robots.txt, weight, and pages that break on their way."""

from __future__ import annotations

import re

import pytest
from protego import Protego

from resources.settings import REPOSITORY
from simulator.addresses import CANARIES, PLACES, provider_settings
from simulator.spotify.ids import make_id

pytestmark = pytest.mark.providers
ARTIST = CANARIES["SPOTIFY"]["artist_page"]
PAGE = f"/spotify/open/artist/{ARTIST}"
PATHS = {
    "artist_page": "/artist/{}",
    "channel_page": "/channel/{}/videos",
    "feed_page": "/feeds/videos.xml?channel_id={}",
    "profile_page": "/{}/",
}
CANARY_PAGES = [
    (PLACES[f"{provider}_PAGES_URL"] + PATHS[page].format(subject))
    for provider, pages in CANARIES.items()
    for page, subject in pages.items()
]


def statuses(sim, times, page=PAGE):
    return [sim.ask("GET", page).status_code for _ in range(times)]


@pytest.mark.parametrize("page", CANARY_PAGES)
def test_canaries_exist(sim, page):
    assert statuses(sim, 1, page) == [200]


def test_canaries_are_among_the_settings():
    settings = provider_settings("http://127.0.0.1:1", "1/1")
    assert settings["SPOTIFY_PAGES_URL"] == "http://127.0.0.1:1/spotify/open"
    assert settings["YOUTUBE_CANARIES"].startswith("channel_page=UC")


@pytest.mark.parametrize("page", CANARY_PAGES)
def test_pages_may_be_visited_unless_robots_txt_is_told_otherwise(sim, page):
    provider = page.split("/")[1]
    own = "/".join([*page.split("/")[:3], "robots.txt"])
    for address in ("/robots.txt", own):
        assert Protego.parse(sim.ask("GET", address).text).can_fetch(page, "Backline")
    sim.control(f"{provider}/site", robots="disallow")
    for address in ("/robots.txt", own):
        assert not Protego.parse(sim.ask("GET", address).text).can_fetch(page, "Backline")


def test_robots_txt_is_in_the_log(sim):
    sim.ask("GET", "/robots.txt")
    assert sim.ask("GET", "/control/requests?path_prefix=/robots.txt").json()["total"] == 1


def test_robots_txt_may_be_missing_or_broken(sim):
    assert sim.control("spotify/site", robots="missing")["robots"] == "missing"
    assert statuses(sim, 1, "/spotify/open/robots.txt") == [404]
    assert statuses(sim, 1, "/robots.txt") == [200]
    sim.control("spotify/site", robots="error")
    assert statuses(sim, 1, "/spotify/open/robots.txt") == [500]
    assert statuses(sim, 1, "/robots.txt") == [500]


def test_an_order_holds_for_as_many_visits_as_it_says(sim):
    sim.control("spotify/pages", outcome="server_error", times=2)
    assert statuses(sim, 3) == [500, 500, 200]
    (order,) = sim.ask("GET", "/control/spotify/pages").json()
    assert (order["hits"], order["times"]) == (2, 0)


def test_an_order_may_hold_until_it_is_taken_back(sim):
    sim.control("spotify/pages", outcome="server_error", status=503, times=None)
    assert statuses(sim, 3) == [503, 503, 503]
    assert sim.ask("DELETE", "/control/spotify/pages").json() == {"removed": 1}
    assert statuses(sim, 1) == [200]


def test_an_order_may_be_of_one_subject(sim):
    sim.control("spotify/pages", outcome="server_error", subject=make_id("artist", 5), times=None)
    assert statuses(sim, 1) == [200]
    assert statuses(sim, 1, f"/spotify/open/artist/{make_id('artist', 5)}") == [500]


def test_the_first_order_that_fits_counts(sim):
    sim.control("spotify/pages", outcome="server_error", status=501)
    sim.control("spotify/pages", outcome="server_error", status=502)
    assert statuses(sim, 3) == [501, 502, 200]


@pytest.mark.parametrize(
    ("site", "order", "field", "cure"),
    [
        ("spotify", {"outcome": "melted"}, "outcome", "melted"),
        ("spotify", {"outcome": "gone"}, "outcome", "use one of blocked"),
        ("spotify", {"outcome": "consent_wall"}, "outcome", "use one of blocked"),
        ("spotify", {"outcome": "login_wall"}, "outcome", "use one of blocked"),
        ("youtube", {"outcome": "login_wall", "page": "feed_page"}, "outcome", "feed_page"),
        ("youtube", {"outcome": "old_layout", "page": "feed_page"}, "outcome", "feed_page"),
        ("youtube", {"outcome": "blocked", "page": "about_page"}, "page", "channel_page, feed_page"),
        ("instagram", {"outcome": "soft_block", "subject": "x"}, "subject", "leave it out"),
        ("instagram", {"outcome": "blocked", "subject": "nobody"}, "subject", "nobody"),
        ("youtube", {"outcome": "wrong_page", "instead": "UCx"}, "instead", "UCx"),
        ("spotify", {"outcome": "blocked", "subject": "x"}, "subject", "address"),
        ("spotify", {"outcome": "blocked", "times": -1}, "times", ">= 0"),
        ("spotify", {"outcome": "blocked", "status": 200}, "status", ">= 400"),
        ("spotify", {"outcome": "disagree", "factor": 0}, "factor", "> 0"),
        ("spotify", {"outcome": "slow", "seconds": -1}, "seconds", ">= 0"),
        ("spotify", {"outcome": "endless", "mb": 0}, "mb", ">= 1"),
        ("spotify", {"outcome": "blocked", "colour": "red"}, "colour", "unknown field"),
        ("spotify", {}, "outcome", "required"),
    ],
)
def test_orders_that_make_no_sense_are_refused(sim, site, order, field, cure):
    reply = sim.ask("POST", f"/control/{site}/pages", json=order)
    assert reply.status_code == 400
    assert field in reply.json()["error"]
    assert cure in reply.json()["error"]
    assert sim.ask("GET", f"/control/{site}/pages").json() == []


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        ({"robots": "maybe"}, "robots"),
        ({"weight_kb": -1}, "weight_kb"),
        ({"subresources": 501}, "subresources"),
        ({"consent": "on"}, "consent"),
    ],
)
def test_modes_that_make_no_sense_are_refused(sim, mode, word):
    reply = sim.ask("POST", "/control/spotify/site", json=mode)
    assert reply.status_code == 400
    assert word in reply.json()["error"]


def test_pages_can_be_as_heavy_as_real_ones(sim):
    sim.control("spotify/site", weight_kb=500, subresources=30)
    html = sim.ask("GET", PAGE).text
    assert 500 * 1_024 <= len(html.encode()) < 510 * 1_024
    files = re.findall(r'"(/spotify/open/static/[^"]+)"', html)
    kinds = {sim.ask("GET", file).headers["content-type"].partition(";")[0] for file in files[:3]}
    assert len(files) == 30
    assert kinds == {"text/css", "application/javascript", "image/png"}
    assert statuses(sim, 1, "/spotify/open/static/1.exe") == [404]


def test_an_endless_page_goes_on_past_what_was_promised(sim):
    sound = len(sim.ask("GET", PAGE).content)
    sim.control("spotify/pages", outcome="endless", mb=1)
    reply = sim.ask("GET", PAGE)
    assert len(reply.content) > 1_024 * 1_024 > sound
    assert "content-length" not in reply.headers
    assert not reply.text.rstrip().endswith("</html>")


def test_a_slow_page_comes_whole(sim):
    sound = sim.ask("GET", PAGE).content
    sim.control("spotify/pages", outcome="slow", seconds=0.02)
    assert sim.ask("GET", PAGE).content == sound


def test_the_documented_settings_are_those_that_are_set():
    settings = provider_settings("http://127.0.0.1:8790", "1/1")
    said = (REPOSITORY / "docs/reference/simulator.md").read_text(encoding="utf-8")
    for name, value in settings.items():
        assert name.endswith("_RATE_LIMIT") or f"\nBACKLINE_{name}={value}\n" in said
