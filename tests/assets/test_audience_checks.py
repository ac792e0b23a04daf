"""The checks over all providers, evaluated through Dagster."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster import DagsterEventType

from assets.audience_checks import DESCRIPTIONS, audience_checks, judge_silence, judge_volume
from assets.streams import provider_assets
from resources.audience.drops import Drop, Volume
from resources.audience.silence import Silence
from resources.database import utc_now
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount

NOW = utc_now()
CHECKS = audience_checks(list(PROVIDERS.values()), dg.AutomationCondition.cron_tick_passed("0 * * * *"))


@pytest.fixture
def evaluate(dagster, simulated):
    """Return a function that evaluates the checks, and returns their verdicts by name."""

    def go(selection=None):
        result = dg.materialize(
            [CHECKS],
            instance=dagster.instance,
            resources={"backline": simulated.backline},
            selection=selection or dg.AssetSelection.all_asset_checks(),
        )
        logs = dagster.instance.all_logs(result.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
        found = [one.dagster_event.asset_check_evaluation_data for one in logs]
        return {one.check_name: one for one in found}

    return go


def test_an_empty_installation_passes(evaluate):
    assert {name: one.passed for name, one in evaluate().items()} == dict.fromkeys(DESCRIPTIONS, True)


def test_one_check_can_be_evaluated_alone(evaluate):
    key = dg.AssetCheckKey(dg.AssetKey(["audience", "daily"]), "volume")
    assert set(evaluate(dg.AssetSelection.checks(key))) == {"volume"}


def test_a_list_that_a_provider_cuts_short_without_an_error_is_found(dagster, simulated, evaluate):
    ids = [simulated.connect("north", account) for account in range(3)]
    for _ in range(3):
        assert dagster.materialize("saved_tracks").success
    assert evaluate()["volume"].passed

    def cut(reply):
        reply.update(items=reply["items"][: len(reply["items"]) // 10], next=None)
        reply["total"] = len(reply["items"])

    simulated.spoil("/me/tracks", cut)
    assert dagster.materialize("saved_tracks").success
    found = evaluate()["volume"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    records = [record.data for record in found.metadata["drops"].value.records]
    assert {record["account_id"] for record in records} <= {str(one) for one in ids}
    assert {(record["org"], record["stream"]) for record in records} == {("north", "saved_tracks")}
    assert all(record["records"] < record["usual"] / 2 for record in records)
    assert found.metadata["dropped"].value == len(records) > 1


def test_instagram_showing_a_tenth_of_what_there_is_is_found(dagster, simulated, evaluate):
    for account in range(3):
        simulated.connect("north", account, provider="instagram")
    assets = provider_assets(PROVIDERS["instagram"], 1)

    def sync():
        return dg.materialize(
            [assets],
            instance=dagster.instance,
            resources={"backline": simulated.backline},
            partition_key="000",
            selection=[dg.AssetKey(["instagram", "media"])],
            run_config={"ops": {"instagram_streams": {"config": {"full": True}}}},  # as once a day
        )

    for _ in range(3):
        assert sync().success
    assert evaluate()["volume"].passed
    simulated.control("instagram/mode", drop_to_percent=10)
    assert sync().success
    found = evaluate()["volume"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert {one.data["stream"] for one in found.metadata["drops"].value.records} == {"media"}


def test_a_provider_that_fell_silent_is_an_error(simulated, evaluate, dagster):
    simulated.connect("north", 0)
    assert dagster.materialize("profile").success
    assert evaluate()["provider_silence"].passed
    with simulated.database.write() as connection:
        earlier = {"last_sync_at": NOW - timedelta(days=2), "created_at": NOW - timedelta(days=9)}
        connection.execute(sa.update(ConnectedAccount).values(**earlier))
    found = evaluate()["provider_silence"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    [record] = found.metadata["providers"].value.records
    assert (record.data["provider"], record.data["accounts"], record.data["silent"]) == ("spotify", 1, 1)
    assert record.data["oldest"].startswith(f"{NOW - timedelta(days=2):%Y-%m-%d %H:%M}")


def test_a_share_of_silent_accounts_is_a_warning():
    found = judge_silence([Silence("spotify", 10, 2, NOW), Silence("youtube", 10, 0, NOW)])
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_one_account_with_a_short_list_is_a_warning():
    volume = Volume()
    volume.judged["spotify"] = 3
    volume.note([Drop("north", "Somebody", "spotify", "saved_tracks", 1, 100, "id")])
    found = judge_volume(volume)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_every_check_says_what_to_do_when_red():
    assert all("If red: " in text for text in DESCRIPTIONS.values())
