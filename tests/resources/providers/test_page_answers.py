"""Answers that a page asked for itself: those of the subject are read, all others are left alone."""

from __future__ import annotations

import json

import pytest

from resources.reading.verdict import Answer, Outcome

PATHFINDER = "https://api-partner.spotify.com/pathfinder/v2/query"
GRAPHQL = "https://www.instagram.com/graphql/query"


def answered(page, *bodies: str, url: str, status: int = 200):
    answers = tuple(Answer(url, status, body) for body in bodies)
    return page.page.read(page.capture(way="browser", answers=answers), page.subject)


def test_an_artists_answer_is_exact_and_counts_most(sample) -> None:
    page, overview = sample("spotify_artist_rendered.html"), sample("spotify_overview.json")
    body = overview.path.read_text()
    related = sample("spotify_related.json").path.read_text()
    verdict = answered(page, "no json", "[]", related, body.replace("1234567", "1234999"), url=PATHFINDER)
    assert verdict.layout == "pathfinder_2026_06"
    assert (verdict.rows[0]["monthly_listeners"], verdict.rows[0]["followers"]) == (1_234_999, 87_654)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.replace("1aaaaaaaaaaaaaaaaaaaaa", "2bbbbbbbbbbbbbbbbbbbbb"),
        lambda body: body.replace("monthlyListeners", "listeners"),
        lambda body: body.replace('"id": "1aaa', '"id": "3aaa'),
        lambda body: body[:-40],
        lambda body: json.dumps({"errors": [{"message": "PersistedQueryNotFound"}]}),
    ],
)
def test_without_a_good_answer_what_is_shown_counts(sample, spoil) -> None:
    page, body = sample("spotify_artist_rendered.html"), sample("spotify_overview.json").path.read_text()
    verdict = answered(page, spoil(body), url=PATHFINDER)
    assert (verdict.layout, verdict.rows[0]["followers"]) == ("rendered_2022_12", None)


def test_answers_that_failed_are_not_read(sample) -> None:
    page, body = sample("spotify_artist_rendered.html"), sample("spotify_overview.json").path.read_text()
    assert answered(page, body, url=PATHFINDER, status=403).layout == "rendered_2022_12"


def test_an_artist_that_is_not_there_is_told_by_the_answer(sample) -> None:
    page, body = sample("spotify_artist_described.html"), sample("spotify_not_found.json").path.read_text()
    assert answered(page, body, url=PATHFINDER).outcome is Outcome.NOT_FOUND


def test_a_rank_of_nothing_is_no_rank(sample) -> None:
    page = sample("spotify_overview.json")
    body = page.path.read_text().replace('"worldRank": 412', '"worldRank": 0')
    assert page.page.read(page.capture(body), page.subject).rows[0]["world_rank"] is None


def test_two_numbers_of_listeners_are_none(sample) -> None:
    page = sample("spotify_artist_rendered.html")
    body = page.path.read_text().replace("1,234,567 monthly", "7,654,321 monthly", 1)
    verdict = page.page.read(page.capture(body), page.subject)
    assert (verdict.layout, verdict.rows[0]["monthly_listeners_step"]) == ("description_2022_12", 100_000)


@pytest.mark.parametrize(
    "name", ["instagram_answer.json", "instagram_web_profile.json", "instagram_counts.json"]
)
def test_a_profiles_answer_is_exact_and_counts_most(sample, name: str) -> None:
    page, body = sample("instagram_described.html"), sample(name).path.read_text()
    other = sample("instagram_other_user.json").path.read_text()
    verdict = answered(page, "no json", other, body, url=GRAPHQL)
    assert (verdict.rows[0]["followers"], verdict.rows[0]["followers_step"]) == (31_234, 1)


def test_somebody_elses_answer_is_not_read(sample) -> None:
    page = sample("instagram_described.html")
    verdict = answered(page, sample("instagram_other_user.json").path.read_text(), url=GRAPHQL)
    assert (verdict.rows[0]["followers"], verdict.rows[0]["followers_step"]) == (31_000, 1_000)
