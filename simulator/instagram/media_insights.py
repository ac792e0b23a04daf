"""``/{media}/insights``."""

from __future__ import annotations

from typing import Any

from simulator.instagram import errors, growth, media, metrics, shares
from simulator.instagram.asked import Asked
from simulator.instagram.errors import Refused
from simulator.instagram.ids import Node
from simulator.mixing import mix

CONVERTED = (
    "The media was posted before the most recent time that the user's account was converted to a business "
    "account from a personal account."
)
FEWEST_STORY_VIEWERS = 5


def media_insights(asked: Asked) -> dict[str, Any]:
    """Return a media's numbers; none in its first hours."""
    node, names = asked.node, asked.words("metric")
    metrics.check_names(names, metrics.MEDIA_METRICS)
    product: media.Product = "STORY" if node.kind == "story" else media.form(node).product
    if wrong := [name for name in names if name not in metrics.OF_PRODUCT[product]]:
        raise Refused(
            f"(#100) The Media Insights API does not support the {', '.join(wrong)} metric for this media "
            "product type."
        )
    if asked.values.get("period", "lifetime") not in metrics.PERIODS:
        raise Refused(f"(#100) period must be one of the following values: {', '.join(metrics.PERIODS)}")
    breakdowns = asked.words("breakdown") if "breakdown" in asked.values else []
    metrics.check_breakdowns(names, breakdowns, metrics.MEDIA_BREAKDOWNS)
    _check_media(node)
    if growth.age_hours(asked.state, node) < growth.SILENT_HOURS:
        return {"data": []}
    numbers = growth.numbers(asked.state, node)
    if node.kind == "story" and numbers["reach"] < FEWEST_STORY_VIEWERS:
        raise Refused("(#10) Not enough viewers for the media to show insights", 10, kind=errors.OAUTH)
    return {"data": [_insight(node, name, numbers[name], breakdowns) for name in names]}


def _check_media(node: Node) -> None:
    """Raise ``Refused`` where the media never has insights."""
    if node.kind == "media" and node.part:
        raise Refused("(#100) The Media Insights API does not support album children")
    if node.kind == "media" and media.is_older_than_conversion(node):
        raise Refused(
            "Invalid parameter",
            subcode=2108006,
            is_transient=False,
            error_user_title="Media posted before business account conversion",
            error_user_msg=CONVERTED,
        )


def _insight(node: Node, name: str, value: int, breakdowns: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": name,
        "period": "lifetime",
        "values": [{"value": value}],
        "title": metrics.title(name),
        "description": metrics.description(name),
    }
    if breakdowns:
        dimensions = {dimension: metrics.DIMENSIONS[dimension] for dimension in breakdowns}
        parts = shares.breakdown(value, dimensions, mix(337, node.account, node.slot))
        body["total_value"] = {"value": value, "breakdowns": [parts]}
    return {**body, "id": f"{node.id}/insights/{name}/lifetime"}
