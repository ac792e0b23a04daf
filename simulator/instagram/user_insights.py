"""``/me/insights``: numbers by day or in sum, and who the audience is."""

from __future__ import annotations

from typing import Any, NamedTuple

from simulator.instagram import days, errors, metrics, profile, shares, times
from simulator.instagram.asked import Asked
from simulator.instagram.demographics import demographics
from simulator.instagram.errors import Refused
from simulator.mixing import mix

LONGEST_DAYS, KEPT_DAYS = 30, 730
METRIC_TYPES = ("default", "time_series", "total_value")


class Window(NamedTuple):
    """From when to when, in Unix seconds."""

    since: float
    until: float


def user_insights(asked: Asked) -> dict[str, Any]:
    """Return an account's numbers; raise ``Refused`` where one metric does not go with the rest."""
    names, period = asked.words("metric"), asked.values.get("period")
    metrics.check_names(names, metrics.USER_METRICS)
    if period not in metrics.PERIODS:
        raise Refused(f"(#100) period must be one of the following values: {', '.join(metrics.PERIODS)}")
    kind = asked.values.get("metric_type", "default")
    if kind not in METRIC_TYPES:
        listed = ", ".join(METRIC_TYPES)
        raise Refused(f"(#100) metric_type must be one of the following values: {listed}")
    described = [name for name in names if name in metrics.DEMOGRAPHICS]
    if described:
        return demographics(asked, names)
    if "timeframe" in asked.values:
        raise Refused("(#100) The parameter timeframe goes with demographics only")
    if period in {"week", "days_28"}:
        raise errors.not_simulated(f"the period {period}")
    if period != "day":
        raise Refused(f"(#100) The following metrics ({','.join(names)}) do not support the period {period}")
    return _daily(asked, names, "time_series" if kind == "default" else kind)


def _daily(asked: Asked, names: list[str], kind: str) -> dict[str, Any]:
    _check_kind(asked, names, kind)
    breakdowns = asked.words("breakdown") if "breakdown" in asked.values else []
    if breakdowns and kind != "total_value":
        raise Refused("(#100) breakdown should be specified with parameter metric_type=total_value")
    metrics.check_breakdowns(names, breakdowns, metrics.USER_BREAKDOWNS)
    window = _window(asked, names)
    shown = [
        name for name in names if name != "follower_count" or profile.has_audience(asked.state, asked.account)
    ]
    data = [
        _total(asked, name, breakdowns, window) if kind == "total_value" else _series(asked, name, window)
        for name in shown
    ]
    return {"data": data, "paging": _paging(asked, window)} if data else {"data": []}


def _check_kind(asked: Asked, names: list[str], kind: str) -> None:
    """Raise ``Refused`` where a metric is not told in this way."""
    wrong = [
        name for name in names if name not in (metrics.TOTALS if kind == "total_value" else metrics.SERIES)
    ]
    if wrong and "metric_type" not in asked.values:
        listed = ",".join(wrong)
        raise Refused(
            f"(#100) The following metrics ({listed}) should be specified with parameter "
            "metric_type=total_value"
        )
    if wrong:
        raise Refused(
            f"(#100) The following metric ({wrong[0]}) is incompatible with the metric type ({kind})"
        )


def _window(asked: Asked, names: list[str]) -> Window:
    """Return the window asked for, the last 24 hours by default."""
    moments = {
        name: times.read_moment(name, asked.values[name])
        for name in ("since", "until")
        if name in asked.values
    }
    now = asked.state.now
    until = moments.get("until", now)
    since = moments.get("since", until - times.DAY_SECONDS)
    if since >= until:
        raise Refused("(#100) since param must be before until param.")
    if until - since > LONGEST_DAYS * times.DAY_SECONDS:
        raise Refused("(#100) There cannot be more than 30 days (2592000 s) between since and until")
    if since < now - KEPT_DAYS * times.DAY_SECONDS:
        raise Refused("(#100) since param is not valid. Metrics data is available for the last 2 years")
    if "follower_count" in names and times.day_of(since) < times.day_of(now) - LONGEST_DAYS:
        raise Refused(
            "(#100) (follower_count) metric only supports querying data for the last 30 days excluding the "
            "current day"
        )
    return Window(since, until)


def _series(asked: Asked, name: str, window: Window) -> dict[str, Any]:
    values = [
        {
            "value": days.value(asked.state, asked.account, name, day),
            "end_time": times.graph_time(times.day_end(day)),
        }
        for day in days.within(asked.state, *window)
    ]
    return _insight(asked, name, {"values": values})


def _total(asked: Asked, name: str, breakdowns: list[str], window: Window) -> dict[str, Any]:
    state, account, shown = asked.state, asked.account, days.within(asked.state, *window)
    if name == "follows_and_unfollows":
        return _insight(asked, name, {"total_value": _follows(asked, breakdowns, shown)})
    total = days.total(state, account, name, shown)
    body: dict[str, Any] = {"value": total}
    if breakdowns:
        dimensions = {dimension: metrics.DIMENSIONS[dimension] for dimension in breakdowns}
        body["breakdowns"] = [
            shares.breakdown(total, dimensions, mix(349, account, metrics.TOTALS.index(name)))
        ]
    return _insight(asked, name, {"total_value": body})


def _follows(asked: Asked, breakdowns: list[str], shown: list[int]) -> dict[str, Any]:
    """Return who came (FOLLOWER) and who left (NON_FOLLOWER), which the metric never tells in one number."""
    if not breakdowns:
        return {}
    results = [
        {"dimension_values": [key], "value": days.total(asked.state, asked.account, metric, shown)}
        for key, metric in (("FOLLOWER", "follower_count"), ("NON_FOLLOWER", "unfollows"))
    ]
    return {"breakdowns": [{"dimension_keys": breakdowns, "results": results}]}


def _insight(asked: Asked, name: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "period": "day",
        **told,
        "title": metrics.title(name),
        "description": metrics.description(name),
        "id": f"{asked.node.id}/insights/{name}/day",
    }


def _paging(asked: Asked, window: Window) -> dict[str, str]:
    """Return the addresses of the windows before and after, which never end."""
    length = int(window.until - window.since)
    kept = {name: text for name, text in asked.values.items() if name not in {"since", "until", "pretty"}}
    starts = {"previous": int(window.since) - length, "next": int(window.until)}
    return {
        name: asked.address({**kept, "since": str(since), "until": str(since + length)})
        for name, since in starts.items()
    }
