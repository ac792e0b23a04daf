"""Histories by the day: what is read again, what a failure keeps, and when the cursor moves."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import httpx
import msgspec
import pytest

from resources.provider import Days
from resources.providers import PROVIDERS
from resources.sync.engine import SyncEngine

pytestmark = pytest.mark.providers

STREAM = "account_insights"
DAYS = PROVIDERS["instagram"].stream(STREAM).days
NOON = datetime(2026, 11, 23, 20, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def day_of(request):
    """Return the day of California that a request asks for."""
    since = datetime.fromtimestamp(int(request.url.params["since"]), UTC)
    return since.date()


class Ledger:
    """An Instagram that knows one number a day, and the days at which it breaks."""

    def __init__(self):
        self.asked: list[date] = []
        self.broken: set[date] = set()
        self.value = 7

    def __call__(self, request):
        day = day_of(request)
        self.asked.append(day)
        if day in self.broken:
            return httpx.Response(400, json={"error": {"code": 100, "message": "no"}})
        total = {"name": "reach", "total_value": {"value": self.value}}
        return httpx.Response(200, json={"data": [total]})


class Reading:
    """One account whose days are read."""

    def __init__(self, simulated, syncing):
        self.simulated, self.syncing, self.ledger = simulated, syncing, Ledger()
        self.account = simulated.connect("acme", 1, provider="instagram")

    def sync(self, now=NOON, **more):
        """Read; return the days asked for."""
        self.ledger.asked.clear()
        request = self.syncing.request(STREAM, **more)
        transport = httpx.MockTransport(self.ledger)
        engine = SyncEngine(self.simulated.backline, request, transport=transport, clock=lambda: now)
        self.report = self.simulated.run(engine.run())
        return list(self.ledger.asked)

    @property
    def cursor(self):
        (row,) = self.simulated.rows("SELECT cursor FROM stream_cursors") or [{"cursor": None}]
        return msgspec.json.decode(row["cursor"]) if isinstance(row["cursor"], str) else row["cursor"]

    @property
    def days(self):
        return [row["day"] for row in self.syncing.stored(STREAM)]


@pytest.fixture
def reading(simulated, on_instagram):
    return Reading(simulated, on_instagram)


def between(first, last):
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


YESTERDAY = TODAY - timedelta(days=1)


def test_a_first_sync_reaches_so_many_days_back_and_not_to_today(reading):
    assert reading.sync() == between(TODAY - timedelta(days=DAYS.initial), YESTERDAY)
    assert reading.days == reading.ledger.asked


def test_days_that_may_still_change_are_read_again_and_no_others(reading):
    reading.sync()
    reading.ledger.value = 8
    again = reading.sync()
    assert again == between(TODAY - timedelta(days=DAYS.settling - 1), YESTERDAY)
    changed = {row["day"] for row in reading.syncing.stored(STREAM) if row["value"] == 8}
    assert changed == set(again)


def test_the_next_day_is_read_with_them(reading):
    reading.sync()
    assert reading.sync(NOON + timedelta(days=1))[-1] == TODAY
    assert len(reading.days) == DAYS.initial + 1


def test_the_day_is_that_of_the_providers_zone(reading):
    """Seven in the morning, UTC, is still the day before in California."""
    assert reading.sync(datetime(2026, 11, 23, 7, tzinfo=UTC))[-1] == date(2026, 11, 21)


def test_days_missed_in_a_long_absence_are_read_however_long_it_was(reading):
    reading.sync()
    later = reading.sync(NOON + timedelta(days=60))
    assert later[0] <= TODAY
    assert set(between(TODAY - timedelta(days=DAYS.initial), YESTERDAY + timedelta(days=60))) == set(
        reading.days
    )


def test_an_absence_is_read_no_further_back_than_the_provider_answers(reading):
    reading.sync()
    later = reading.sync(NOON + timedelta(days=DAYS.reach + 100))
    assert len(later) == DAYS.reach


def test_a_failure_keeps_the_days_before_it_and_goes_on_there(reading):
    bad = TODAY - timedelta(days=10)
    reading.ledger.broken.add(bad)
    reading.sync()
    assert reading.report.accounts == {"failed": 1}
    assert reading.days == between(TODAY - timedelta(days=DAYS.initial), bad - timedelta(days=1))
    assert reading.cursor == {"through": (bad - timedelta(days=1)).isoformat()}
    reading.ledger.broken.clear()
    assert reading.sync() == between(bad, YESTERDAY)
    assert len(reading.days) == DAYS.initial


def test_a_failure_at_the_first_day_leaves_the_cursor_where_it_was(reading):
    reading.sync()
    before = reading.cursor
    reading.ledger.broken.update(between(TODAY - timedelta(days=5), TODAY))
    reading.sync(NOON)
    assert reading.cursor == before


@pytest.mark.parametrize("full", [False, True])
def test_days_that_a_person_asks_for_leave_the_cursor_alone(reading, full):
    reading.sync()
    before = reading.cursor
    wanted = (date(2026, 6, 1), date(2026, 6, 3))
    assert reading.sync(days=wanted, full=full) == between(*wanted)
    assert reading.cursor == before
    assert reading.sync() == between(TODAY - timedelta(days=DAYS.settling - 1), YESTERDAY)


def test_days_that_a_person_asks_for_end_at_the_reach_and_yesterday(reading):
    assert reading.sync(days=(date(2020, 1, 1), date(2020, 1, 2))) == []
    assert reading.sync(days=(YESTERDAY, TODAY + timedelta(days=9))) == [YESTERDAY]
    oldest = TODAY - timedelta(days=DAYS.reach)
    assert reading.sync(days=(date(2020, 1, 1), oldest)) == [oldest]


def test_a_full_sync_reads_as_a_first_one(reading):
    reading.sync()
    assert len(reading.sync(full=True)) == DAYS.initial


def test_an_empty_day_is_no_zero(reading):
    reading.ledger.__class__ = type("Silent", (Ledger,), {"__call__": silent})
    assert len(reading.sync()) == DAYS.initial
    assert reading.days == []
    assert reading.report.accounts == {"ok": 1}


def silent(ledger, request):
    ledger.asked.append(day_of(request))
    return httpx.Response(200, json={"data": []})


class TestWindows:
    """Windows cover every day once."""

    @pytest.mark.parametrize(("span", "days"), [(1, 5), (3, 7), (10, 10), (365, 1)])
    def test_cover_every_day_once_oldest_first(self, span, days):
        rule = Days("a", "b", kind="date", zone="UTC", span=span, settling=1, initial=1, reach=1)
        first, last = TODAY, TODAY + timedelta(days=days - 1)
        covered = [day for window in rule.windows(first, last) for day in between(*window)]
        assert covered == between(first, last)
        assert all((end - begin).days < span for begin, end in rule.windows(first, last))

    def test_of_a_day_on_which_clocks_change_are_23_hours_long(self):
        params = DAYS.params((date(2026, 3, 8), date(2026, 3, 8)))
        assert params["until"] - params["since"] == 23 * 3_600
