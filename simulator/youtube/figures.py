"""The figures of reports: what the meter counted of a channel's videos, in rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

from simulator.mixing import mix
from simulator.youtube import meter
from simulator.youtube.ids import read_video, video_id
from simulator.youtube.library import Library
from simulator.youtube.meter import COUNTERS
from simulator.youtube.reports import Question

Row = list[Any]
Counts = Sequence[int]
PROCESSING_DAYS = 2
GROWN = 0.9  # the share of the last processed day that is counted already
EPOCH_DAY = date(1970, 1, 1).toordinal()
MICROS = 1_000_000
SHARES: dict[str, tuple[str, ...]] = {
    "country": ("US", "GB", "DE", "BR", "IN", "FR", "JP", "CA", "MX", "PL", "NL", "ZA"),
    "deviceType": ("MOBILE", "DESKTOP", "TV", "TABLET", "GAME_CONSOLE"),
    "insightTrafficSourceType": (
        *("YT_SEARCH", "SUBSCRIBER", "RELATED_VIDEO", "SHORTS", "EXT_URL", "YT_CHANNEL", "PLAYLIST"),
        *("NOTIFICATION", "NO_LINK_OTHER"),
    ),
    "ageGroup": ("age13-17", "age18-24", "age25-34", "age35-44", "age45-54", "age55-64", "age65-"),
    "gender": ("female", "male", "user_specified"),
}
PLAIN = {
    "estimatedMinutesWatched": ("watched_seconds", 60),
    "estimatedRedMinutesWatched": ("red_watched_seconds", 60),
}
PER = {
    "averageViewDuration": ("watched_seconds", "views", 1.0),
    "averageViewPercentage": ("watched_seconds", "offered_seconds", 100.0),
    "cpm": ("ad_micros", "adImpressions", 1_000 / MICROS / 0.55),
    "playbackBasedCpm": ("ad_micros", "monetizedPlaybacks", 1_000 / MICROS / 0.55),
}
MONEY = {
    "estimatedRevenue": (("ad_micros", "red_micros"), 1.0),
    "estimatedAdRevenue": (("ad_micros",), 1.0),
    "estimatedRedPartnerRevenue": (("red_micros",), 1.0),
    "grossRevenue": (("ad_micros",), 1 / 0.55),
}


def last_processed(now: float) -> int:
    """Return the last day whose figures there are; it is over for 48 hours."""
    return int(meter.day_of(now)) - 1 - PROCESSING_DAYS


def date_of(day: int) -> str:
    """Return a day as reports write it."""
    return date.fromordinal(EPOCH_DAY + day).isoformat()


@lru_cache(maxsize=1 << 13)
def shares(account: int, dimension: str) -> tuple[tuple[str, float], ...]:
    """Return which part of a channel's audience each value of a dimension is; together 1."""
    values = SHARES[dimension]
    weights = [
        (20 + mix(281, account, place, len(dimension)) % 80) / (place + 1) ** 0.5
        for place in range(len(values))
    ]
    total = sum(weights)
    return tuple((value, weight / total) for value, weight in zip(values, weights, strict=True))


class Video(NamedTuple):
    """One video's life, in days, and what share of its views each needed counter is."""

    number: int
    born: float
    ended: float
    rates: tuple[float, ...]


