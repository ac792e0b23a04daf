"""Syncs that were asked for become one run a shard, once, whatever is killed in between."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster import DagsterRunStatus as Status

from assets.streams import SOURCE_TAG
from pipelines.jobs import sync_job
from resources import parking
from resources.accounts import disconnect
from resources.database import utc_now
from resources.errors import QuotaExhausted
from resources.providers import PROVIDERS
from resources.sync import requests
from resources.sync.requests import SyncWish
from resources.tables import ConnectedAccount, RequestedRun, RequestedSync
from sensors.requests import request_sensor
from sensors.runs import PARTITION_TAG, RETRIED_BY_TAG, RUN_KEY_TAG

pytestmark = pytest.mark.webhooks
SPOTIFY, YOUTUBE = PROVIDERS["spotify"], PROVIDERS["youtube"]
SENSOR = request_sensor({name: sync_job(provider) for name, provider in PROVIDERS.items()})
on_both = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)], indirect=True
)


def ask(dagster, provider=SPOTIFY, source="api", **wish):
    with dagster.backline.database.write() as connection:
        return requests.ask(connection, SyncWish(provider, **wish), source=source, actor="test")


def tick(dagster):
    """Evaluate the sensor and return the runs that it requests."""
    resources = {"backline": dagster.backline}
    with dg.build_sensor_context(instance=dagster.instance, resources=resources) as context:
        return [one for one in SENSOR(context) if isinstance(one, dg.RunRequest)]


def launch(dagster, request, status=Status.STARTED, **tags):
    """Do what the daemon does with a request."""
    return dagster.run(
        status, tags={RUN_KEY_TAG: request.run_key, PARTITION_TAG: request.partition_key, **tags}
    )


def state_of(simulated, request_id):
    (row,) = simulated.rows(sa.select(RequestedSync.__table__).where(RequestedSync.id == request_id))
    runs = simulated.rows(sa.select(RequestedRun.__table__).where(RequestedRun.request_id == request_id))
    return row["status"], [run["status"] for run in sorted(runs, key=lambda run: run["shard"])]


@on_both
def test_a_request_becomes_a_run_of_just_what_was_asked_for(dagster, simulated):
    account = simulated.connect("acme", 1)
    request_id = ask(dagster, orgs=("acme",), accounts=(account,), streams=("saved_tracks",), full=True)
    (request,) = tick(dagster)
    assert (request.job_name, request.partition_key) == ("spotify_sync", "000")
    assert request.run_key == f"sync/{request_id}/000"
    assert [key.path for key in request.asset_selection] == [["spotify", "saved_tracks"]]
    assert request.run_config["ops"]["spotify_streams"]["config"] == {
        "orgs": ["acme"],
        "accounts": [str(account)],
        "only_failed": False,
        "full": True,
    }
    assert request.tags[SOURCE_TAG] == "api"


@pytest.mark.parametrize("source", ["api", "manual"])
def test_events_of_the_run_say_who_asked(dagster, simulated, source):
    simulated.connect("acme", 1)
    ask(dagster, source=source)
    assert tick(dagster)[0].tags[SOURCE_TAG] == source


def test_days_go_into_the_run(dagster, simulated):
    simulated.connect("acme", 1, provider="youtube")
    ask(dagster, YOUTUBE, days=(date(2026, 11, 1), date(2026, 11, 2)))
    (request,) = tick(dagster)
    config = request.run_config["ops"]["youtube_streams"]["config"]
    assert (config["first_day"], config["last_day"]) == ("2026-11-01", "2026-11-02")
    assert ["youtube", "channel_daily"] in [key.path for key in request.asset_selection]


@on_both
def test_a_run_that_was_never_launched_is_asked_for_again_under_its_key(dagster, simulated):
    simulated.connect("acme", 1)
    request_id = ask(dagster)
    keys = {tick(dagster)[0].run_key for _ in range(3)}
    assert keys == {f"sync/{request_id}/000"}, "the daemon launches one run a key"
    assert state_of(simulated, request_id) == ("running", ["waiting"])


@on_both
@pytest.mark.parametrize(("status", "end"), [(Status.SUCCESS, "completed"), (Status.FAILURE, "failed")])
def test_a_run_that_is_there_is_not_asked_for_again_and_ends_its_request(dagster, simulated, status, end):
    simulated.connect("acme", 1)
    request_id = ask(dagster)
    launch(dagster, tick(dagster)[0], status)
    assert tick(dagster) == []
    assert state_of(simulated, request_id) == (end, [end])


def test_a_run_that_goes_on_is_waited_for(dagster, simulated):
    simulated.connect("acme", 1)
    request_id = ask(dagster)
    run = launch(dagster, tick(dagster)[0])
    assert tick(dagster) == []
    assert state_of(simulated, request_id) == ("running", ["started"])
    dagster.instance.report_run_canceled(run)
    tick(dagster)
    assert state_of(simulated, request_id) == ("failed", ["failed"])


def test_a_retry_decides_how_a_run_ended(dagster, simulated):
    simulated.connect("acme", 1)
    request_id = ask(dagster)
    retry = dagster.run(Status.SUCCESS)
    launch(dagster, tick(dagster)[0], Status.FAILURE, **{RETRIED_BY_TAG: retry.run_id})
    tick(dagster)
    assert state_of(simulated, request_id) == ("completed", ["completed"])
    (run,) = simulated.rows(sa.select(RequestedRun.__table__))
    assert run["run_id"] == retry.run_id


def test_a_run_that_waits_for_its_retry_has_not_ended(dagster, simulated):
    simulated.connect("acme", 1)
    request_id = ask(dagster)
    launch(dagster, tick(dagster)[0], Status.FAILURE, **{"dagster/will_retry": "true"})
    tick(dagster)
    assert state_of(simulated, request_id) == ("running", ["started"])


def test_a_run_that_was_deleted_counts_as_failed(dagster, simulated):
    simulated.connect("acme", 1)
    request_id = ask(dagster)
    run = launch(dagster, tick(dagster)[0])
    tick(dagster)
    dagster.instance.delete_run(run.run_id)
    tick(dagster)
    assert state_of(simulated, request_id) == ("failed", ["failed"])


def test_a_shard_takes_one_sync_at_a_time_the_oldest_first(dagster, simulated):
    simulated.connect("acme", 1)
    first, second = ask(dagster), ask(dagster, full=True)
    busy = dagster.run(Status.STARTED, tags={PARTITION_TAG: "000"})
    assert tick(dagster) == []
    dagster.instance.report_run_failed(busy)
    (request,) = tick(dagster)
    assert request.run_key == f"sync/{first}/000"
    launch(dagster, request, Status.SUCCESS)
    (request,) = tick(dagster)
    assert request.run_key == f"sync/{second}/000"


def test_a_parked_provider_is_left_alone_until_its_time(dagster, simulated):
    simulated.connect("acme", 1)
    simulated.connect("acme", 2, provider="youtube")
    request_id = ask(dagster)
    ask(dagster, YOUTUBE)
    until = utc_now() + timedelta(hours=1)
    parking.park(dagster.backline.database, SPOTIFY, QuotaExhausted("spotify", "spent", retry_at=until))
    assert [request.job_name for request in tick(dagster)] == ["youtube_sync"]
    assert state_of(simulated, request_id) == ("running", ["waiting"])


def test_an_org_is_one_run_and_all_orgs_are_one_a_shard(dagster, simulated):
    for number in range(24):
        simulated.connect(f"org-{number}", number)
    dagster.backline.settings.shards = 4
    hashes = [row["shard_hash"] for row in simulated.rows(sa.select(ConnectedAccount.shard_hash))]
    whole = ask(dagster)
    assert {request.partition_key for request in tick(dagster)} == {f"{one % 4:03d}" for one in hashes}
    for request in tick(dagster):
        launch(dagster, request, Status.SUCCESS)
    tick(dagster)
    assert state_of(simulated, whole)[0] == "completed"
    ask(dagster, orgs=("org-3",))
    assert len(tick(dagster)) == 1


def test_a_request_ends_with_the_last_of_its_runs(dagster, simulated):
    for number in range(24):
        simulated.connect(f"org-{number}", number)
    dagster.backline.settings.shards = 2
    request_id = ask(dagster)
    first, second = tick(dagster)
    launch(dagster, first, Status.FAILURE)
    tick(dagster)
    assert state_of(simulated, request_id) == ("running", ["failed", "waiting"])
    launch(dagster, second, Status.SUCCESS)
    tick(dagster)
    assert state_of(simulated, request_id) == ("failed", ["failed", "completed"])


def test_a_shard_that_is_no_longer_there_fails_its_run(dagster, simulated):
    for number in range(24):
        simulated.connect(f"org-{number}", number)
    dagster.backline.settings.shards = 2
    request_id = ask(dagster)
    tick(dagster)
    dagster.backline.settings.shards = 1
    assert [request.partition_key for request in tick(dagster)] == ["000"]
    assert state_of(simulated, request_id) == ("running", ["waiting", "failed"])


def test_a_request_without_accounts_fails_without_a_run(dagster, simulated):
    account = simulated.connect("acme", 1)
    request_id = ask(dagster, accounts=(account,))
    disconnect(dagster.backline, account, "test")
    assert tick(dagster) == []
    assert state_of(simulated, request_id) == ("failed", [])


def test_only_what_failed_is_synced_where_that_was_asked_for(dagster, simulated):
    simulated.connect("acme", 1)
    ended = ask(dagster, only_failed=True)
    tick(dagster)
    assert state_of(simulated, ended) == ("failed", [])
    with dagster.backline.database.write() as connection:
        connection.execute(sa.update(ConnectedAccount).values(sync_status="partial"))
    ask(dagster, only_failed=True)
    (request,) = tick(dagster)
    assert request.run_config["ops"]["spotify_streams"]["config"]["only_failed"] is True
