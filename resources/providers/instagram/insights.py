"""Instagram's insights: metrics by day, in total or by breakdown, turned into one number a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def unfold(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the numbers of an insights reply: ``metric, dimension, dimension_value, value``.

    An empty reply has none; that is no 0. Of several values by day the newest is taken, because one day
    is asked for at a time.
    """
    return [number for metric in reply["data"] for number in _numbers(metric)]


def _numbers(metric: dict[str, Any]) -> Iterator[dict[str, Any]]:
    total: dict[str, Any] = metric.get("total_value") or {}
    breakdowns = total.get("breakdowns") or []
    for breakdown in breakdowns:
        dimension = ",".join(breakdown["dimension_keys"])
        for result in breakdown.get("results") or []:
            yield _number(metric["name"], result["value"], dimension, ",".join(result["dimension_values"]))
    if "value" in total and not breakdowns:
        yield _number(metric["name"], total["value"])
    values = metric.get("values") or []
    if values and not total:
        value = values[-1]["value"]
        parts = value.items() if isinstance(value, dict) else ()
        yield from (_number(metric["name"], number, "key", name) for name, number in parts)
        if not isinstance(value, dict):
            yield _number(metric["name"], value)


def _number(metric: str, value: Any, dimension: str = "", dimension_value: str = "") -> dict[str, Any]:
    return {"metric": metric, "dimension": dimension, "dimension_value": dimension_value, "value": value}
