"""Recording: what came of attempts is written in batches, for deliveries, events and endpoints at once.

At least once: a result that could not be recorded is a repeat under the same id, by which the receiver
drops it. A commit for each result costs ten times the delivery itself.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from resources import audit
from resources.bulk import listed
from resources.database import AnyRow, Database, insert_into, utc_now
from resources.delivery.outbox import Claimed, breaker_of, columns_of, held
from resources.delivery.retries import retry_wait
from resources.delivery.sums import sum_up
from resources.delivery.wire import Answer
from resources.tables import UtcDateTime, WebhookAttempt, WebhookDelivery, WebhookEndpoint

logger = logging.getLogger(__name__)

LONGEST_HOLD = timedelta(minutes=1)
MOMENT, TEXT, NUMBER = UtcDateTime(timezone=True), sa.Text(), sa.BigInteger()


class Result(msgspec.Struct, frozen=True, gc=False):
    """One attempt: the claimed delivery, where it went and how; a probe asks if anybody is there again."""

    delivery: Claimed
    url: str
    answer: Answer
    is_probe: bool = False


@dataclass
class DeliveryReport:
    """What one round of delivering did."""

    delivered: int = 0
    retried: int = 0
    failed: int = 0

    @property
    def attempts(self) -> int:
        """All attempts made."""
        return self.delivered + self.retried + self.failed

    def count(self, state: str) -> None:
        """Count a delivery by the state that an attempt left it in."""
        self.delivered += state == "delivered"
        self.retried += state == "pending"
        self.failed += state == "failed"


def record(database: Database, results: Sequence[Result], report: DeliveryReport) -> None:
    """Write attempts and what follows from them for deliveries, events and endpoints, in one transaction.

    A delivery whose lease ran out meanwhile belongs to whoever claimed it since, and is left to them.
    """
    outcomes = [_Outcome.of(result) for result in results]
    with database.write_lightly() as connection:
        mine = _update_deliveries(connection, outcomes)
        kept = [outcome for outcome in outcomes if outcome.key in mine]
        _insert_attempts(connection, kept)
        sum_up(connection, {outcome.result.delivery.id: outcome.result.url for outcome in kept})
        _update_endpoints(connection, kept)
    if len(kept) < len(outcomes):
        logger.warning("%d attempts outlived their lease; they will be repeated.", len(outcomes) - len(kept))
    for outcome in kept:
        report.count(outcome.status)


class _Outcome(msgspec.Struct, frozen=True, gc=False):
    """What one attempt leaves its delivery in."""

    result: Result
    status: str
    retries: int
    next_attempt_at: datetime | None

    @property
    def key(self) -> tuple[str, uuid.UUID]:
        return self.result.delivery.id, self.result.delivery.endpoint_id

    @classmethod
    def of(cls, result: Result) -> _Outcome:
        """A failed probe spends no retry, but lets another event go first next time."""
        answer, spent = result.answer, result.delivery.retries
        if answer.delivered:
            return cls(result, "delivered", spent, None)
        wait = retry_wait(spent + 1, answer.retry_after, random.random())  # noqa: S311  # jitter
        if wait is None and not result.is_probe:
            logger.error("Event %s failed for good: %s.", result.delivery.id, answer.error)
            return cls(result, "failed", spent + 1, None)
        due = utc_now() + timedelta(seconds=wait or 0)
        return cls(result, "pending", spent if result.is_probe else spent + 1, due)


def _update_deliveries(connection: sa.Connection, outcomes: Iterable[_Outcome]) -> set[tuple[str, uuid.UUID]]:
    table = WebhookDelivery
    columns = {
        "event_id": TEXT,
        "endpoint_id": table.endpoint_id.type,
        "lease": MOMENT,
        "status": TEXT,
        "retries": NUMBER,
        "last": MOMENT,
        "next": MOMENT,
        "error": TEXT,
    }
    rows = [
        (
            *outcome.key,
            outcome.result.delivery.lease_until,
            outcome.status,
            outcome.retries,
            outcome.result.answer.started_at,
            outcome.next_attempt_at,
            outcome.result.answer.error,
        )
        for outcome in outcomes
    ]
    ours = listed(connection, rows, columns)
    values = {
        "status": ours.c.status,
        "attempts": table.attempts + 1,
        "retries": ours.c.retries,
        "last_attempt_at": ours.c.last,
        "next_attempt_at": ours.c.next,
        "success_at": sa.case((ours.c.status == "delivered", ours.c.last)),
        "error_message": ours.c.error,
        "lease_until": None,
    }
    update = sa.update(table).where(*held(ours)).values(**values)
    update = update.returning(table.event_id, table.endpoint_id)
    return {(row[0], row[1]) for row in connection.execute(update)}


def _insert_attempts(connection: sa.Connection, outcomes: Iterable[_Outcome]) -> None:
    table = WebhookAttempt.__table__
    names = ("event_id", "endpoint_id", "attempt", "url", "started_at", "duration_ms", "status_code")
    columns = {name: table.c[name].type for name in (*names, "response_excerpt", "error_message")}
    rows = [
        (
            *outcome.key,
            outcome.result.delivery.attempts + 1,
            outcome.result.url,
            answer.started_at,
            answer.duration_ms,
            answer.status_code,
            answer.excerpt,
            answer.error,
        )
        for outcome in outcomes
        for answer in (outcome.result.answer,)
    ]
    made = listed(connection, rows, columns)
    rows_made = sa.select(made).where(sa.true())  # or SQLite would take ON CONFLICT for a join's ON
    insert = insert_into(connection, table).from_select(list(columns), rows_made)
    connection.execute(insert.on_conflict_do_nothing())


def _update_endpoints(connection: sa.Connection, outcomes: Sequence[_Outcome]) -> None:
    """Move the breakers of endpoints by their answers; one that answers well needs no touch."""
    answers: dict[uuid.UUID, list[Answer]] = defaultdict(list)
    for outcome in outcomes:
        answers[outcome.key[1]].append(outcome.result.answer)
    table = WebhookEndpoint
    moving = [number for number, found in answers.items() if not all(answer.delivered for answer in found)]
    uneasy = sa.and_(table.id.in_(answers), sa.or_(table.failures > 0, table.breaker != "closed"))
    query = sa.select(table.__table__).where(sa.or_(table.id.in_(moving), uneasy)).order_by(table.id)
    for endpoint in connection.execute(query.with_for_update()).all():
        _move(connection, endpoint, sorted(answers[endpoint.id], key=lambda answer: answer.started_at))


def _move(connection: sa.Connection, endpoint: AnyRow, answers: Sequence[Answer]) -> None:
    now, before = utc_now(), breaker_of(endpoint)
    after = before.after((answer.shows_life for answer in answers), now)
    errors = [answer.error for answer in answers if answer.error]
    holds = [answer.retry_after or 0 for answer in answers if answer.asks_for_time]
    held = now + min(timedelta(seconds=max(holds)), LONGEST_HOLD) if holds else endpoint.held_until
    state = {
        **columns_of(after),
        "held_until": held,
        "last_error": errors[-1] if errors else endpoint.last_error,
    }
    change = sa.update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint.id).values(**state)
    connection.execute(change)
    if (before.state == "closed") == (after.state == "closed"):
        return
    word = "closed" if after.state == "closed" else "opened"
    logger.warning("The breaker of endpoint %s has %s.", endpoint.name, word)
    audit.record(
        connection,
        "delivery",
        f"endpoint.breaker_{word}",
        f"webhook_endpoints/{endpoint.id}",
        error=state["last_error"],
    )
