"""The sensor that tells of runs which ended badly, and closes those of dead commands."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster import DagsterRunStatus as Status

from assets.runs import TAKES_UP_TAG
from resources.accounts import disconnect
from resources.database import utc_now
from resources.delivery.dispatcher import Dispatcher
from resources.events import Event, event_id, write_events
from resources.schemas import kind_of, validator_of
from resources.tables import ConnectedAccount, Grant, Org, WebhookEvent
from sensors.runs import KILLED_TAG, PROCESS_TAG, close_dead_runs, process_name, run_failures

on_both = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)], indirect=True
)


@pytest.fixture
def told(simulated):
    """Return a function that returns the slugs of the orgs that were told of a failure, sorted."""

    def read() -> list[str]:
        query = sa.select(Org.slug).join(WebhookEvent, WebhookEvent.org_id == Org.id)
        rows = simulated.rows(query.where(WebhookEvent.event_type == "error.occurred").order_by(Org.slug))
        return [row["slug"] for row in rows]

    return read


def connect_long_ago(simulated, org, account):
    """Connect an account that was there before any run of the test."""
    account_id = simulated.connect(org, account)
    past = utc_now() - timedelta(days=2)
    with simulated.database.write() as connection:
        connection.execute(
            sa.update(ConnectedAccount).where(ConnectedAccount.id == account_id).values(created_at=past)
        )
        connection.execute(sa.update(Grant).where(Grant.account_id == account_id).values(authorized_at=past))
    return account_id


@pytest.fixture
def orgs(simulated):
    """Two orgs, of which one has two accounts."""
    return [connect_long_ago(simulated, org, n) for n, org in enumerate(("north", "north", "south"))]


@on_both
@pytest.mark.parametrize("status", [Status.FAILURE, Status.CANCELED])
def test_a_badly_ended_run_is_told_once_to_each_org_however_often_the_sensor_looks(
    dagster, orgs, told, status
):
    dagster.run(status)
    assert dagster.tick(run_failures) == "Closed 0 dead runs, wrote 2 events."
    for _ in range(2):
        assert dagster.tick(run_failures) == "Closed 0 dead runs, wrote 0 events."
    assert told() == ["north", "south"]


@pytest.mark.parametrize(
    "status", [Status.SUCCESS, Status.STARTED, Status.STARTING, Status.NOT_STARTED, Status.CANCELING]
)
def test_a_run_that_goes_on_or_went_well_is_not_told(dagster, orgs, told, status):
    dagster.run(status)
    dagster.tick(run_failures)
    assert told() == []


def test_what_is_told_names_the_run_and_fits_the_schema(dagster, simulated, orgs):
    run = dagster.run()
    dagster.tick(run_failures)
    simulated.run(Dispatcher(simulated.backline, simulated.wire).deliver_due(5))
    received = simulated.ask("GET", "/receiver/events")["events"]
    assert len(received) == 2
    for event in received:
        validator_of("error.occurred").validate(event["body"])
        assert event["body"]["payload"]["runId"] == run.run_id
        assert event["body"]["payload"]["error"] == "run_failed"


@on_both
def test_an_org_that_was_told_by_the_run_is_not_told_again(dagster, simulated, orgs, told):
    run = dagster.run()
    _write_synced(simulated, run.run_id)
    dagster.tick(run_failures)
    assert told() == ["south"]


def _write_synced(simulated, run_id):
    [row] = simulated.rows(sa.select(Org.id).where(Org.slug == "north"))
    event = Event(
        id=event_id(run_id, row["id"], "spotify", "data.synced"),
        type="data.synced",
        provider="spotify",
        org_id=row["id"],
        payload=kind_of("data.synced").example["payload"],
        created_at=utc_now(),
        run_id=run_id,
    )
    with simulated.database.write() as connection:
        write_events(connection, [event])


def test_a_failed_re_execution_of_a_told_run_is_not_told_again(dagster, simulated, orgs, told):
    first = dagster.run()
    _write_synced(simulated, first.run_id)
    dagster.run(root_run_id=first.run_id, parent_run_id=first.run_id)
    dagster.run(tags={TAKES_UP_TAG: first.run_id})
    dagster.tick(run_failures)
    assert told() == ["south"]


def test_a_run_that_will_be_retried_is_left_to_its_retry(dagster, orgs, told):
    dagster.run(tags={"dagster/will_retry": "true"})
    dagster.tick(run_failures)
    assert told() == []


def test_a_run_whose_retry_is_under_way_is_left_to_its_retry(dagster, orgs, told):
    dagster.run(tags={"dagster/will_retry": "true", "dagster/auto_retry_run_id": "another"})
    dagster.tick(run_failures)
    assert told() == []


def test_a_failed_retry_tells_for_the_run_it_retried(dagster, simulated, orgs, told):
    first = dagster.run(tags={"dagster/will_retry": "true", "dagster/auto_retry_run_id": "another"})
    dagster.run(root_run_id=first.run_id, parent_run_id=first.run_id)
    dagster.tick(run_failures)
    assert told() == ["north", "south"]
    assert {row["run_id"] for row in simulated.rows("SELECT run_id FROM webhook_events")} == {first.run_id}


def test_only_the_orgs_that_the_run_was_for_are_told(dagster, orgs, told):
    dagster.run(config={"orgs": ["south"]})
    dagster.tick(run_failures)
    assert told() == ["south"]


@on_both
def test_only_the_orgs_of_the_accounts_that_the_run_was_for_are_told(dagster, orgs, told):
    dagster.run(config={"accounts": [str(orgs[0])]})
    dagster.tick(run_failures)
    assert told() == ["north"]


def test_a_run_for_failed_accounts_tells_nobody_whose_accounts_are_well(dagster, simulated, orgs, told):
    with simulated.database.write() as connection:
        failed = sa.update(ConnectedAccount).where(ConnectedAccount.id == orgs[2])
        connection.execute(failed.values(sync_status="failed"))
    dagster.run(config={"only_failed": True})
    dagster.tick(run_failures)
    assert told() == ["south"]


@on_both
def test_only_the_orgs_of_the_runs_shard_are_told(dagster, simulated, told):
    slugs = [f"org-{number}" for number in range(6)]
    for number, slug in enumerate(slugs):
        connect_long_ago(simulated, slug, number)
    object.__setattr__(dagster.backline.settings, "shards", 2)
    rows = simulated.rows(
        sa.select(Org.slug, ConnectedAccount.shard_hash).join(
            ConnectedAccount, ConnectedAccount.org_id == Org.id
        )
    )
    dagster.run(tags={"dagster/partition": "001"})
    dagster.tick(run_failures)
    assert told() == sorted(row["slug"] for row in rows if row["shard_hash"] % 2 == 1)


def test_a_malformed_account_in_a_runs_config_does_not_stop_the_sensor(dagster, orgs, told):
    dagster.run(config={"accounts": ["nonsense"]})
    dagster.run(config={"orgs": ["south"]})
    dagster.tick(run_failures)
    assert told() == ["south"]


@on_both
def test_an_org_that_connected_after_the_run_ended_is_not_told(dagster, simulated, orgs, told):
    dagster.run()
    simulated.connect("late", 5)
    dagster.tick(run_failures)
    assert told() == ["north", "south"]


def test_a_disconnected_account_is_nobodys_failure(dagster, simulated, orgs, told):
    disconnect(simulated.backline, orgs[2], "test")
    dagster.run()
    dagster.tick(run_failures)
    assert told() == ["north"]


def test_a_run_of_another_job_is_nobodys_failure(dagster, orgs, told):
    job = dg.JobDefinition(name="retention_job", graph_def=dg.GraphDefinition("g"))
    dagster.instance.report_run_failed(dagster.instance.create_run_for_job(job))
    dagster.tick(run_failures)
    assert told() == []


def dead_process():
    """Return the name of a process that has ended."""
    code = "from sensors.runs import process_name; print(process_name())"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("status", [Status.STARTED, Status.STARTING, Status.NOT_STARTED, Status.CANCELING])
def test_a_run_of_a_dead_command_is_closed_and_told(dagster, orgs, told, status):
    name = f"{socket.gethostname()}/999999999/1"
    run = dagster.run(status, tags={PROCESS_TAG: name})
    assert dagster.tick(run_failures).startswith("Closed 1 dead runs")
    closed = dagster.instance.get_run_by_id(run.run_id)
    assert (closed.status, closed.tags[KILLED_TAG]) == (Status.FAILURE, "true")
    assert closed.tags["dagster/max_retries"] == "0", (
        "waiting for a retry that never comes, it would not be told"
    )
    assert told() == ["north", "south"]


def test_a_process_that_ended_is_known_to_be_gone(dagster):
    run = dagster.run(Status.STARTED, tags={PROCESS_TAG: dead_process()})
    assert [dead.run_id for dead in close_dead_runs(dagster.instance)] == [run.run_id]


def test_a_number_that_another_process_took_over_is_not_taken_for_the_first(dagster):
    host, pid, started = process_name().split("/")
    run = dagster.run(Status.STARTED, tags={PROCESS_TAG: f"{host}/{pid}/{int(started) - 1}"})
    assert [dead.run_id for dead in close_dead_runs(dagster.instance)] == [run.run_id]


@pytest.mark.parametrize(
    "tags",
    [
        {PROCESS_TAG: process_name()},
        {PROCESS_TAG: "another-host/999999999/1"},
        {PROCESS_TAG: "nonsense"},
        {PROCESS_TAG: f"{socket.gethostname()}/nonsense/"},
        {},
    ],
    ids=["living", "another host", "not a name", "not a number", "untagged"],
)
def test_a_run_that_may_be_alive_is_left_alone(dagster, tags):
    run = dagster.run(Status.STARTED, tags=tags)
    assert close_dead_runs(dagster.instance) == []
    assert dagster.instance.get_run_by_id(run.run_id).status is Status.STARTED


def test_a_finished_run_of_a_dead_command_stays_as_it_ended(dagster):
    run = dagster.run(Status.SUCCESS, tags={PROCESS_TAG: f"{socket.gethostname()}/999999999/1"})
    assert close_dead_runs(dagster.instance) == []
    assert dagster.instance.get_run_by_id(run.run_id).status is Status.SUCCESS


def test_a_process_is_named_by_host_number_and_start():
    host, pid, started = process_name().split("/")
    assert (host, int(pid)) == (socket.gethostname(), os.getpid())
    assert started
