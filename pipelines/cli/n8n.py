"""`backline n8n`: a local n8n, and git's workflows in whichever n8n runs."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from pipelines.cli.output import json_option, people, show_json, show_table
from resources.errors import SettingMissing
from resources.n8n import Health, PushReport, health, push
from resources.settings import Settings


@click.group()
def n8n() -> None:
    """The n8n that receives our events."""


@n8n.command()
def serve() -> None:
    """Install n8n where it is not there yet, bring in the workflows, and run it until Ctrl-C."""
    from pipelines.n8n_server import serve as serve_n8n  # noqa: PLC0415 - push and status need no server

    serve_n8n(Settings())


@n8n.command()
def install() -> None:
    """Install n8n into BACKLINE_HOME/n8n where it is not there yet; takes some minutes."""
    from pipelines.n8n_server import N8nServer  # noqa: PLC0415

    found = N8nServer(Settings()).install()
    people.print(f"n8n {found.version} is installed in {found.folder}.")


@n8n.command("push")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--renew-secret", is_flag=True, help="Write the newest signing secret into n8n's credential.")
@json_option
@click.pass_context
def push_command(context: click.Context, *, dry_run: bool, renew_secret: bool, as_json: bool) -> None:
    """Make n8n's workflows what git says, and publish them; exit 1 where a person has to do something."""
    report = asyncio.run(push(Settings(), dry_run=dry_run, renew_secret=renew_secret))
    if as_json:
        show_json({**asdict(report), "changed": report.changed})
    else:
        show_table(report.url, [asdict(step) for step in report.steps], "There are no workflows.")
        people.print(_outcome(report))
    context.exit(1 if report.by_hand else 0)


def _outcome(report: PushReport) -> str:
    if not report.changed:
        return "n8n already is what git says; nothing was changed."
    return "Nothing was changed: this was a dry run." if report.dry_run else "n8n now is what git says."


@n8n.command("status")
@click.option(
    "--knock",
    is_flag=True,
    help="Send each webhook an unsigned request, which it must refuse; n8n records it.",
)
@json_option
@click.pass_context
def status_command(context: click.Context, *, knock: bool, as_json: bool) -> None:
    """Hold n8n against git: workflows, webhooks and last executions; exit 1 where something is wrong."""
    found = asyncio.run(health(Settings(), knock=knock))
    if found is None:
        raise SettingMissing("BACKLINE_N8N_URL", "reaching n8n", "set it, or start an n8n with `make n8n`")
    if as_json:
        show_json({**asdict(found), "ok": found.ok})
    else:
        _show(found)
    context.exit(0 if found.ok else 1)


def _show(found: Health) -> None:
    version = f" {found.version}" if found.version else ""
    reached = "is reachable" if found.reachable else "is not reachable"
    people.print(f"n8n{version} at {found.url} {reached}; API key {found.key}.")
    rows = [
        {
            "workflow": one.name,
            "state": one.state,
            "webhook": one.webhook,
            "last executions": ", ".join(run.status for run in one.executions) or "–",
            "newest": one.executions[0].link if one.executions else one.link or "–",
            "to do": f"{one.cause}; {one.cure}" if one.cause else "",
        }
        for one in found.workflows
    ]
    if rows:
        show_table("Workflows", rows, "")
    for sentence in (*found.notes, *([f"n8n {found.cause}; {found.cure}"] if found.cause else [])):
        people.print(sentence)
