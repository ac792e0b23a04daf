"""`backline events`: see, test, replay, export and deliver what is sent to n8n."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
import sqlalchemy as sa

from pipelines.cli.output import json_option, migrated, people, show_json, show_table
from resources.backline import Backline
from resources.database import utc_now
from resources.delivery import LONGEST_ROUND_SECONDS, Dispatcher, send_sample
from resources.errors import InputRefused, SettingMissing
from resources.events import PATHS, body_of
from resources.tables import WebhookAttempt, WebhookEvent

EVENT_TYPES = click.Choice(list(PATHS))
STATES = click.Choice(["pending", "delivered", "failed"])
EXPORTED_AT_ONCE = 500


@click.group()
def events() -> None:
    """The events for n8n."""


@events.command("list")
@click.option("--status", type=STATES)
@click.option("--type", "event_type", type=EVENT_TYPES)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def list_command(status: str | None, event_type: str | None, limit: int, *, as_json: bool) -> None:
    """List events, newest first."""
    event = WebhookEvent
    names = (
        "id",
        "event_type",
        "provider",
        "status",
        "attempts",
        "created_at",
        "next_attempt_at",
        "error_message",
    )
    query = (
        sa.select(*(getattr(event, name) for name in names)).order_by(event.created_at.desc()).limit(limit)
    )
    query = query.where(event.status == status) if status else query
    query = query.where(event.event_type == event_type) if event_type else query
    with migrated(Backline()).database.read() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    show_json(rows) if as_json else show_table("Events", rows, "No events.")


@events.command("show")
@click.argument("event_id", metavar="ID")
@json_option
def show_command(event_id: str, *, as_json: bool) -> None:
    """Show one event: its body and every attempt."""
    with migrated(Backline()).database.read() as connection:
        event = connection.execute(
            sa.select(WebhookEvent.__table__).where(WebhookEvent.id == event_id)
        ).one_or_none()
        if event is None:
            raise InputRefused("id", f"{event_id} is unknown", "see `backline events list`")
        query = sa.select(WebhookAttempt.__table__).where(WebhookAttempt.event_id == event_id)
        attempts = [
            dict(row) for row in connection.execute(query.order_by(WebhookAttempt.attempt)).mappings()
        ]
    body = msgspec.json.decode(body_of(event))
    if as_json:
        show_json({"body": body, "status": event.status, "attempts": attempts})
        return
    people.print_json(data=body)
    shown = ("attempt", "started_at", "duration_ms", "status_code", "error_message", "response_excerpt")
    show_table(
        f"Attempts ({event.status})",
        [{name: row[name] for name in shown} for row in attempts],
        "Not tried yet.",
    )


@events.command("test")
@click.argument("event_type", type=EVENT_TYPES)
@json_option
@click.pass_context
def test_command(context: click.Context, event_type: str, *, as_json: bool) -> None:
    """Send a sample of EVENT_TYPE to n8n, signed, and show the answer; nothing is stored."""
    backline = Backline()
    _need_n8n(backline)
    verdict = asyncio.run(send_sample(backline, event_type))
    if as_json:
        show_json(verdict)
    else:
        outcome = f"{verdict['status_code'] or '–'} {verdict['error'] or 'accepted'}"
        people.print(f"{verdict['url']}: {outcome} ({verdict['duration_ms']} ms)")
    context.exit(0 if verdict["delivered"] else 1)


@events.command("replay")
@click.argument("event_ids", nargs=-1, metavar="[ID…]")
@click.option("--status", type=STATES, help="All events in this state.")
@click.option("--type", "event_type", type=EVENT_TYPES, help="Only this type.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), help="Only events made since, UTC."
)
@json_option
def replay_command(
    event_ids: tuple[str, ...],
    status: str | None,
    event_type: str | None,
    since: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Make events due again, under the same ids: the named ones, or all that fit the options."""
    if not event_ids and status is None:
        raise InputRefused("ID or --status", "neither is given", "name events, or say --status failed")
    event, backline = WebhookEvent, migrated(Backline())
    values = {"status": "pending", "next_attempt_at": utc_now(), "lease_until": None, "attempts": 0}
    update = sa.update(event).values(**values)
    update = update.where(event.id.in_(event_ids)) if event_ids else update
    update = update.where(event.status == status) if status else update
    update = update.where(event.event_type == event_type) if event_type else update
    update = update.where(event.created_at >= since.replace(tzinfo=UTC)) if since else update
    with backline.database.write() as connection:
        count = connection.execute(update).rowcount
    if event_ids and count < len(set(event_ids)):
        raise InputRefused(
            "ID",
            f"only {count} of {len(set(event_ids))} are known",
            "see `backline events list`; the known ones are due again",
        )
    show_json({"replayed": count}) if as_json else people.print(f"{count} events are due again.")


@events.command("export")
@click.option("--status", type=STATES)
@json_option
def export_command(status: str | None, *, as_json: bool) -> None:
    """Write every event's body as JSON lines, oldest first; with --json as one array of them."""
    event = WebhookEvent
    query = (
        sa.select(event.__table__)
        .order_by(event.created_at, event.id)
        .execution_options(yield_per=EXPORTED_AT_ONCE)
    )
    query = query.where(event.status == status) if status else query
    with migrated(Backline()).database.read() as connection:
        before = "[" if as_json else ""
        for row in connection.execute(query):
            sys.stdout.write(before + body_of(row).decode() + ("" if as_json else "\n"))
            before = "," if as_json else ""
        if as_json:
            sys.stdout.write("]\n" if before == "," else "[]\n")


@events.command("deliver")
@click.option(
    "--seconds",
    type=click.IntRange(1, LONGEST_ROUND_SECONDS),
    default=LONGEST_ROUND_SECONDS,
    show_default=True,
)
@json_option
@click.pass_context
def deliver_command(context: click.Context, seconds: int, *, as_json: bool) -> None:
    """Deliver what is due now, as the sensor does."""
    backline = migrated(Backline())
    _need_n8n(backline)
    report = asyncio.run(Dispatcher(backline).deliver_due(seconds))
    counts: dict[str, Any] = {
        "delivered": report.delivered,
        "retried": report.retried,
        "failed": report.failed,
    }
    if as_json:
        show_json(counts)
    else:
        people.print(f"Delivered {report.delivered}, to be retried {report.retried}, failed {report.failed}.")
    context.exit(1 if report.retried or report.failed else 0)


def _need_n8n(backline: Backline) -> None:
    if not backline.settings.n8n_url:
        raise SettingMissing("BACKLINE_N8N_URL", "sending events")
