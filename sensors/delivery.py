"""The sensor that guarantees delivery: it sweeps due events, whoever wrote them."""

from __future__ import annotations

import dagster as dg
import uvloop

from resources.backline import Backline
from resources.delivery.dispatcher import LONGEST_ROUND_SECONDS, Dispatcher


@dg.sensor(
    minimum_interval_seconds=1,  # the daemon's loop takes 5 s; asking for 5 would miss every second one
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Delivers due events to n8n and the orgs' endpoints, signed, and schedules the retries. "
    "If events stay pending, look at `backline endpoints list`: it names breakers and last errors.",
)
def event_delivery(backline: dg.ResourceParam[Backline]) -> dg.SkipReason:
    """Deliver what is due; a receiver that fails costs its events an attempt and the tick nothing."""
    report = uvloop.run(Dispatcher(backline, backline.transport).deliver_due(LONGEST_ROUND_SECONDS))
    if not report.attempts:
        where = "" if backline.settings.n8n_url else "; BACKLINE_N8N_URL is not set, so n8n's events wait"
        return dg.SkipReason(f"Nothing is due{where}.")
    return dg.SkipReason(
        f"Delivered {report.delivered}, to be retried {report.retried}, failed {report.failed}."
    )
