"""`backline scrape`: runs the provider's page assets here and now, with progress."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from assets.pages import page_key, pages_op
from assets.streams import SOURCE_TAG
from pipelines.browsers import definitions
from pipelines.cli.output import errors, json_option, migrated, people, show_json, show_table
from pipelines.cli.scrape_summary import summarise
from pipelines.cli.sync_runs import failure_reason
from pipelines.instance import open_instance
from pipelines.scrapes import scrape_job_name
from resources.backline import Backline
from resources.errors import InputRefused
from resources.names import known_accounts
from resources.provider import Provider
from resources.providers import find_provider
from resources.scraping import jobs
from resources.scraping.report import ScrapeReport
from resources.visiting.controls import controls_of
from sensors.runs import PROCESS_TAG, process_name


@click.command()
@click.argument("provider")
@click.argument("pages", nargs=-1, metavar="[PAGE…]")
@click.option("--org", "orgs", multiple=True, help="Only this org, by its slug; may be repeated.")
@click.option(
    "--account", "accounts", multiple=True, type=click.UUID, help="Only this account; may be repeated."
)
@json_option
@click.pass_context
def scrape(  # noqa: PLR0913  # one parameter an option
    context: click.Context,
    provider: str,
    pages: tuple[str, ...],
    orgs: tuple[str, ...],
    accounts: tuple[uuid.UUID, ...],
    *,
    as_json: bool,
) -> None:
    """Visit PROVIDER's public PAGEs (all kinds where none is named) as a Dagster run of this process."""
    backline = migrated(Backline())
    known = find_provider(provider)
    _check(backline, known, pages)
    with backline.database.read() as connection:
        known_accounts(connection, known, orgs, accounts)
    wish = jobs.Wish(orgs, tuple(map(str, accounts)), pages)
    job_id = jobs.ask(backline.database, known, wish, job_type="command", actor="command line")
    run_id = _run(backline, known, wish, job_id, quiet=as_json)
    summary = summarise(backline, job_id, run_id)
    if as_json:
        show_json(summary)
    else:
        _show(summary)
    context.exit(0 if summary["ok"] else 1)


def _check(backline: Backline, provider: Provider, pages: Sequence[str]) -> None:
    """Refuse pages that do not exist, and a provider that is paused or being visited."""
    known = [page.name for page in provider.pages]
    if provider.site is None:
        raise InputRefused("provider", f"{provider.title} has no public pages", "name one that has")
    for name in pages:
        if name not in known:
            raise InputRefused("page", f"{name!r} is unknown", f"use some of {', '.join(known)}")
    controls = controls_of(backline.database, provider, provider.site)
    if controls.paused_at is not None:
        problem = (
            f"{controls.paused_by} paused {provider.title}'s pages at {controls.paused_at:%Y-%m-%d %H:%M} UTC"
        )
        raise InputRefused("provider", problem, "resume them in the console")
    if (job := jobs.live(backline.database, provider)) is not None:
        problem = f"job {job.id} is visiting {provider.title}'s pages"
        raise InputRefused("provider", problem, "wait for it, or stop it in the console")


def _run(backline: Backline, provider: Provider, wish: jobs.Wish, job_id: uuid.UUID, *, quiet: bool) -> str:
    """Execute the run with a progress bar on the error output; return its id."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    config = {"orgs": list(wish.orgs), "accounts": list(wish.accounts), "job_id": str(job_id)}
    with (
        open_instance(backline.settings) as instance,
        Progress(*columns, console=errors, disable=quiet) as progress,
    ):
        task = progress.add_task(f"{provider.title} pages", total=None)

        def on_progress(report: ScrapeReport) -> None:
            progress.update(task, total=report.total, completed=report.outcomes.total())

        job = definitions(backline, on_progress).resolve_job_def(scrape_job_name(provider))
        result = job.execute_in_process(
            instance=instance,
            run_config={
                "ops": {pages_op(provider): {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            asset_selection=[page_key(provider, page) for page in provider.pages if page.name in wish.pages]
            or None,
            tags={SOURCE_TAG: "manual", PROCESS_TAG: process_name()},
            raise_on_error=False,
        )
        if not result.success:
            errors.print(f"[red]Run {result.run_id} failed:[/] {escape(failure_reason(result))}")
    return result.run_id


def _show(summary: dict[str, Any]) -> None:
    empty = "No page was visited. If no account is connected, use the console or `backline accounts import`."
    show_table("Pages", summary["pages"], empty)
    if summary["failures"]:
        show_table("Without a reading", summary["failures"], "")
    if summary["error"]:
        people.print(f"[yellow]{escape(summary['error'])}[/]")
    people.print(f"Job {summary['job']}, {summary['status']}; run {summary['run']}")
