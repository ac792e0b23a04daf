"""How a Dagster run is known to our own tables."""

from __future__ import annotations

import pytest
from dagster import DagsterRun

from assets.runs import TAKES_UP_TAG, root_run_id


@pytest.mark.parametrize(
    ("run", "root"),
    [
        (DagsterRun(job_name="spotify_sync", run_id="first"), "first"),
        (
            DagsterRun(job_name="spotify_sync", run_id="second", root_run_id="first", parent_run_id="first"),
            "first",
        ),
        (DagsterRun(job_name="spotify_sync", run_id="second", tags={TAKES_UP_TAG: "first"}), "first"),
    ],
    ids=["alone", "re-executed", "taken up by the command line"],
)
def test_a_run_is_known_by_the_first_of_its_chain(run, root):
    assert root_run_id(run) == root