class Figures:
    """The figures of one channel for one question."""

    def __init__(self, shelf: Library, account: int, question: Question) -> None:
        self.shelf, self.account, self.question = shelf, account, question
        now = shelf.world.clock.now()
        self.settled = last_processed(now)  # at whose begin all is counted
        self.last = min(question.last_day, self.settled)
        self.places = sorted(needed(question.metrics))
        filters = dict(question.filters)
        self.videos = [self._video(number) for number in self._numbers(filters.get("video"))]
        self.part = 1.0
        if "country" in filters:
            self.part = dict(shares(account, "country")).get(filters["country"], 0.0)

    def _numbers(self, filtered: str | None) -> list[int]:
        numbers = self.shelf.ever_uploaded(self.account)
        if filtered is None:
            return numbers
        wanted = {read_video(name) for name in filtered.split(",")}
        return [number for number in numbers if number in wanted]

    def _video(self, number: int) -> Video:
        removed, rates = self.shelf.removed_at(number), meter.pace(number).shares
        return Video(
            number,
            meter.day_of(self.shelf.published_at(number)),
            inf if removed is None else meter.day_of(removed),
            tuple(rates[place] for place in self.places),
        )

    def rows(self) -> list[Row]:
        """Return the rows in the order asked for, before they are cut."""
        if self.last < self.question.first_day:
            return []
        found = list(self._rows(self.question.dimensions))
        columns = (*self.question.dimensions, *self.question.metrics)
        orders = self.question.sort or tuple((name, 1) for name in self.question.dimensions)
        for name, sign in reversed(orders):
            place = columns.index(name)
            found.sort(key=_column(place), reverse=sign < 0)
        return found

    def _rows(self, dimensions: tuple[str, ...]) -> Iterator[Row]:
        split = next((name for name in dimensions if name in SHARES), None)
        if "viewerPercentage" in self.question.metrics:
            yield from self._audience(dimensions)
            return
        for names, counts in self._counted(dimensions):
            for value, share in shares(self.account, split) if split else (("", 1.0),):
                cells = {**names, split: value} if split else names
                part = self.part * share
                values = counts if part == 1 else [int(count * part) for count in counts]
                yield [*(cells[name] for name in dimensions), *self._metrics(values)]

    def _counted(self, dimensions: tuple[str, ...]) -> Iterator[tuple[dict[str, str], Counts]]:
        """Return what is counted by day and by video, where the dimensions have them."""
        groups = [[video] for video in self.videos] if "video" in dimensions else [self.videos]
        for group in groups:
            name = {"video": video_id(group[0].number)} if "video" in dimensions else {}
            for names, counts in self._spans(group, daily="day" in dimensions):
                if counts[0] or not name:
                    yield names | name, counts

    def _spans(self, group: list[Video], *, daily: bool) -> Iterator[tuple[dict[str, str], Counts]]:
        """Return what some videos' counters grew by, each day or over all days."""
        first = self.question.first_day
        if not daily:
            yield {}, _difference(self._totals(group, first), self._totals(group, self.last + 1))
            return
        first = max(first, min((int(video.born) for video in group), default=0))
        before = self._totals(group, first)
        for day in range(first, self.last + 1):
            after = self._totals(group, day + 1)
            yield {"day": date_of(day)}, _difference(before, after)
            before = after

    def _totals(self, group: Iterable[Video], day: int) -> list[int]:
        """Return the counters of some videos at a day's begin; the last of the days is not all counted."""
        totals = [0] * len(self.places)
        for number, born, ended, rates in group:
            if born >= day:
                continue
            views = meter.views_at(number, born, min(day, ended))
            if day > self.settled:
                settled = meter.views_at(number, born, min(self.settled, ended))
                views = settled + (views - settled) * GROWN
            for place, rate in enumerate(rates):
                totals[place] += int(views * rate)
        return totals

    def _metrics(self, counts: Counts) -> Row:
        found = dict(zip((COUNTERS[place] for place in self.places), counts, strict=True))
        return [metric(name, found) for name in self.question.metrics]

    def _audience(self, dimensions: tuple[str, ...]) -> Iterator[Row]:
        if not any(counts[0] for _, counts in self._spans(self.videos, daily=False)):
            return
        rows: list[tuple[list[str], float]] = [([], 100.0)]
        for name in dimensions:
            values = shares(self.account, name)
            rows = [([*cells, value], part * share) for cells, part in rows for value, share in values]
        for cells, percent in rows:
            yield [*cells, round(percent, 1)]


def _difference(before: Counts, after: Counts) -> Counts:
    return [late - early for early, late in zip(before, after, strict=True)]


def _column(place: int) -> Callable[[Row], Any]:
    return lambda row: row[place]


@lru_cache(maxsize=1 << 10)
def needed(metrics: tuple[str, ...]) -> frozenset[int]:
    """Return the places of the counters that some metrics are made of; views always among them."""
    names = {"views"}
    for name in metrics:
        if name in PLAIN:
            names.add(PLAIN[name][0])
        elif name in PER:
            names |= set(PER[name][:2])
        elif name in MONEY:
            names |= set(MONEY[name][0])
        elif name in meter.PLACES:
            names.add(name)
    return frozenset(meter.PLACES[name] for name in names)


def metric(name: str, counts: dict[str, int]) -> float | int:
    """Return a metric of what was counted."""
    if name in PLAIN:
        counter, unit = PLAIN[name]
        return counts[counter] // unit
    if name in PER:
        above, below, factor = PER[name]
        value = counts[above] * factor / counts[below] if counts[below] else 0.0
        return int(value) if name == "averageViewDuration" else round(value, 2)
    if name in MONEY:
        counters, factor = MONEY[name]
        return round(sum(counts[counter] for counter in counters) * factor / MICROS, 3)
    return counts[name]
