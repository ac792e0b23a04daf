"""`backline endpoints`: where events go besides n8n's own paths, and n8n's own paths."""

from __future__ import annotations

from typing import Any

import click
import sqlalchemy as sa

from pipelines.cli.output import json_option, migrated, people, show_json, show_table
from resources.backline import Backline
from resources.database import AnyRow
from resources.delivery import endpoints as store
from resources.delivery.endpoints import Draft
from resources.errors import InputRefused
from resources.providers import PROVIDERS
from resources.schemas import PATHS
from resources.signing import SigningSecret
from resources.tables import Org, WebhookEndpoint

ACTOR = "command line"
LISTED = (
    *("id", "name", "org", "url", "event_types", "providers", "header_names", "enabled", "max_in_flight"),
    *("rate_limit", "breaker", "failures", "probe_at", "held_until", "last_error", "description"),
)
TYPES, NAMES = click.Choice(list(PATHS)), click.Choice(list(PROVIDERS))
SHOWN = ("id", "name", "org", "url", "event_types", "enabled", "breaker", "last_error")


@click.group()
def endpoints() -> None:
    """Where events go."""


@endpoints.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List n8n's own paths and the orgs' endpoints, with the state of their breakers."""
    endpoint = WebhookEndpoint
    query = sa.select(endpoint.__table__, Org.slug.label("org")).outerjoin(Org, Org.id == endpoint.org_id)
    with migrated(Backline()).database.read() as connection:
        rows = connection.execute(query.order_by(endpoint.created_at, endpoint.name)).mappings().all()
    if as_json:
        show_json([{name: row[name] for name in LISTED} for row in rows])
        return
    table = [{name: row[name] for name in SHOWN} for row in rows]
    show_table("Endpoints", [{**row, "event_types": ", ".join(row["event_types"])} for row in table], "None.")


def _described(command: Any) -> Any:
    """Give a command the options that describe an endpoint."""
    options = (
        click.option("--type", "event_types", multiple=True, type=TYPES, help="Only these types."),
        click.option("--provider", "providers", multiple=True, type=NAMES, help="Only these."),
        click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Sent along; sealed."),
        click.option("--description", help="For people."),
        click.option("--in-flight", "max_in_flight", type=int, help="Deliveries at once, at most."),
        click.option("--rate", "rate_limit", help="requests/seconds at most, as 10/1."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, headers as a mapping."""
    found = {name: value for name, value in given.items() if value not in (None, ())}
    if "headers" in found:
        found["headers"] = dict(_header(text) for text in found["headers"])
    return found


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise InputRefused("--header", "holds no colon", "write it as Authorization:Bearer …")
    return name.strip(), value.strip()


@endpoints.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--org", required=True, metavar="SLUG", help="Whose events it gets.")
@_described
@json_option
def add_command(name: str, url: str, org: str, *, as_json: bool, **given: Any) -> None:
    """Add an endpoint NAME at URL, and show its secret this once."""
    draft = Draft(name=name, url=url, **_changes(given))
    number, secret = store.add(migrated(Backline()), ACTOR, org, draft)
    _show_secret(str(number), secret, as_json=as_json)


@endpoints.command("change")
@click.argument("endpoint")
@click.option("--name", help="Another name.")
@click.option("--url", help="Another address.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether new events are sent there.")
@_described
@json_option
def change_command(endpoint: str, *, as_json: bool, **given: Any) -> None:
    """Change ENDPOINT (its name or id); what is not given stays."""
    changes = _changes(given)
    if not changes:
        raise InputRefused("options", "none is given", "say what to change, as --disable")
    backline = migrated(Backline())
    row = _found(backline, endpoint)
    store.change(backline, ACTOR, row.id, **changes)
    show_json({"id": row.id, "changed": sorted(changes)}) if as_json else people.print(
        f"{row.name} is changed."
    )


@endpoints.command("rotate")
@click.argument("endpoint")
@click.option("--finish", is_flag=True, help="Let the newest secret alone sign from now on.")
@json_option
def rotate_command(endpoint: str, *, finish: bool, as_json: bool) -> None:
    """Give ENDPOINT a new secret, shown this once; the old one signs too until --finish."""
    backline = migrated(Backline())
    row = _found(backline, endpoint)
    if finish:
        store.retire(backline, ACTOR, row.id)
        show_json({"id": row.id}) if as_json else people.print(f"{row.name}: the newest secret alone signs.")
    else:
        _show_secret(str(row.id), store.rotate(backline, ACTOR, row.id), as_json=as_json)


@endpoints.command("remove")
@click.argument("endpoint")
@json_option
def remove_command(endpoint: str, *, as_json: bool) -> None:
    """Forget ENDPOINT, and what was delivered there."""
    backline = migrated(Backline())
    row = _found(backline, endpoint)
    store.remove(backline, ACTOR, row.id)
    show_json({"id": row.id, "removed": True}) if as_json else people.print(f"{row.name} is removed.")


def _found(backline: Backline, endpoint: str) -> AnyRow:
    with backline.database.read() as connection:
        return store.find(connection, endpoint)


def _show_secret(number: str, secret: SigningSecret, *, as_json: bool) -> None:
    if as_json:
        show_json({"id": number, "secret": secret.text()})
        return
    people.print(f"Endpoint {number}. Its secret, shown this once; the receiver verifies with it:")
    click.echo(secret.text())
