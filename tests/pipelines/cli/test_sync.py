"""`backline sync`, against a simulator that listens on the loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from pipelines.cli.sync_runs import SCOPE_TAG, Scope
from pipelines.instance import open_instance
from resources.providers import PROVIDERS
from resources.settings import REPOSITORY, Settings
from resources.tables import SyncResult, WebhookEvent
from sensors.runs import KILLED_TAG, PROCESS_TAG

pytestmark = pytest.mark.integration
FORBIDDEN = {"kind": "forbidden", "times": None}


@pytest.fixture
def accounts(installation, served) -> list[uuid.UUID]:
    """Three accounts of two orgs."""
    orgs = ("north", "north", "south")
    return [installation.connect(org, grant=served.grant(number)) for number, org in enumerate(orgs)]


def test_a_sync_is_one_document_for_machines(installation, served, accounts):
    summary = installation.json("sync", "spotify")
    assert (summary["ok"], summary["troubles"]) == (True, [])
    assert len(summary["runs"]) == 1
    assert {row["ok"] for row in summary["streams"]} == {3}
    assert len(summary["streams"]) == 12


def test_people_see_a_table_on_the_output_and_progress_beside_it(installation, served, accounts):
    result = installation.run("sync", "spotify", "profile")
    assert result.exit_code == 0
    assert "spotify/profile" in result.stdout
    assert "Spotify accounts" in result.stderr
    assert "Spotify accounts" not in result.stdout


def test_as_a_program_nothing_but_the_document_is_on_the_output(installation, served, accounts):
    done = installation.program("sync", "spotify", "profile", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('{"ok":true')
    assert done.stdout.count("\n") == 1
    assert "Warning" not in done.stderr


def test_the_run_stands_in_dagsters_history(installation, served, accounts):
    [run_id] = installation.json("sync", "spotify", "profile")["runs"]
    with open_instance(Settings()) as instance:
        run = instance.get_run_by_id(run_id)
        assert (run.job_name, run.status) == ("spotify_sync", dg.DagsterRunStatus.SUCCESS)
        assert instance.get_latest_materialization_event(dg.AssetKey(["spotify", "profile"])).run_id == run_id


def test_its_events_are_delivered_and_say_that_it_was_by_hand(installation, served, accounts):
    installation.json("sync", "spotify", "profile")
    received = served.received()
    assert len(received) == 2
    assert {event["body"]["metadata"]["source"] for event in received} == {"manual"}


def test_streams_orgs_and_accounts_may_be_chosen(installation, served, accounts):
    by_org = installation.json("sync", "spotify", "profile", "--org", "south")
    by_account = installation.json("sync", "spotify", "profile", "--account", accounts[0])
    assert [row["ok"] for row in by_org["streams"]] == [1]
    assert [row["ok"] for row in by_account["streams"]] == [1]


def test_an_empty_installation_says_what_to_do_and_is_well(installation, served):
    assert installation.json("sync", "spotify")["streams"] == []
    assert "`backline accounts import`" in installation.run("sync", "spotify").stdout


def test_an_account_that_failed_exits_1_and_is_named(installation, served, accounts):
    served.control("faults", match={"path_prefix": "/v1/me", "account": 1}, **FORBIDDEN)
    summary = installation.json("sync", "spotify", "profile", code=1)
    [trouble] = summary["troubles"]
    assert (summary["ok"], trouble["org"], trouble["status"]) == (False, "north", "failed")
    assert trouble["error_type"] == "permission"
    served.mend()
    again = installation.json("sync", "spotify", "profile", "--only-failed")
    assert [row["ok"] for row in again["streams"]] == [1]


def test_a_run_that_failed_as_a_whole_exits_1_and_says_why(installation, served, accounts):
    served.control("faults", match={"path_prefix": "/v1/me"}, **FORBIDDEN)
    result = installation.run("sync", "spotify", "profile")
    assert result.exit_code == 1
    assert "3 of 3 Spotify accounts failed" in result.stderr
    assert "What went wrong" in result.stdout
    assert "Traceback" not in result.output


def test_every_shard_is_a_run_of_its_own(installation, served, accounts, monkeypatch):
    monkeypatch.setenv("BACKLINE_SHARDS", "3")
    summary = installation.json("sync", "spotify", "profile")
    assert len(set(summary["runs"])) == 3
    assert sum(row["ok"] for row in summary["streams"]) == 3


def test_a_killed_run_is_taken_up_and_what_it_committed_is_not_repeated(installation, served, accounts):
    served.control(
        "faults", kind="slow", match={"path_prefix": "/v1/me", "account": 2}, seconds=60, times=None
    )
    command = [sys.executable, "-m", "pipelines.cli", "sync", "spotify", "profile", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        command, cwd=installation.folder, env=environment, stdout=subprocess.PIPE
    ) as program:
        until = time.monotonic() + 90
        while len(results := installation.rows(sa.select(SyncResult.account_id))) < 2:
            assert time.monotonic() < until
            assert program.poll() is None
            time.sleep(0.1)
        program.send_signal(signal.SIGKILL)
    served.mend()
    assert {row.account_id for row in results} == set(accounts[:2])
    before = served.requests()
    result = installation.run("sync", "spotify", "profile", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("Taking up run ")
    assert served.requests() - before == 1
    rows = installation.rows(sa.select(SyncResult.account_id, SyncResult.root_run_id))
    assert {row.account_id for row in rows} == set(accounts)
    assert len({row.root_run_id for row in rows}) == 1
    assert len(installation.rows(sa.select(WebhookEvent.id))) == 2
    with open_instance(Settings()) as instance:
        statuses = sorted(run.status.value for run in instance.get_runs())
    assert statuses == ["FAILURE", "SUCCESS"]


def killed_run(name="spotify_sync"):
    """Leave a run behind as a killed command does."""
    scope = Scope(PROVIDERS["spotify"], ("profile",), (), (), only_failed=False, full=False)
    tags = {SCOPE_TAG: f"{scope.tag}/000", KILLED_TAG: "true", PROCESS_TAG: "another-host/1/1"}
    with open_instance(Settings()) as instance:
        job = dg.JobDefinition(name=name, graph_def=dg.GraphDefinition("g"))
        run = instance.create_run_for_job(job, tags=tags)
        instance.report_run_failed(run)
        return run.run_id


def test_a_killed_run_of_another_scope_is_not_taken_up(installation, served, accounts):
    killed_run()
    result = installation.run("sync", "spotify", "profile", "--full", "--json")
    assert "Taking up" not in result.stderr


def test_a_killed_run_of_long_ago_is_not_taken_up(installation, served, accounts, monkeypatch):
    killed_run()
    monkeypatch.setattr("pipelines.cli.sync_runs.TAKEN_UP_WITHIN", timedelta(0))
    result = installation.run("sync", "spotify", "profile", "--json")
    assert "Taking up" not in result.stderr
