"""`/metrics`: the figures of delivery as Prometheus reads them.

They are counted in the database at every scrape, so that they are the same whichever process answers. All
are gauges over the last 24 hours, none a counter: rows are pruned and deliveries replayed, and a counter
that falls reads as a restart.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from console.parts import ConsolePart
from resources.delivery.health import EndpointHealth, endpoint_health, events_written

router = APIRouter(tags=["health"])
ENDPOINT_LABELS = ("endpoint", "org")


class Figure(NamedTuple):
    """One gauge of every endpoint; where it has no value, there is no sample."""

    name: str
    meaning: str
    value: Callable[[EndpointHealth], float | None]


def _median_seconds(one: EndpointHealth) -> float | None:
    return _seconds(one.answers.percentile_ms(0.5))


def _p95_seconds(one: EndpointHealth) -> float | None:
    return _seconds(one.answers.percentile_ms(0.95))


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1_000


FIGURES = (
    Figure(
        "endpoint_active", "1 where events are to arrive: enabled, with an address.", lambda it: it.is_active
    ),
    Figure("breaker_open", "1 while the breaker is open.", lambda it: it.endpoint.breaker != "closed"),
    Figure(
        "failures_in_row", "Failed attempts since the last that was taken.", lambda it: it.endpoint.failures
    ),
    Figure("delivery_ratio", "Delivered of delivered, given up and late, 0 to 1.", lambda it: it.rate),
    Figure("delivered", "Deliveries taken in 24 h.", lambda it: it.answers.delivered),
    Figure("failed", "Deliveries given up in 24 h.", lambda it: it.failed),
    Figure("attempts_refused", "Attempts that were not taken in 24 h.", lambda it: it.answers.refused),
    Figure("waiting", "Deliveries that wait, however old.", lambda it: it.waiting.count),
    Figure("late", "Deliveries that wait longer than 15 minutes.", lambda it: it.waiting.late),
    Figure(
        "oldest_undelivered_seconds",
        "Age of the oldest that waits, 0 for none.",
        lambda it: it.oldest_seconds,
    ),
    Figure("response_median_seconds", "Half of the attempts in 24 h took at most this.", _median_seconds),
    Figure("response_p95_seconds", "95 % of the attempts in 24 h took at most this.", _p95_seconds),
)
EVENTS, EVENTS_MEANING = "backline_events", "Events written in 24 h, by type and state."


def full_name(figure: Figure) -> str:
    """Return a figure's name as Prometheus knows it."""
    return f"backline_webhook_{figure.name}"


@router.get("/metrics", response_class=Response)
def metrics(console: ConsolePart, request: Request) -> Response:
    """Tell the figures of delivery to Prometheus, in its text format or OpenMetrics."""
    registry = CollectorRegistry()
    registry.register(Figures(endpoint_health(console.backline), events_written(console.backline)))
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": kind, "cache-control": "no-store"})


class Figures(Collector):
    """What the database said at one moment."""

    def __init__(self, endpoints: Sequence[EndpointHealth], events: Mapping[tuple[str, str], int]) -> None:
        self._endpoints, self._events = endpoints, events

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every gauge with its samples."""
        for figure in FIGURES:
            family = GaugeMetricFamily(full_name(figure), figure.meaning, labels=ENDPOINT_LABELS)
            for one in self._endpoints:
                if (value := figure.value(one)) is not None:
                    family.add_metric((one.endpoint.name, one.org or ""), float(value))
            yield family
        family = GaugeMetricFamily(EVENTS, EVENTS_MEANING, labels=("type", "status"))
        for labels, count in sorted(self._events.items()):
            family.add_metric(labels, count)
        yield family
