"""`backline events`: see, test, replay, export and deliver what is sent to n8n."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC
from typing import Any

import click
import msgspec
import sqlalchemy as sa

from pipelines.cli.output import json_option, migrated, people, show_json, show_table
from resources.accounts import org_id_of
from resources.backline import Backline
from resources.delivery.dispatcher import LONGEST_ROUND_SECONDS, Dispatcher
from resources.delivery.endpoints import find
from resources.delivery.replay import Selection, replay
from resources.delivery.samples import Verdict, send_sample
from resources.errors import InputRefused
from resources.events import body_of
from resources.providers import PROVIDERS
from resources.schemas import PATHS
from resources.tables import WebhookAttempt, WebhookEndpoint, WebhookEvent

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
        attempts = _attempts(connection, event_id)
    body = msgspec.json.decode(body_of(event))
    if as_json:
        show_json({"body": body, "status": event.status, "attempts": attempts})
        return
    people.print_json(data=body)
    shown = (
        "endpoint",
        "attempt",
        "started_at",
        "duration_ms",
        "status_code",
        "error_message",
        "response_excerpt",
    )
    show_table(
        f"Attempts ({event.status})",
        [{name: row[name] for name in shown} for row in attempts],
        "Not tried yet.",
    )


def _attempts(connection: sa.Connection, event_id: str) -> list[dict[str, Any]]:
    attempt, endpoint = WebhookAttempt, WebhookEndpoint
    query = (
        sa.select(attempt.__table__, endpoint.name.label("endpoint"))
        .join(endpoint, endpoint.id == attempt.endpoint_id)
        .where(attempt.event_id == event_id)
        .order_by(attempt.started_at)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


@events.command("test")
@click.argument("event_type", type=EVENT_TYPES)
@click.option("--endpoint", help="An endpoint's name or id; without it, n8n's path for the type.")
@json_option
@click.pass_context
def test_command(context: click.Context, event_type: str, endpoint: str | None, *, as_json: bool) -> None:
    """Send a sample of EVENT_TYPE, signed, and show request, answer and verdict; nothing is stored."""
    backline = migrated(Backline())
    with backline.database.read() as connection:
        receiver = find(connection, endpoint or f"n8n {PATHS[event_type]}")
    verdict = asyncio.run(send_sample(backline, event_type, receiver))
    answer = verdict.answer
    if as_json:
        request = {"url": verdict.url, "headers": verdict.headers, "body": verdict.body}
        show_json(
            {"id": verdict.id, "delivered": answer.delivered, "verdict": verdict.advice, "request": request}
            | msgspec.structs.asdict(answer)
        )
    else:
        _show_verdict(verdict)
    context.exit(0 if answer.delivered else 1)


def _show_verdict(verdict: Verdict) -> None:
    people.print(f"POST {verdict.url}")
    for name, value in verdict.headers.items():
        people.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    people.print_json(data=verdict.body)
    answer = verdict.answer
    outcome = f"{answer.status_code or '–'} {answer.error or 'accepted'}"
    people.print(f"{verdict.url}: {outcome} ({answer.duration_ms} ms)")
    if answer.excerpt:
        people.print(answer.excerpt, markup=False)
    people.print(verdict.advice)


MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])


@events.command("replay")
@click.argument("event_ids", nargs=-1, metavar="[ID…]")
@click.option("--status", type=STATES, help="Only deliveries in this state.")
@click.option("--type", "event_type", type=EVENT_TYPES, help="Only this type.")
@click.option("--provider", type=click.Choice(list(PROVIDERS)), help="Only of this provider.")
@click.option("--org", metavar="SLUG", help="Only of this org.")
@click.option("--endpoint", help="Only to this endpoint (name or id), also what it was never sent.")
@click.option("--since", type=MOMENT, help="Only events made since, UTC.")
@click.option("--until", type=MOMENT, help="Only events made before, UTC.")
@json_option
def replay_command(event_ids: tuple[str, ...], *, as_json: bool, **filters: Any) -> None:
    """Make events due again, under the same ids: the named ones, or all that fit the options.

    A whole outage: `backline events replay --status failed --since 2026-11-23T10:00:00Z`.
    """
    if not event_ids and not any(filters.values()):
        cure = "name events, or say which, as --status failed or --since 2026-11-23"
        raise InputRefused("ID or options", "none is given", cure)
    backline = migrated(Backline())
    with backline.database.write() as connection:
        count = replay(connection, _selection(connection, event_ids, filters))
    if len(set(event_ids)) > count:
        problem = f"only {count} of {len(set(event_ids))} are there, fit, and are not under way"
        raise InputRefused("ID", problem, "see `backline events list`; those that fit are due again")
    show_json({"replayed": count}) if as_json else people.print(f"{count} events are due again.")


def _selection(connection: sa.Connection, event_ids: tuple[str, ...], filters: dict[str, Any]) -> Selection:
    org, endpoint = filters.pop("org"), filters.pop("endpoint")
    for name in ("since", "until"):
        filters[name] = filters[name] and filters[name].replace(tzinfo=UTC)
    if org is not None:
        filters["org_id"] = org_id_of(connection, org)
    if endpoint is not None:
        filters["endpoint_id"] = find(connection, endpoint).id
    return Selection(event_ids=event_ids, **filters)


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
        if not backline.settings.n8n_url:
            people.print("BACKLINE_N8N_URL is not set: what is for n8n waits.")
    context.exit(1 if report.retried or report.failed else 0)
