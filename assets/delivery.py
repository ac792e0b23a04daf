"""Event delivery as a Dagster asset: what became of a day's events, endpoint by endpoint, and its checks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from assets.audience import table_of
from assets.delivery_checks import WEBHOOK_EVENTS, delivery_check_specs, judge_delivery, unjudged
from assets.streams import OWNERS
from resources.backline import Backline
from resources.delivery.health import Answers, EndpointHealth, delivery_rate, endpoint_health

GROUP = "delivery"
MOST_LISTED = 100
COLUMNS = (
    *("endpoint", "org", "state", "rate", "delivered", "failed", "waiting", "late"),
    *("oldest_minutes", "p50_ms", "p95_ms", "last_error"),
)


@dg.asset(
    key=WEBHOOK_EVENTS,
    kinds={"sql"},
    description="What became of the events of the last 24 h, endpoint by endpoint: delivered, given up, "
    "waiting, and how fast receivers answer.\n\nTables `webhook_deliveries` and `webhook_attempts`; the "
    "same figures as the console's page of webhooks and `/metrics`.",
    check_specs=delivery_check_specs(),
    group_name=GROUP,
    owners=OWNERS,
)
def webhook_events(
    context: dg.AssetExecutionContext, backline: dg.ResourceParam[Backline]
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Read the figures, and judge them; figures that cannot be read leave no check green."""
    try:
        found = endpoint_health(backline)
    except SQLAlchemyError as error:
        context.log.exception("The figures of delivery cannot be read.")
        yield from unjudged(error)
        raise
    verdicts = list(judge_delivery(found, backline.settings.public_url))
    yield dg.MaterializeResult(metadata=metadata_of(found), check_results=verdicts)


def metadata_of(found: Sequence[EndpointHealth]) -> dict[str, Any]:
    """Return the numbers that Dagster plots, and the worst endpoints as a table."""
    rate, durations = delivery_rate(found), sum((one.answers.durations for one in found), Counter[int]())
    together = Answers(durations=durations)
    return {
        "delivery_rate": 1.0 if rate is None else round(rate, 4),
        "delivered": sum(one.answers.delivered for one in found),
        "failed": sum(one.failed for one in found),
        "waiting": sum(one.waiting.count for one in found),
        "late": sum(one.waiting.late for one in found),
        "attempts": durations.total(),
        "attempts_refused": sum(one.answers.refused for one in found),
        "oldest_undelivered_minutes": round(max((one.oldest_seconds for one in found), default=0) / 60, 1),
        "open_breakers": sum(one.state == "open" for one in found),
        "response_p50_ms": together.percentile_ms(0.5) or 0,
        "response_p95_ms": together.percentile_ms(0.95) or 0,
        "endpoints": table_of([_row(one) for one in found[:MOST_LISTED]], COLUMNS),
    }


def _row(one: EndpointHealth) -> dict[str, Any]:
    return {
        "endpoint": one.endpoint.name,
        "org": one.org,
        "state": one.state,
        "rate": None if one.rate is None else round(one.rate, 4),
        "delivered": one.answers.delivered,
        "failed": one.failed,
        "waiting": one.waiting.count,
        "late": one.waiting.late,
        "oldest_minutes": round(one.oldest_seconds / 60, 1),
        "p50_ms": one.answers.percentile_ms(0.5),
        "p95_ms": one.answers.percentile_ms(0.95),
        "last_error": one.endpoint.last_error,
    }
