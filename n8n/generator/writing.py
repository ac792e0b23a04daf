"""Every workflow, and the text of its file."""

from __future__ import annotations

import json
from pathlib import Path

from n8n.generator.asking import asking
from n8n.generator.receiving import Endpoint, receiving
from n8n.generator.work import alerting, counting, following_up, tallying
from n8n.generator.yours import yours

FOLDER = Path(__file__).resolve().parent.parent / "workflows"

ENDPOINTS = (
    Endpoint(
        "provider-event",
        "backlineProvider",
        "provider.connected",
        "Backline: account connected",
        "${p.displayName} ${p.reconnected ? 'reconnected' : 'connected'}, ${p.scopes.length} scopes",
        following_up,
    ),
    Endpoint(
        "data-sync",
        "backlineDataSync",
        "data.synced",
        "Backline: data synced",
        "${p.accounts.synced} accounts synced, ${p.accounts.failed} failed, ${p.accounts.skipped} skipped, "
        "${Object.values(p.streams).reduce((sum, stream) => sum + stream.records, 0)} records",
        counting,
    ),
    Endpoint(
        "scraper-results",
        "backlineScrapers",
        "scraper.completed",
        "Backline: scrape completed",
        "${p.pages.read} pages read, ${p.pages.failed} failed",
        tallying,
    ),
    Endpoint(
        "error-alerts",
        "backlineErrors01",
        "error.occurred",
        "Backline: error occurred",
        "${p.error}: ${p.message} ${p.cure}",
        alerting,
    ),
)


def files() -> dict[str, str]:
    """Return the text of each workflow file by its name."""
    workflows = {endpoint.path: receiving(endpoint) for endpoint in ENDPOINTS}
    workflows |= {"ask-backline": asking(), "your-own-steps": yours()}
    return {
        f"{name}.json": json.dumps(workflow, indent=2, ensure_ascii=False) + "\n"
        for name, workflow in workflows.items()
    }
