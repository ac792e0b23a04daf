"""Which reports Analytics makes: their dimensions, filters, metrics and orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.youtube.errors import Refused, not_simulated

NOT_SUPPORTED = (
    "The query is not supported. Check the documentation at "
    "https://developers.google.com/youtube/analytics/v2/available_reports for supported queries."
)
MONETARY = frozenset(
    {
        *("estimatedRevenue", "estimatedAdRevenue", "estimatedRedPartnerRevenue", "grossRevenue"),
        *("cpm", "playbackBasedCpm", "adImpressions", "monetizedPlaybacks"),
    }
)
WATCHED = frozenset(
    {
        *("views", "engagedViews", "redViews", "estimatedMinutesWatched", "estimatedRedMinutesWatched"),
        *("averageViewDuration", "averageViewPercentage"),
    }
)
ACTIVITY = WATCHED | {
    *("likes", "dislikes", "comments", "shares", "subscribersGained", "subscribersLost"),
    *("videosAddedToPlaylists", "videosRemovedFromPlaylists"),
}
COUNTED = frozenset({"views", "engagedViews", "estimatedMinutesWatched"})
FLOATS = MONETARY - {"adImpressions", "monetizedPlaybacks"} | {"averageViewPercentage", "viewerPercentage"}
PLACES = frozenset({"country", "video"})
TOP_ORDERS = frozenset(
    {
        *("views", "engagedViews", "redViews", "estimatedMinutesWatched", "estimatedRedMinutesWatched"),
        *("estimatedRevenue", "estimatedRedPartnerRevenue", "subscribersGained", "subscribersLost"),
    }
)
MOST_ROWS = 200
ELSEWHERE = frozenset(
    {
        *("adType", "audienceType", "city", "continent", "creatorContentType", "elapsedVideoTimeRatio"),
        *("group", "insightPlaybackLocationDetail", "insightPlaybackLocationType", "playlist"),
        *("insightTrafficSourceDetail", "liveOrOnDemand", "month", "operatingSystem", "province"),
        *("sharingService", "subContinent", "subscribedStatus", "youtubeProduct"),
    }
)


@dataclass(frozen=True)
class Report:
    """One report; ``top`` says that it is sorted downwards and has 200 rows at most."""

    metrics: frozenset[str]
    filters: frozenset[str] = PLACES
    needs: frozenset[str] = frozenset()
    top: bool = False


REPORTS: dict[frozenset[str], Report] = {
    frozenset(): Report(ACTIVITY | MONETARY),
    frozenset({"day"}): Report(ACTIVITY | MONETARY),
    frozenset({"day", "video"}): Report(ACTIVITY | MONETARY, needs=frozenset({"video"})),
    frozenset({"video"}): Report(ACTIVITY | MONETARY, top=True),
    frozenset({"country"}): Report(ACTIVITY | MONETARY, frozenset({"video"})),
    frozenset({"deviceType"}): Report(COUNTED),
    frozenset({"deviceType", "day"}): Report(COUNTED),
    frozenset({"insightTrafficSourceType"}): Report(COUNTED),
    frozenset({"insightTrafficSourceType", "day"}): Report(COUNTED),
    frozenset({"ageGroup"}): Report(frozenset({"viewerPercentage"})),
    frozenset({"gender"}): Report(frozenset({"viewerPercentage"})),
    frozenset({"ageGroup", "gender"}): Report(frozenset({"viewerPercentage"})),
}
KNOWN_METRICS = ACTIVITY | MONETARY | {"viewerPercentage"}
KNOWN_DIMENSIONS = frozenset().union(*REPORTS)


@dataclass(frozen=True)
class Question:
    """What is asked; days are numbered from 1970-01-01, ``sort`` pairs a column with -1 or 1."""

    first_day: int
    last_day: int
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    sort: tuple[tuple[str, int], ...] = ()
    rows: int | None = None
    start: int = 1

    def check(self) -> None:
        """Raise ``Refused`` where Analytics makes no such report."""
        self._check_names()
        report = REPORTS.get(frozenset(self.dimensions))
        filters = {name for name, _ in self.filters}
        if report is None or not set(self.metrics) <= report.metrics:
            raise unsupported()
        if not report.needs <= filters <= report.filters:
            raise unsupported()
        if not {name for name, _ in self.sort} <= {*self.dimensions, *self.metrics}:
            raise unsupported()
        if report.top and not self._is_top():
            raise unsupported()

    def _check_names(self) -> None:
        used = {*self.dimensions, *(name for name, _ in self.filters)}
        if later := sorted(used & ELSEWHERE):
            raise not_simulated(f"reports by {later[0]}")
        for field, names, known in (
            ("dimensions", self.dimensions, KNOWN_DIMENSIONS),
            ("metrics", self.metrics, KNOWN_METRICS),
            ("filters", tuple(name for name, _ in self.filters), PLACES),
        ):
            if unknown := [name for name in names if name not in known]:
                if field == "filters" and unknown[0] in KNOWN_DIMENSIONS:
                    raise unsupported()
                raise bad(f"Unknown identifier ({unknown[0]}) given in field parameters.{field}.", field)
            if len(set(names)) < len(names):
                raise unsupported()

    def _is_top(self) -> bool:
        downwards = all(sign < 0 and name in TOP_ORDERS for name, sign in self.sort)
        return bool(self.sort) and downwards and self.rows is not None and self.rows <= MOST_ROWS


def headers(question: Question) -> list[dict[str, Any]]:
    """Return the columns, dimensions first."""
    columns = [(name, "DIMENSION", "STRING") for name in question.dimensions]
    columns += [(name, "METRIC", "FLOAT" if name in FLOATS else "INTEGER") for name in question.metrics]
    return [{"name": name, "columnType": kind, "dataType": content} for name, kind, content in columns]


def unsupported() -> Refused:
    """Return the refusal of a combination that Analytics does not make."""
    return Refused(400, "badRequest", NOT_SUPPORTED)


def bad(message: str, parameter: str) -> Refused:
    """Return the refusal of one parameter."""
    return Refused(400, "badRequest", message, location=f"parameters.{parameter}")
