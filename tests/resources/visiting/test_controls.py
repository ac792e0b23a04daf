"""What a person sets for scrapes holds, is taken back, and is refused where it makes no sense."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from resources.errors import InputRefused
from resources.provider import Site
from resources.providers import PROVIDERS
from resources.tables import AuditEntry
from resources.visiting.controls import configure, controls_of, pause, resume

pytestmark = pytest.mark.scrapers

SPOTIFY = PROVIDERS["spotify"]
SITE = Site("https://pages.example", pages=(), pause_seconds=3, concurrency=2, daily_pages=2_000)


def test_without_a_word_the_declaration_holds(database):
    controls = controls_of(database, SPOTIFY, SITE)
    assert (controls.pause_seconds, controls.concurrency, controls.daily_pages) == (3, 2, 2_000)
    assert controls.paused_at is None


def test_a_pause_says_who_and_when_and_ends(database):
    pause(database, SPOTIFY, "ann")
    controls = controls_of(database, SPOTIFY, SITE)
    assert controls.paused_by == "ann"
    assert controls.paused_at is not None
    resume(database, SPOTIFY, "bob")
    assert controls_of(database, SPOTIFY, SITE).paused_at is None
    with database.read() as connection:
        told = connection.execute(sa.select(AuditEntry.action, AuditEntry.actor)).all()
    assert {tuple(row) for row in told} == {("scraper.paused", "ann"), ("scraper.resumed", "bob")}


def test_settings_replace_the_declared_ones_and_an_empty_one_takes_them_back(database):
    pause(database, SPOTIFY, "ann")
    configure(database, SPOTIFY, "ann", {"pause_seconds": "0.5", "daily_pages": " 10 ", "concurrency": ""})
    controls = controls_of(database, SPOTIFY, SITE)
    assert (controls.pause_seconds, controls.concurrency, controls.daily_pages) == (0.5, 2, 10)
    assert controls.paused_by == "ann", "pausing and configuring do not touch each other"
    configure(database, SPOTIFY, "ann", {"pause_seconds": "", "daily_pages": "", "concurrency": ""})
    assert controls_of(database, SPOTIFY, SITE).daily_pages == 2_000


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"pause_seconds": "-1"}, "pause_seconds: -1 is out of range; give a number from 0 to 3600"),
        ({"pause_seconds": "nan"}, "pause_seconds: nan is out of range"),
        ({"concurrency": "0"}, "concurrency: 0 is out of range; give a number from 1 to 16"),
        ({"concurrency": "2.5"}, "concurrency: '2.5' is no number"),
        ({"daily_pages": "many"}, "daily_pages: 'many' is no number"),
        ({"speed": "1"}, "speed: is no setting of a scraper; use some of pause_seconds"),
    ],
)
def test_nonsense_is_refused_by_its_name_and_nothing_changes(database, changes, problem):
    configure(database, SPOTIFY, "ann", {"daily_pages": "7"})
    with pytest.raises(InputRefused, match=problem):
        configure(database, SPOTIFY, "ann", {"daily_pages": "8", **changes})
    assert controls_of(database, SPOTIFY, SITE).daily_pages == 7
