"""`backline doctor`: what is set up, what is missing, and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click
import httpx
import sqlalchemy as sa

from pipelines.cli.output import json_option, show_json, show_table
from resources import migrations, parking
from resources.backline import Backline
from resources.budget import balances
from resources.errors import BacklineError
from resources.n8n import health
from resources.n8n.health import KEY_MISSING
from resources.provider import MAIN_BUCKET, Provider
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount, WebhookEvent
from resources.visiting.binary import CURE as BROWSER_CURE
from resources.visiting.binary import Sandbox, find_browser, version_of

OK, MISSING, BROKEN = "ok", "missing", "broken"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``missing`` may be left so, ``broken`` stops the work."""

    what: str
    state: str
    detail: str
    cure: str = ""


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Say what is set up, what is missing, and how to mend it; exit 1 where something is broken."""
    findings = list(examine(Backline()))
    rows = [asdict(finding) for finding in findings]
    show_json(rows) if as_json else show_table("Backline", rows, "")
    context.exit(1 if any(finding.state == BROKEN for finding in findings) else 0)


def examine(backline: Backline) -> Iterator[Finding]:
    """Look at every part; one that raises is broken, and the rest is looked at all the same."""
    for what, look in EXAMINATIONS.items():
        try:
            yield from look(backline)
        except (BacklineError, sa.exc.SQLAlchemyError, OSError) as error:
            yield Finding(what, BROKEN, str(error).splitlines()[0], "mend that first, then run this again")


def _keys(backline: Backline) -> Iterator[Finding]:
    yield Finding("encryption keys", OK, f"newest key {backline.vault.newest.id}")
    yield Finding("signing secrets", OK, f"{len(backline.signing_secrets)} sign")


def _database(backline: Backline) -> Iterator[Finding]:
    if backline.database.is_sqlite:  # made ready here, as every other command does
        migrations.upgrade(backline.database)
    shown = backline.database.url.render_as_string(hide_password=True)
    if migrations.is_current(backline.database):
        yield Finding("database", OK, shown)
    else:
        yield Finding("database", BROKEN, f"{shown} is not at the newest revision", "backline db upgrade")


def _providers(backline: Backline) -> Iterator[Finding]:
    for provider in PROVIDERS.values():
        try:
            backline.credentials(provider)
        except BacklineError as error:
            yield Finding(
                provider.title,
                MISSING,
                str(error),
                f"make an app at {provider.apps} and set its id and secret",
            )
            continue
        parked = parking.current(backline.database, provider)
        detail = str(parked) if parked else f"app set, calls {backline.api_urls(provider)['']}"
        detail += "" if parked else _quota(backline, provider)
        yield Finding(provider.title, BROKEN if parked else OK, detail, "wait" if parked else "")


def _quota(backline: Backline, provider: Provider) -> str:
    """Return what of the app's quota is left today."""
    quota = backline.quota(provider)
    if quota is None:
        return ""
    told = []
    for one in balances(backline.database, provider, quota):
        purpose = "" if one.bucket == MAIN_BUCKET else f" for `{one.bucket}`"
        told.append(f"{one.left:,} of {one.limit:,} units left{purpose}")
    return f", {', '.join(told)} today"


def _accounts(backline: Backline) -> Iterator[Finding]:
    query = sa.select(ConnectedAccount.status, sa.func.count()).group_by(ConnectedAccount.status)
    with backline.database.read() as connection:
        counts = {row[0]: row[1] for row in connection.execute(query)}
    if not counts:
        yield Finding(
            "accounts",
            MISSING,
            "none is connected",
            "connect one in the console, or `backline accounts import`",
        )
        return
    broken = counts.get("needs_reconnect", 0)
    detail = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(counts.items()))
    yield Finding(
        "accounts", BROKEN if broken else OK, detail, "reconnect them in the console" if broken else ""
    )


def _browser(backline: Backline) -> Iterator[Finding]:
    found = find_browser(backline.settings)
    if found is None:
        problem, cure = "none is installed; pages that need one are not read", BROWSER_CURE
        yield Finding("browser", MISSING, problem, cure)
        return
    sandbox = Sandbox(backline.settings)
    how = "in its sandbox" if sandbox.is_on else f"without its sandbox: {sandbox.why_off}"
    yield Finding("browser", OK, f"{found} {version_of(found)}, {how}")


def _events(backline: Backline) -> Iterator[Finding]:
    query = sa.select(WebhookEvent.status, sa.func.count()).group_by(WebhookEvent.status)
    with backline.database.read() as connection:
        counts = {row[0]: row[1] for row in connection.execute(query)}
    failed = counts.get("failed", 0)
    detail = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none yet"
    cure = "see `backline events list --status failed`, then `backline events replay --status failed`"
    yield Finding("events", BROKEN if failed else OK, detail, cure if failed else "")


def _n8n(backline: Backline) -> Iterator[Finding]:
    found = asyncio.run(health(backline.settings)) if backline.settings.n8n_url else None
    if found is None:
        yield Finding(
            "n8n", MISSING, "BACKLINE_N8N_URL is not set, events wait", "set it, or start one with `make n8n`"
        )
        return
    if found.cause:  # another receiver of events may be meant
        stranger = found.reachable and not found.is_n8n
        yield Finding("n8n", OK if stranger else BROKEN, f"{found.url} {found.cause}", found.cure)
        return
    wrong = [one for one in found.workflows if one.cause]
    for one in wrong:
        yield Finding("n8n", BROKEN, f"{one.name} {one.cause}", one.cure)
    if not wrong:
        state = "take events" if found.key == KEY_MISSING else "are in step with git"
        yield Finding("n8n", OK, f"{found.url}, {len(found.workflows)} workflows {state}")


def _dagster(backline: Backline) -> Iterator[Finding]:
    finding = _reachable(
        "Dagster webserver", f"{backline.settings.dagster_url}/server_info", "start it with `make up`"
    )
    yield finding if finding.state == OK else Finding(finding.what, MISSING, finding.detail, finding.cure)


def _reachable(what: str, address: str, cure: str) -> Finding:
    try:
        httpx.get(address, timeout=2)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(what, BROKEN, f"{address} does not answer ({type(error).__name__})", cure)
    return Finding(what, OK, address)


EXAMINATIONS: dict[str, Callable[[Backline], Iterator[Finding]]] = {
    "keys": _keys,
    "database": _database,
    "providers": _providers,
    "accounts": _accounts,
    "browser": _browser,
    "events": _events,
    "n8n": _n8n,
    "Dagster": _dagster,
}
