"""What the demo says at its end, and whether it showed all that it promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from dagster import DagsterEventType

from pipelines.cli.demo_pages import can_visit
from pipelines.cli.output import people, show_table
from pipelines.instance import open_instance
from resources.backline import Backline
from resources.errors import BacklineError
from resources.providers import PROVIDERS
from resources.tables import AudienceDaily, ConnectedAccount, Org, ScraperVisit, SyncResult, WebhookEvent


class DemoFailed(BacklineError):
    """The demo did not show what it promises; the message says what is missing."""


def summarise(backline: Backline, received: Any, orgs: Sequence[str], accounts: int) -> None:
    """Print the summary; raise ``DemoFailed`` where something that was promised is not there.

    ``accounts`` are those expected of each provider.
    """
    providers = {name: _facts_of(backline, name) for name in PROVIDERS}
    show_table("Providers", [{"provider": name, **facts} for name, facts in providers.items()], "")
    facts, checks, delivered = _facts(backline), _checks(backline), len(received["events"])
    read = sum(found["pages read"] for found in providers.values())
    note = f"{len(PROVIDERS)} by OAuth in the console, the rest imported"
    rows = [
        {"what": "organisations", "count": facts["orgs"], "note": ", ".join(orgs)},
        {"what": "accounts", "count": facts["accounts"], "note": note},
        {"what": "records", "count": facts["records"], "note": "rows in the stream tables"},
        {"what": "pages read", "count": read, "note": _pages_note(backline)},
        {"what": "checks passed", "count": checks[True], "note": f"{checks[False]} failed"},
        {"what": "events delivered", "count": delivered, "note": "signed, verified by the receiver"},
    ]
    show_table("Backline demo", rows, "")
    silent = [name for name, found in providers.items() if not found["audience numbers"]]
    unread = [
        name for name, found in providers.items() if _has_pages(backline, name) and not found["pages read"]
    ]
    missing = [name for name, found in providers.items() if found["accounts"] != accounts]
    for wrong, problem in (
        (missing, f"not every account of {', '.join(missing)} is connected"),
        (facts["failed"], f"{facts['failed']} streams failed"),
        (unread, f"no page of {', '.join(unread)} gave a reading"),
        (not checks[True] or checks[False], f"{checks[False]} checks failed"),
        (silent, f"the audience tables hold nothing of {', '.join(silent)}"),
        (delivered != facts["events"], f"{delivered} of {facts['events']} events arrived"),
    ):
        if wrong:
            raise DemoFailed(f"The demo is not whole: {problem}.")
    people.print("[green]The demo is whole.[/] `make demo KEEP=1` leaves it running.")


def _has_pages(backline: Backline, provider: str) -> bool:
    return any(can_visit(backline.settings, page) for page in PROVIDERS[provider].pages)


def _pages_note(backline: Backline) -> str:
    pages = [page for provider in PROVIDERS.values() for page in provider.pages]
    skipped = [page.name for page in pages if not can_visit(backline.settings, page)]
    if skipped:
        return f"skipped for want of a browser: {', '.join(skipped)}; apt install chromium-headless-shell"
    return "public pages, by plain requests and by the browser"


def _facts_of(backline: Backline, provider: str) -> Counter[str]:
    """Return what there is of one provider."""
    result, account, daily, visit = SyncResult, ConnectedAccount, AudienceDaily, ScraperVisit
    mine = result.asset.like(f"{provider}/%")
    return _counted(
        backline,
        {
            "accounts": sa.select(sa.func.count()).where(account.provider == provider),
            "streams": sa.select(sa.func.count(sa.distinct(result.asset))).where(mine),
            "records": sa.select(sa.func.sum(result.records)).where(mine),
            "requests": sa.select(sa.func.sum(result.requests)).where(mine),
            "pages read": sa.select(sa.func.count()).where(
                visit.provider == provider, visit.outcome == "reading", visit.account_id.is_not(None)
            ),
            "audience numbers": sa.select(sa.func.count()).where(daily.provider == provider),
        },
    )


def _facts(backline: Backline) -> Counter[str]:
    result = SyncResult
    return _counted(
        backline,
        {
            "orgs": sa.select(sa.func.count()).select_from(Org),
            "accounts": sa.select(sa.func.count()).select_from(ConnectedAccount),
            "records": sa.select(sa.func.sum(result.records)),
            "failed": sa.select(sa.func.count()).where(result.status == "failed"),
            "events": sa.select(sa.func.count()).select_from(WebhookEvent),
        },
    )


def _counted(backline: Backline, queries: dict[str, sa.Select[Any]]) -> Counter[str]:
    with backline.database.read() as connection:
        return Counter(
            {name: int(connection.execute(query).scalar_one() or 0) for name, query in queries.items()}
        )


def _checks(backline: Backline) -> Counter[bool]:
    """Count the check evaluations that Dagster recorded, by whether they passed."""
    counts: Counter[bool] = Counter()
    with open_instance(backline.settings) as instance:
        for run in instance.get_runs():
            for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
                if entry.dagster_event is not None:
                    counts[entry.dagster_event.asset_check_evaluation_data.passed] += 1
    return counts
