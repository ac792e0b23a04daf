"""How a Dagster run is known to our own tables."""

from __future__ import annotations

import dagster as dg

TAKES_UP_TAG = "backline/takes_up"


def root_run_id(run: dg.DagsterRun) -> str:
    """Return the id of the first run of a chain: the one re-executed, or taken up by the command line."""
    return run.tags.get(TAKES_UP_TAG) or run.root_run_id or run.run_id
