"""The checks of delivery: how much of a day arrived, how long events wait, and who does not answer."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from resources.delivery.health import LATE, LOWEST_RATE, EndpointHealth, delivery_rate

WEBHOOK_EVENTS = dg.AssetKey(["delivery", "webhook_events"])
LONGEST_WAIT_SECONDS = 3_600
MOST_NAMED = 20
DESCRIPTIONS = {
    "webhook_delivery_rate": "More than 95 % of a day's events were delivered, of all endpoints together and "
    "of each; given up and late ones count against it. If red: `endpoints` names who falls short and why. "
    "Open the console's page of webhooks, press Send test there, mend what its verdict says, then press "
    "Replay failed.",
    "oldest_undelivered": "No event waits longer than 15 minutes for an endpoint. If red: see that the "
    "sensor `event_delivery` runs; then `endpoints` names whose events wait. Mend the receiver, or disable "
    "the endpoint if nobody wants them.",
    "breakers": "No endpoint's breaker is open. If red: the receivers named answer nothing or errors. Mend "
    "them; events wait meanwhile, no retry is spent, and they are asked again at least every 5 minutes. "
    "Replay failed asks at once.",
}


def delivery_check_specs() -> list[dg.AssetCheckSpec]:
    """Return the checks of delivery."""
    return [
        dg.AssetCheckSpec(name, asset=WEBHOOK_EVENTS, description=text) for name, text in DESCRIPTIONS.items()
    ]


def judge_delivery(found: Sequence[EndpointHealth], public_url: str) -> Iterator[dg.AssetCheckResult]:
    """Yield the verdicts; endpoints that are disabled are nobody's trouble."""
    page = dg.MetadataValue.url(f"{public_url.rstrip('/')}/admin/integrations/webhooks")
    active = [one for one in found if one.is_active]
    yield _rate(active, page)
    yield _oldest([one for one in found if one.endpoint.enabled], page)
    yield _breakers(active, page)


def unjudged(error: Exception) -> Iterator[dg.AssetCheckResult]:
    """Yield what the checks say where the figures cannot be read."""
    cure = "run `backline doctor`, which says whether the database answers and is migrated"
    for name in DESCRIPTIONS:
        yield _result(name, {"unreadable": type(error).__name__, "cure": cure}, passed=False, is_error=True)


def _rate(active: Sequence[EndpointHealth], page: Any) -> dg.AssetCheckResult:
    rate = delivery_rate(active)
    short = [one for one in active if one.rate is not None and one.rate <= LOWEST_RATE]
    is_error = rate is not None and rate <= LOWEST_RATE
    metadata = {
        "delivery_rate": 1.0 if rate is None else round(rate, 4),
        "delivered": sum(one.answers.delivered for one in active),
        "failed": sum(one.failed for one in active),
        "late": sum(one.waiting.late for one in active),
        "endpoints": _named(short, lambda one: f"{one.rate or 0:.1%} delivered"),
        "console": page,
    }
    return _result("webhook_delivery_rate", metadata, passed=not short and not is_error, is_error=is_error)


def _oldest(enabled: Sequence[EndpointHealth], page: Any) -> dg.AssetCheckResult:
    """Judge the waiting; where there is no n8n yet, its events wait for that, which is no error."""
    late = [one for one in enabled if one.oldest_seconds > LATE.total_seconds()]
    metadata = {
        "oldest_minutes": round(max((one.oldest_seconds for one in enabled), default=0) / 60, 1),
        "waiting": sum(one.waiting.count for one in enabled),
        "endpoints": _named(late, _waits),
        "console": page,
    }
    is_error = any(one.is_active and one.oldest_seconds > LONGEST_WAIT_SECONDS for one in late)
    return _result("oldest_undelivered", metadata, passed=not late, is_error=is_error)


def _waits(one: EndpointHealth) -> str:
    cause = "" if one.is_configured else "; BACKLINE_N8N_URL is not set: set it, or disable the endpoint"
    return f"{one.waiting.count:,} wait, the oldest for {one.oldest_seconds / 60:.0f} min{cause}"


def _breakers(active: Sequence[EndpointHealth], page: Any) -> dg.AssetCheckResult:
    """Judge the breakers; n8n's own are an error, an org's receiver is its own."""
    opened = [one for one in active if one.endpoint.breaker != "closed"]
    metadata = {
        "open_breakers": len(opened),
        "endpoints": _named(opened, lambda one: f"open since {one.endpoint.opened_at:%Y-%m-%d %H:%M} UTC"),
        "console": page,
    }
    return _result("breakers", metadata, passed=not opened, is_error=any(one.org is None for one in opened))


def _named(found: Sequence[EndpointHealth], told: Callable[[EndpointHealth], str]) -> dg.MetadataValue[Any]:
    """List endpoints with what is wrong and their last error."""
    lines = []
    for one in found[:MOST_NAMED]:
        owner = f" of {one.org}" if one.org else ""
        cause = f": {one.endpoint.last_error}" if one.endpoint.last_error else ""
        lines.append(f"- {one.endpoint.name}{owner}: {told(one)}{cause}")
    if len(found) > MOST_NAMED:
        lines.append(f"- and {len(found) - MOST_NAMED} more")
    return dg.MetadataValue.md("\n".join(lines) or "none")


def _result(name: str, metadata: dict[str, Any], *, passed: bool, is_error: bool) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=WEBHOOK_EVENTS,
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )
