"""Delivery: due events are claimed under a lease, signed, posted, and their attempts recorded.

At least once on the wire, one id: an event whose outcome could not be recorded is sent again under
the same id, by which the receiver drops it. Results are written in batches, because a commit for each
costs ten times the delivery itself.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from resources.backline import Backline
from resources.database import AnyRow, Database, insert_into, utc_now
from resources.events import CROCKFORD, ID_CHARACTERS, PATHS, body_of
from resources.http import retry_after_seconds
from resources.schemas import sample_of
from resources.signing import SigningSecret, signed_headers
from resources.tables import WebhookAttempt, WebhookEvent
from resources.transport import open_client

logger = logging.getLogger(__name__)

RETRY_SECONDS = (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200, 86_400)
JITTER = 0.2
LEASE = timedelta(seconds=60)
POST_TIMEOUT_SECONDS = 15
LONGEST_ROUND_SECONDS = 20
EXCERPT_BYTES = 512
LONGEST_RETRY_AFTER_SECONDS = 86_400


@dataclass(frozen=True)
class Answer:
    """How one signed POST went."""

    started_at: datetime
    duration_ms: int
    status_code: int | None
    excerpt: str | None
    error: str | None
    retry_after: float | None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the event."""
        return self.status_code is not None and httpx.codes.is_success(self.status_code)


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver one event."""

    event: AnyRow
    url: str
    answer: Answer


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


class Dispatcher:
    """Delivers due events to n8n; any number of them may run at once on PostgreSQL."""

    def __init__(self, backline: Backline, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._database = backline.database
        self._base_url = backline.settings.n8n_url.rstrip("/")
        self._secrets: Sequence[SigningSecret] = backline.signing_secrets
        self._concurrency = backline.settings.delivery_concurrency
        self._transport = transport

    async def deliver_due(self, seconds: float) -> DeliveryReport:
        """Deliver what is due until nothing is, or ``seconds`` have passed; no receiver makes it raise."""
        report, until = DeliveryReport(), time.monotonic() + min(seconds, LONGEST_ROUND_SECONDS)
        if not self._base_url:
            return report
        async with open_client(self._concurrency, self._transport) as client:
            while time.monotonic() < until:
                events = await asyncio.to_thread(claim, self._database, 2 * self._concurrency)
                if not events:
                    break
                attempts = await self._post_all(client, events, until)
                await asyncio.to_thread(record_attempts, self._database, attempts, report)
                skipped = {event.id for event in events} - {attempt.event.id for attempt in attempts}
                await asyncio.to_thread(release, self._database, skipped)
        return report

    async def _post_all(
        self, client: httpx.AsyncClient, events: Sequence[AnyRow], until: float
    ) -> list[Attempt]:
        """Post events a few at a time; those not begun when the time is up stay due."""
        gate = asyncio.Semaphore(self._concurrency)

        async def one(event: AnyRow) -> Attempt | None:
            async with gate:
                return await self._post(client, event) if time.monotonic() < until else None

        attempts = await asyncio.gather(*(one(event) for event in events))
        return [attempt for attempt in attempts if attempt is not None]

    async def _post(self, client: httpx.AsyncClient, event: AnyRow) -> Attempt:
        url = f"{self._base_url}/webhook/{PATHS[event.event_type]}"
        return Attempt(event, url, await post_signed(client, url, self._secrets, event.id, body_of(event)))


async def post_signed(
    client: httpx.AsyncClient, url: str, secrets: Sequence[SigningSecret], event_id: str, body: bytes
) -> Answer:
    """Post a signed body and return how that went; no fault of the receiver raises."""
    started_at, started = utc_now(), time.perf_counter()
    headers = signed_headers(secrets, event_id, int(started_at.timestamp()), body)
    headers["content-type"] = "application/json"
    status, excerpt, error, retry_after = None, None, None, None
    try:
        async with asyncio.timeout(POST_TIMEOUT_SECONDS):
            request = client.build_request("POST", url, content=body, headers=headers)
            response = await client.send(request, stream=True)
            try:
                status = response.status_code
                retry_after = retry_after_seconds(response.headers, datetime.now(UTC))
                excerpt = await _excerpt(response)
            finally:
                await response.aclose()
    except TimeoutError:
        error = f"no answer within {POST_TIMEOUT_SECONDS} s"
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        error = type(fault).__name__
    if status is not None:  # it counts, even where the rest of the answer never came
        error = None if httpx.codes.is_success(status) else f"answered {status}"
    duration_ms = round((time.perf_counter() - started) * 1000)
    return Answer(started_at, duration_ms, status, excerpt, error, retry_after)


async def send_sample(backline: Backline, event_type: str) -> dict[str, Any]:
    """Send a sample of a type, signed, under an id of its own; nothing is stored."""
    event_id = "evt_" + "".join(random.choices(CROCKFORD, k=ID_CHARACTERS))  # noqa: S311  # an id, not a secret
    body = msgspec.json.encode({**sample_of(event_type), "id": event_id}, order="sorted")
    url = f"{backline.settings.n8n_url.rstrip('/')}/webhook/{PATHS[event_type]}"
    async with open_client(1) as client:
        answer = await post_signed(client, url, backline.signing_secrets, event_id, body)
    return {"url": url, "id": event_id, "delivered": answer.delivered, **dataclasses.asdict(answer)}


async def _excerpt(response: httpx.Response) -> str:
    """Read no more of an answer than is kept of it."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= EXCERPT_BYTES:
            break
    return body[:EXCERPT_BYTES].decode(errors="replace").replace("\0", "\ufffd")


def claim(database: Database, count: int) -> Sequence[AnyRow]:
    """Take up to ``count`` due events under a lease, oldest first."""
    now, event = utc_now(), WebhookEvent
    due = (
        sa.select(event.id)
        .where(event.status == "pending", event.next_attempt_at <= now)
        .where(sa.or_(event.lease_until.is_(None), event.lease_until < now))
        .order_by(event.next_attempt_at)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    mine = event.id.in_(sa.select(due.c.id))
    take = sa.update(event).where(mine).values(lease_until=now + LEASE).returning(*event.__table__.c)
    with database.write() as connection:
        return connection.execute(take).all()


def release(database: Database, event_ids: set[str]) -> None:
    """Give back claimed events that were not tried."""
    if event_ids:
        give_back = sa.update(WebhookEvent).where(WebhookEvent.id.in_(event_ids)).values(lease_until=None)
        with database.write() as connection:
            connection.execute(give_back)


def record_attempts(database: Database, attempts: Sequence[Attempt], report: DeliveryReport) -> None:
    """Write attempts and what follows from them for their events, all in one transaction.

    An event whose lease ran out meanwhile belongs to whoever claimed it since, and is left to them.
    """
    if not attempts:
        return
    outcomes = [_outcome(attempt, report) for attempt in attempts]
    update = (
        sa.update(WebhookEvent)
        .where(WebhookEvent.id == sa.bindparam("event_id"))
        .where(WebhookEvent.lease_until == sa.bindparam("lease", type_=WebhookEvent.lease_until.type))
        .values(lease_until=None, **{name: sa.bindparam(f"new_{name}") for name in OUTCOME_COLUMNS})
    )
    with database.write() as connection:
        insert = insert_into(connection, WebhookAttempt).on_conflict_do_nothing()
        recorded = _recorded(connection, [attempt.event.id for attempt in attempts])
        connection.execute(insert, [_attempt_row(attempt, recorded) for attempt in attempts])
        connection.execute(update, outcomes)


OUTCOME_COLUMNS = (
    "status",
    "attempts",
    "n8n_webhook_url",
    "last_attempt_at",
    "next_attempt_at",
    "success_at",
    "error_message",
)


def _recorded(connection: sa.Connection, event_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of each event's last recorded attempt; a replay counts on from it."""
    table = WebhookAttempt
    query = sa.select(table.event_id, sa.func.max(table.attempt)).where(table.event_id.in_(event_ids))
    return {row[0]: row[1] for row in connection.execute(query.group_by(table.event_id))}


def _attempt_row(attempt: Attempt, recorded: Mapping[str, int]) -> dict[str, Any]:
    answer = attempt.answer
    return {
        "event_id": attempt.event.id,
        "attempt": recorded.get(attempt.event.id, 0) + 1,
        "started_at": answer.started_at,
        "duration_ms": answer.duration_ms,
        "status_code": answer.status_code,
        "response_excerpt": answer.excerpt,
        "error_message": answer.error,
    }


def _outcome(attempt: Attempt, report: DeliveryReport) -> dict[str, Any]:
    """Return the event's new state and count it."""
    number, answer = attempt.event.attempts + 1, attempt.answer
    wait = None if answer.delivered else retry_wait(number, answer.retry_after, random.random())  # noqa: S311
    if answer.delivered:
        status, report.delivered = "delivered", report.delivered + 1
    elif wait is None:
        status, report.failed = "failed", report.failed + 1
        logger.error("Event %s failed for good: %s.", attempt.event.id, answer.error)
    else:
        status, report.retried = "pending", report.retried + 1
    values = {
        "status": status,
        "attempts": number,
        "n8n_webhook_url": attempt.url,
        "last_attempt_at": answer.started_at,
        "next_attempt_at": None if wait is None else utc_now() + timedelta(seconds=wait),
        "success_at": utc_now() if answer.delivered else None,
        "error_message": answer.error,
    }
    identity = {"event_id": attempt.event.id, "lease": attempt.event.lease_until}
    return {**identity, **{f"new_{name}": value for name, value in values.items()}}


def retry_wait(attempts: int, retry_after: float | None, chance: float) -> float | None:
    """Return the seconds until the next attempt after ``attempts``, or ``None`` where there is none.

    ``chance`` (0 to 1) spreads the waits by a fifth either way; a longer ``Retry-After`` counts.
    """
    if attempts > len(RETRY_SECONDS):
        return None
    wait = RETRY_SECONDS[attempts - 1] * (1 + JITTER * (2 * chance - 1))
    return max(wait, min(retry_after or 0.0, LONGEST_RETRY_AFTER_SECONDS))
