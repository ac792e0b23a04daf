"""The health of delivery: what came of each endpoint's events within a day, and how its receiver answers.

What was delivered is counted by the attempts of the window, not by the events written in it: an event that
fails for good does so almost two days after it was written, and would be in no day's figures otherwise.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa

from resources.backline import Backline
from resources.database import AnyRow, utc_now
from resources.tables import Org, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent

WINDOW = timedelta(hours=24)
LATE = timedelta(minutes=15)
LOWEST_RATE = 0.95
TAKEN = range(200, 300)

State = Literal["open", "failing", "late", "unset", "held", "delivering", "idle", "disabled"]
STATES: tuple[State, ...] = get_args(State)  # the worst first


@dataclass(frozen=True)
class Waiting:
    """What an endpoint was not sent yet, however old: ``late`` are those older than :data:`LATE`."""

    count: int = 0
    late: int = 0
    oldest_at: datetime | None = None


@dataclass
class Answers:
    """What a receiver answered within the window, and when it last took an event and last did not."""

    delivered: int = 0
    refused: int = 0
    delivered_at: datetime | None = None
    refused_at: datetime | None = None
    durations: Counter[int] = field(default_factory=Counter)

    def percentile_ms(self, share: float) -> int | None:
        """Return how many milliseconds a share of the attempts took at most; ``None`` without attempts."""
        left = share * self.durations.total()
        for duration in sorted(self.durations):
            left -= self.durations[duration]
            if left <= 0:
                return duration
        return None


@dataclass(frozen=True)
class EndpointHealth:
    """One endpoint, what became of its events, and how it answers.

    ``org`` is a slug, ``None`` for n8n's own paths; ``failed`` counts what was given up within the window.
    """

    endpoint: AnyRow
    org: str | None
    is_configured: bool
    waiting: Waiting
    answers: Answers
    failed: int
    now: datetime

    @property
    def is_active(self) -> bool:
        """Whether anything is to arrive there at all."""
        return bool(self.endpoint.enabled and self.is_configured)

    @property
    def rate(self) -> float | None:
        """Delivered of what is delivered, given up or late, from 0 to 1; ``None`` where that is nothing."""
        return delivery_rate([self])

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest undelivered event has waited."""
        oldest = self.waiting.oldest_at
        return max((self.now - oldest).total_seconds(), 0.0) if oldest else 0.0

    @property
    def state(self) -> State:
        """The worst that is true of it."""
        row, rate = self.endpoint, self.rate
        if not self.is_active:
            return "disabled" if not row.enabled else "unset"
        if row.breaker != "closed":
            return "open"
        if rate is not None and rate <= LOWEST_RATE and (self.failed or row.failures):
            return "failing"
        if self.waiting.late:
            return "late"
        if row.held_until and row.held_until > self.now:
            return "held"
        return "delivering" if self.waiting.count or self.answers.delivered else "idle"


def delivery_rate(found: Iterable[EndpointHealth]) -> float | None:
    """Return what several endpoints together have delivered, as :attr:`EndpointHealth.rate`."""
    counts = [(one.answers.delivered, one.failed + one.waiting.late) for one in found]
    delivered, undelivered = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return delivered / (delivered + undelivered) if delivered + undelivered else None


def endpoint_health(backline: Backline, now: datetime | None = None) -> Sequence[EndpointHealth]:
    """Return the health of every endpoint, the worst first."""
    moment = now or utc_now()
    has_n8n = bool(backline.settings.n8n_url)
    with backline.database.read() as connection:
        waiting = _waiting(connection, moment)
        answers = _answers(connection, moment - WINDOW)
        failed = _failed(connection, moment - WINDOW)
        rows = connection.execute(_endpoints()).all()
    found = [
        EndpointHealth(
            endpoint=row,
            org=row.org,
            is_configured=row.url is not None or has_n8n,
            waiting=waiting.get(row.id) or Waiting(),
            answers=answers.get(row.id) or Answers(),
            failed=failed.get(row.id, 0),
            now=moment,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: STATES.index(one.state))


def events_written(backline: Backline) -> Mapping[tuple[str, str], int]:
    """Count the events written within the window by type and state."""
    event, since = WebhookEvent, utc_now() - WINDOW
    query = sa.select(event.event_type, event.status, sa.func.count()).where(event.created_at >= since)
    with backline.database.read() as connection:
        rows = connection.execute(query.group_by(event.event_type, event.status)).all()
    return {(event_type, status): count for event_type, status, count in rows}


def _endpoints() -> sa.Select[Any]:
    endpoint = WebhookEndpoint
    query = sa.select(endpoint.__table__, Org.slug.label("org")).outerjoin(Org, Org.id == endpoint.org_id)
    return query.order_by(endpoint.org_id.is_not(None), Org.slug, endpoint.name)


def _waiting(connection: sa.Connection, now: datetime) -> dict[uuid.UUID, Waiting]:
    delivery = WebhookDelivery
    query = sa.select(
        delivery.endpoint_id,
        sa.func.count(),
        sa.func.count().filter(delivery.created_at < now - LATE),
        sa.func.min(delivery.created_at),
    )
    query = query.where(delivery.status == "pending").group_by(delivery.endpoint_id)
    return {row[0]: Waiting(*row[1:]) for row in connection.execute(query)}


def _answers(connection: sa.Connection, since: datetime) -> Mapping[uuid.UUID, Answers]:
    """Read all attempts of the window as counts by duration, which no number of attempts makes many."""
    attempt = WebhookAttempt
    kinds = (attempt.endpoint_id, attempt.status_code, attempt.duration_ms)
    query = sa.select(*kinds, sa.func.count(), sa.func.max(attempt.started_at))
    query = query.where(attempt.started_at >= since).group_by(*kinds)
    found: dict[uuid.UUID, Answers] = defaultdict(Answers)
    for endpoint_id, status, duration_ms, count, last_at in connection.execute(query):
        answers = found[endpoint_id]
        answers.durations[duration_ms] += count
        if status is not None and status in TAKEN:
            answers.delivered += count
            answers.delivered_at = max(answers.delivered_at or last_at, last_at)
        else:
            answers.refused += count
            answers.refused_at = max(answers.refused_at or last_at, last_at)
    return found


def _failed(connection: sa.Connection, since: datetime) -> dict[uuid.UUID, int]:
    """Count what was given up: deliveries that failed with an attempt of the window."""
    attempt, delivery = WebhookAttempt, WebhookDelivery
    last = sa.and_(
        delivery.event_id == attempt.event_id,
        delivery.endpoint_id == attempt.endpoint_id,
        delivery.attempts == attempt.attempt,
    )
    refused = sa.or_(attempt.status_code.is_(None), ~attempt.status_code.between(TAKEN[0], TAKEN[-1]))
    query = (
        sa.select(attempt.endpoint_id, sa.func.count())
        .join(delivery, last)
        .where(attempt.started_at >= since, refused, delivery.status == "failed")
        .group_by(attempt.endpoint_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
