"""`backline pushes`: who is subscribed to what providers push, and the word that verifies our address."""

from __future__ import annotations

from typing import Any

import click
import sqlalchemy as sa

from pipelines.cli.output import json_option, migrated, people, show_json, show_table
from resources.backline import Backline
from resources.errors import InputRefused
from resources.providers import PROVIDERS, find_provider
from resources.pushes.proof import verify_token
from resources.pushes.subscriptions import callback, obstacle
from resources.tables import ConnectedAccount, Org, ProviderPush, PushSubscription


@click.group()
def pushes() -> None:
    """What providers push."""


@pushes.command("status")
@json_option
def status_command(*, as_json: bool) -> None:
    """List the accounts whose provider pushes, how their subscription stands, and the last news."""
    backline = migrated(Backline())
    with backline.database.read() as connection:
        rows = [dict(row) for row in connection.execute(_accounts()).mappings()]
    obstacles = {name: obstacle(backline, one) for name, one in PROVIDERS.items() if one.pushes}
    if as_json:
        show_json({"obstacles": obstacles, "accounts": rows})
        return
    for problem in filter(None, obstacles.values()):
        people.print(f"[yellow]{problem}.[/]")
    show_table("Pushes", rows, "No account of a provider that pushes is connected.")


def _accounts() -> sa.Select[*tuple[Any, ...]]:
    account, mine, push = ConnectedAccount, PushSubscription, ProviderPush
    last = (
        sa.select(sa.func.max(push.received_at, type_=push.received_at.type))
        .where(push.provider == account.provider, push.external_id == account.external_id)
        .scalar_subquery()
    )
    return (
        sa.select(
            account.provider,
            Org.slug.label("org"),
            account.display_name,
            sa.func.coalesce(mine.status, "not asked").label("subscription"),
            mine.lease_until,
            last.label("last_push_at"),
            mine.error_message,
        )
        .join(Org, Org.id == account.org_id)
        .outerjoin(mine, mine.account_id == account.id)
        .where(account.provider.in_([name for name, one in PROVIDERS.items() if one.pushes]))
        .where(account.status == "connected")
        .order_by(account.provider, Org.slug, account.display_name)
    )


@pushes.command("verify-token")
@click.argument("provider")
@json_option
def verify_token_command(provider: str, *, as_json: bool) -> None:
    """Print what PROVIDER's developer console asks for: our address, and the word that verifies it."""
    found, backline = find_provider(provider), Backline()
    if found.pushes is None or found.pushes.way != "app":
        known = ", ".join(name for name, one in PROVIDERS.items() if one.pushes and one.pushes.way == "app")
        raise InputRefused("provider", f"{found.title} verifies no address so", f"use {known}")
    answer = {"callback_url": callback(backline, found), "verify_token": verify_token(backline, found)}
    if as_json:
        show_json(answer)
    else:
        people.print(f"Callback URL  {answer['callback_url']}\nVerify token  {answer['verify_token']}")
