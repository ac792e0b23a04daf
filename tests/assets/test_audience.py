"""The audience's assets, materialized through Dagster over streams that were synced from the simulator."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster import DagsterEventType

from assets.audience import DAILY, GROWTH, ORG_DAILY, audience_assets
from assets.streams import provider_assets
from resources.providers import PROVIDERS

ASSETS = audience_assets(list(PROVIDERS.values()), 1)
OPS = {DAILY: "audience__daily", ORG_DAILY: "audience__org_daily", GROWTH: "audience__growth"}


@pytest.fixture
def sync(dagster, simulated):
    """Return a function that syncs streams of a provider."""

    def go(provider, *streams):
        assets = provider_assets(PROVIDERS[provider], 1)
        keys = [dg.AssetKey([provider, stream]) for stream in streams]
        result = dg.materialize(
            [assets],
            instance=dagster.instance,
            resources={"backline": simulated.backline},
            partition_key="000",
            selection=keys,
        )
        assert result.success

    return go


@pytest.fixture
def refresh(dagster, simulated):
    """Return a function that materializes the audience; ``config`` is that of each of its assets."""

    def go(**config):
        return dg.materialize(
            ASSETS,
            instance=dagster.instance,
            resources={"backline": simulated.backline},
            partition_key="000",
            run_config={"ops": {op: {"config": config} for op in OPS.values()}},
            raise_on_error=False,
        )

    return go


def told(result, key):
    [found] = [one for one in result.asset_materializations_for_node(OPS[key]) if one.asset_key == key]
    return {name: value.value for name, value in found.metadata.items()}


def verdicts(dagster, result):
    logs = dagster.instance.all_logs(result.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [one.dagster_event.asset_check_evaluation_data for one in logs]
    return {one.check_name: one for one in found}


def test_accounts_of_two_providers_become_one_audience(simulated, sync, refresh):
    person = simulated.connect("north", 0)
    channel = simulated.connect("north", 1, provider="youtube")
    sync("spotify", "profile", "saved_tracks")
    sync("youtube", "channels")
    result = refresh()
    assert result.success
    rows = simulated.rows("SELECT account_id, provider, metric, value FROM audience_daily")
    followers = {
        (row["account_id"], row["provider"]): row["value"] for row in rows if row["metric"] == "followers"
    }
    [profile] = simulated.rows("SELECT followers FROM spotify_profile")
    [own] = simulated.rows("SELECT subscriber_count FROM youtube_channels")
    assert followers == {
        (person.hex, "spotify"): profile["followers"],
        (channel.hex, "youtube"): own["subscriber_count"],
    }
    shares = simulated.rows("SELECT share FROM org_audience_growth WHERE metric = 'followers'")
    assert sum(row["share"] for row in shares) == pytest.approx(1)


def test_materializations_tell_their_numbers(simulated, sync, refresh):
    simulated.connect("north", 0)
    simulated.connect("south", 1)
    sync("spotify", "profile", "saved_tracks")
    result = refresh()
    daily, by_org, growth = (told(result, key) for key in (DAILY, ORG_DAILY, GROWTH))
    assert daily == {"rows": 4, "rows_spotify": 4, "rows_instagram": 0, "rows_youtube": 0}
    for numbers in (by_org, growth):
        assert (numbers["rows"], numbers["orgs"]) == (4, 2)
        assert [record.data["metric"] for record in numbers["preview"].records].count("followers") == 2


def test_refreshing_again_writes_nothing(simulated, sync, refresh):
    simulated.connect("north", 0)
    sync("spotify", "profile", "saved_tracks")
    refresh()
    tables = ("audience_daily", "org_audience_daily", "org_audience_growth")
    before = [simulated.rows(f"SELECT * FROM {table}") for table in tables]
    assert told(refresh(), DAILY)["rows"] == 0
    assert told(refresh(full=True), DAILY)["rows"] == 0
    assert [simulated.rows(f"SELECT * FROM {table}") for table in tables] == before
    assert all(before)


def test_a_later_sync_changes_the_numbers_of_its_day(simulated, sync, refresh):
    simulated.connect("north", 0)
    sync("spotify", "saved_tracks")
    refresh()
    simulated.spoil("/me/tracks", lambda reply: reply.update(items=reply["items"][:7], total=7, next=None))
    sync("spotify", "saved_tracks")
    refresh()
    assert simulated.rows("SELECT value FROM audience_daily") == [{"value": 7}]
    assert simulated.rows("SELECT value FROM org_audience_daily") == [{"value": 7}]
    assert simulated.rows("SELECT value FROM org_audience_growth") == [{"value": 7}]


def test_one_providers_fault_is_a_red_check_and_holds_up_no_other(dagster, simulated, sync, refresh):
    simulated.connect("north", 0)
    simulated.connect("north", 1, provider="youtube")
    sync("spotify", "profile")
    with simulated.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE youtube_channels")
    result = refresh()
    assert result.success
    found = verdicts(dagster, result)["providers_read"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    [record] = found.metadata["failed providers"].value.records
    assert record.data == {"provider": "youtube", "error": "OperationalError"}
    assert simulated.rows("SELECT metric FROM org_audience_growth") == [{"metric": "followers"}]


def test_a_refresh_that_reached_no_provider_fails_after_its_result(dagster, simulated, refresh):
    with simulated.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE audience_positions")
    result = refresh()
    assert not result.success
    assert verdicts(dagster, result)["providers_read"].passed is False


def test_a_good_refresh_passes_its_check(dagster, refresh):
    assert verdicts(dagster, refresh())["providers_read"].passed


def test_the_assets_wait_for_the_streams_that_the_metrics_name():
    [daily, by_org, growth] = ASSETS
    named = {dg.AssetKey([one.name, metric.stream]) for one in PROVIDERS.values() for metric in one.audience}
    assert set(daily.asset_deps[DAILY]) == named
    assert set(by_org.asset_deps[ORG_DAILY]) == {DAILY}
    assert set(growth.asset_deps[GROWTH]) == {ORG_DAILY}
