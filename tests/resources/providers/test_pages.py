"""Every page is read as what it is, and as nothing else."""

from __future__ import annotations

import pytest

from resources.providers import PROVIDERS
from resources.reading.verdict import Capture, Outcome, Reading, Refusal

LISTINGS = {"expected.json", "expected_of_saved.json"}


def test_own_pages_are_read_as_told(own) -> None:
    verdict = own.page.read(own.capture(), own.subject)
    assert verdict.outcome == own.told["outcome"], verdict
    if isinstance(verdict, Refusal):
        assert verdict.missing == tuple(own.told.get("missing", ()))
        assert "stumbled" not in verdict.detail
    else:
        assert [dict(row) for row in verdict.rows] == own.rows
        assert verdict.layout == own.told["layout"]


def test_every_own_page_has_its_expectation(own_folder, own_names) -> None:
    assert {path.name for path in own_folder.iterdir()} - LISTINGS == own_names


def test_saved_pages_are_read_as_they_were(saved) -> None:
    if not saved.path.exists():
        pytest.skip(f"{saved.path} is not here")
    verdict, told = saved.page.read(saved.capture(), saved.subject), saved.told
    assert verdict.outcome == told["outcome"], verdict
    if isinstance(verdict, Refusal):
        assert verdict.missing == tuple(told.get("missing", ()))
        return
    row = dict(verdict.rows[0])
    assert {name: row[name] for name in told["has"]} == told["has"]
    for name, first in told.get("first", {}).items():
        assert first.items() <= row[name][0].items()
    assert {name: len(row[name]) for name in told.get("length", {})} == told.get("length", {})
    assert len(verdict.rows) == told.get("count", 1)


def test_every_saved_page_is_among_them(saved_folder, saved_names) -> None:
    found = {str(path.relative_to(saved_folder)) for path in saved_folder.glob("*/*")}
    assert found - saved_names == {"youtube/number_formats_36_languages.json"}


def test_no_other_reader_reads_a_page(own, kinds) -> None:
    for kind in kinds:
        subjects = {own.subject, kind.canary} if kind is not own.page else set()
        verdicts = [kind.read(own.capture(status=200), subject) for subject in subjects]
        assert not [verdict for verdict in verdicts if isinstance(verdict, Reading)]


def test_no_other_reader_reads_a_saved_page(saved, kinds) -> None:
    if not saved.path.exists():
        pytest.skip(f"{saved.path} is not here")
    verdicts = [
        kind.read(saved.capture(status=200), saved.subject) for kind in kinds if kind is not saved.page
    ]
    assert not [verdict for verdict in verdicts if isinstance(verdict, Reading)]


def test_a_page_is_not_read_as_somebody_elses(own) -> None:
    if not own.told.get("rows"):
        return
    verdict = own.page.read(own.capture(), own.page.canary)
    assert verdict.outcome is Outcome.WRONG_PAGE


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.LOGIN_WALL),
        (403, Outcome.BLOCKED),
        (404, Outcome.NOT_FOUND),
        (410, Outcome.GONE),
        (418, Outcome.LAYOUT_CHANGED),
        (429, Outcome.BLOCKED),
        (500, Outcome.TIMED_OUT),
        (503, Outcome.TIMED_OUT),
    ],
)
def test_a_status_counts_more_than_the_page(sample, status: int, outcome: Outcome) -> None:
    for name in (
        "spotify_artist_rendered.html",
        "youtube_page_header.html",
        "youtube_feed.xml",
        "instagram_described.html",
    ):
        one = sample(name)
        assert one.page.read(one.capture(status=status), one.subject).outcome is outcome


@pytest.mark.parametrize(
    "body", ["", "  ", "{", "{}", "[]", "null", "<", "<html>", "<?xml version='1.0'?>", "\0"]
)
def test_nothing_is_no_reading(kinds, body: str) -> None:
    for kind in kinds:
        verdict = kind.read(Capture("https://site.example/", 200, body), kind.canary)
        assert isinstance(verdict, Refusal)
        assert "stumbled" not in verdict.detail


@pytest.mark.parametrize(
    ("name", "url", "outcome"),
    [
        ("youtube_page_header.html", "https://consent.youtube.com/m?continue=x&gl=ES", Outcome.CONSENT_WALL),
        ("youtube_feed.xml", "https://www.google.com/sorry/index?continue=x", Outcome.BLOCKED),
        ("youtube_page_header.html", "https://accounts.google.com/ServiceLogin", Outcome.LOGIN_WALL),
        (
            "instagram_described.html",
            "https://www.instagram.com/accounts/login/?next=/x/",
            Outcome.LOGIN_WALL,
        ),
        ("instagram_described.html", "https://www.instagram.com/challenge/?next=/x/", Outcome.BLOCKED),
        ("spotify_artist_rendered.html", "https://accounts.spotify.com/en/login", Outcome.LOGIN_WALL),
    ],
)
def test_being_led_away_is_told_by_the_address(sample, name: str, url: str, outcome: Outcome) -> None:
    one = sample(name)
    assert one.page.read(one.capture(url=url), one.subject).outcome is outcome


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("youtube_consent.html", Outcome.CONSENT_WALL), ("youtube_sorry.html", Outcome.BLOCKED)],
)
def test_a_wall_in_place_of_a_feed_is_a_wall(sample, name: str, outcome: Outcome) -> None:
    feed = sample("youtube_feed.xml")
    assert feed.page.read(feed.capture(sample(name).path.read_text()), feed.subject).outcome is outcome


def test_columns_of_a_row_are_the_records(own) -> None:
    for row in own.rows:
        assert list(row) == own.page.column_names


def test_every_kind_of_page_is_declared() -> None:
    names = {f"{p.name}/{page.name}" for p in PROVIDERS.values() for page in p.pages}
    assert names == {
        "spotify/artist_page",
        "instagram/profile_page",
        "youtube/channel_page",
        "youtube/feed_page",
    }
