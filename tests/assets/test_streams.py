"""A provider's assets, materialized through Dagster."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import dagster as dg
import pytest
import sqlalchemy as sa

from assets.checks import DESCRIPTIONS
from assets.runs import TAKES_UP_TAG
from assets.streams import SOURCE_TAG, failure_of, provider_assets, stream_key
from resources.errors import BudgetSpent, RateLimited
from resources.providers import PROVIDERS
from resources.sync.report import StreamReport, SyncReport, Trouble
from resources.tables import SyncResult

SPOTIFY = PROVIDERS["spotify"]
STREAMS = [stream.name for stream in SPOTIFY.streams]


def test_every_stream_is_materialized_with_its_numbers(dagster, simulated, metadata_of):
    for account in range(3):
        simulated.connect("north", account)
    result = dagster.materialize()
    assert result.success
    for stream in STREAMS:
        numbers = metadata_of(result, stream)
        table = f"SELECT count(*) AS rows FROM spotify_{stream}"
        assert simulated.rows(table) == [{"rows": numbers["records"]}], stream
        assert (numbers["accounts_ok"], numbers["accounts_failed"]) == (3, 0)
        assert numbers["api_success_rate"] == 1


def test_a_plotted_number_stays_a_number(dagster, simulated, metadata_of):
    simulated.connect("north", 0)
    numbers = metadata_of(dagster.materialize("saved_tracks"), "saved_tracks")
    table = numbers.pop("failed accounts")
    assert {name for name, value in numbers.items() if not isinstance(value, int | float)} == set()
    assert set(numbers) == {
        "records", "accounts_ok", "accounts_partial", "accounts_failed", "api_success_rate", "requests",
        "response_p50_ms", "response_p95_ms", "deleted", "rejected", "unchanged_parents", "incomplete_passes",
        "accounts_deferred",
    }  # fmt: skip
    assert table.records == []
    assert numbers["requests"] == len(simulated.requests("/me/tracks"))


def test_a_subset_reads_only_what_was_chosen(dagster, simulated, stored_checks):
    simulated.connect("north", 0)
    result = dagster.materialize("profile", "top_tracks")
    keys = {event.asset_key.path[-1] for event in result.asset_materializations_for_node("spotify_streams")}
    assert keys == {"profile", "top_tracks"}
    assert {path.partition("?")[0] for path in simulated.requests("/me")} == {
        "/spotify/v1/me",
        "/spotify/v1/me/top/tracks",
    }
    assert {stream for stream, _ in stored_checks(result)} == keys


def test_every_check_of_a_good_run_passes(dagster, simulated, stored_checks):
    simulated.connect("north", 0)
    verdicts = stored_checks(dagster.materialize())
    assert verdicts == {(stream, check): True for stream in STREAMS for check in DESCRIPTIONS}


def test_choosing_one_check_evaluates_it_and_materializes_nothing(dagster, simulated, stored_checks):
    simulated.connect("north", 0)
    check = dg.AssetCheckKey(stream_key(SPOTIFY, "profile"), "api_success_rate")
    result = dagster.materialize(selection=dg.AssetSelection.checks(check), partition_key=None)
    assert result.success
    assert stored_checks(result) == {("profile", "api_success_rate"): True}
    assert result.asset_materializations_for_node("spotify_streams") == []


def test_choosing_an_asset_without_its_checks_evaluates_none(dagster, simulated, stored_checks):
    simulated.connect("north", 0)
    selection = dg.AssetSelection.assets(stream_key(SPOTIFY, "profile")).without_checks()
    result = dagster.materialize(selection=selection)
    assert result.success
    assert stored_checks(result) == {}


def test_an_empty_installation_materializes_nothing_but_zeros(dagster, metadata_of, stored_checks):
    result = dagster.materialize()
    assert result.success
    for stream in STREAMS:
        numbers = metadata_of(result, stream)
        assert (numbers["records"], numbers["requests"], numbers["accounts_ok"]) == (0, 0, 0)
    assert set(stored_checks(result).values()) == {True}


def test_a_partial_failure_keeps_the_run_green_and_names_the_account(
    dagster, simulated, metadata_of, stored_checks
):
    good, bad = simulated.connect("north", 0), simulated.connect("south", 1)
    simulated.fault("forbidden", "/v1/me", account=1, times=None)
    result = dagster.materialize()
    assert result.success
    [row] = metadata_of(result, "profile")["failed accounts"].records
    assert row.data["org"] == "south"
    assert (row.data["error"], row.data["account_id"]) == ("permission", str(bad))
    assert good != bad
    assert stored_checks(result)[("profile", "api_success_rate")] is False


def test_results_are_stored_before_the_run_fails(dagster, simulated, stored_checks):
    for account in range(2):
        simulated.connect("north", account)
    simulated.fault("forbidden", "/v1/me", times=None)
    result = dagster.materialize("profile")
    assert not result.success
    run = dagster.instance.get_run_by_id(result.run_id)
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert stored_checks(result)[("profile", "api_success_rate")] is False
    assert len(result.asset_materializations_for_node("spotify_streams")) == 1


def test_a_failed_run_names_the_first_account_and_the_cure(dagster, simulated):
    simulated.connect("north", 0)
    simulated.fault("forbidden", "/v1/me", times=None)
    result = dagster.materialize("profile")
    [failure] = [event for event in result.all_events if event.is_step_failure]
    text = failure.step_failure_data.user_failure_data.description
    assert text.startswith("1 of 1 Spotify accounts failed; the first, ")
    assert "of north" in text
    assert "developer console" in text


@pytest.mark.parametrize(("failing", "succeeds"), [(1, True), (2, False)])
def test_a_run_fails_above_half_of_its_accounts_and_not_at_it(dagster, simulated, failing, succeeds):
    for account in range(2 if succeeds else 3):
        simulated.connect("north", account)
    for account in range(failing):
        simulated.fault("forbidden", "/v1/me", account=account, times=None)
    assert dagster.materialize("profile").success is succeeds


def test_a_run_that_takes_up_a_failed_one_does_not_repeat_what_was_committed(dagster, simulated):
    accounts = [simulated.connect("north", account) for account in range(3)]
    for account in (0, 1):
        simulated.fault("forbidden", "/v1/me", account=account, times=None)
    first = dagster.materialize("profile")
    assert not first.success
    simulated.mend()
    simulated.requests()
    second = dagster.materialize("profile", tags={TAKES_UP_TAG: first.run_id})
    assert second.success
    assert len(simulated.requests("/v1/me")) == 2
    wanted = sa.select(SyncResult.account_id, SyncResult.root_run_id).where(
        SyncResult.run_id == second.run_id
    )
    results = simulated.rows(wanted)
    assert {row["account_id"] for row in results} == set(accounts[:2])
    assert {row["root_run_id"] for row in results} == {first.run_id}


def test_a_retry_of_a_completed_run_writes_no_second_event(dagster, simulated):
    simulated.connect("north", 0)
    first = dagster.materialize("profile")
    dagster.materialize("profile", tags={TAKES_UP_TAG: first.run_id})
    assert simulated.rows("SELECT event_type FROM webhook_events") == [{"event_type": "data.synced"}]


def test_an_event_is_delivered_by_the_run_that_wrote_it(dagster, simulated):
    simulated.connect("north", 0)
    result = dagster.materialize("profile")
    assert simulated.rows("SELECT status, run_id FROM webhook_events") == [
        {"status": "delivered", "run_id": result.run_id}
    ]
    [received] = simulated.ask("GET", "/receiver/events")["events"]
    assert received["body"]["metadata"]["source"] == "api"


def test_a_receiver_that_fails_does_not_fail_the_run(dagster, simulated):
    simulated.connect("north", 0)
    simulated.fault("server_error", "/receiver/", times=None)
    assert dagster.materialize("profile").success
    assert simulated.rows("SELECT status, attempts FROM webhook_events") == [
        {"status": "pending", "attempts": 1}
    ]


def test_a_run_started_by_hand_says_so_in_its_event(dagster, simulated):
    simulated.connect("north", 0)
    dagster.materialize("profile", tags={SOURCE_TAG: "manual"})
    [received] = simulated.ask("GET", "/receiver/events")["events"]
    assert received["body"]["metadata"]["source"] == "manual"


def test_config_chooses_orgs_and_accounts(dagster, simulated, metadata_of):
    chosen, _, third = (simulated.connect(org, n) for n, org in enumerate(("north", "north", "south")))
    by_org = dagster.materialize("profile", orgs=["south"])
    by_account = dagster.materialize("profile", accounts=[str(chosen), str(third)])
    assert metadata_of(by_org, "profile")["accounts_ok"] == 1
    assert metadata_of(by_account, "profile")["accounts_ok"] == 2


def test_only_failed_reads_what_failed_before(dagster, simulated, metadata_of):
    for account in range(3):
        simulated.connect("north", account)
    simulated.fault("forbidden", "/v1/me", account=1, times=None)
    dagster.materialize("profile")
    simulated.mend()
    again = dagster.materialize("profile", only_failed=True)
    assert metadata_of(again, "profile")["accounts_ok"] == 1


def test_a_malformed_account_in_the_config_is_named_with_the_cure(dagster):
    result = dagster.materialize("profile", accounts=["nonsense"])
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "accounts: 'nonsense' is not a UUID; see `backline accounts list`" in str(
        failure.step_failure_data.error
    )


def test_an_org_is_read_in_its_own_shard_only(simulated):
    account = simulated.connect("north", 0)
    assets = provider_assets(SPOTIFY, 4)
    simulated.backline.transport = simulated.wire
    counts = {}
    with dg.DagsterInstance.ephemeral() as instance:
        for shard in assets.partitions_def.get_partition_keys():
            result = dg.materialize(
                [assets],
                instance=instance,
                resources={"backline": simulated.backline},
                partition_key=shard,
                selection=[stream_key(SPOTIFY, "profile")],
            )
            [event] = result.asset_materializations_for_node("spotify_streams")
            counts[int(shard)] = event.metadata["accounts_ok"].value
    [row] = simulated.rows("SELECT shard_hash FROM connected_accounts")
    assert counts == {shard: int(shard == row["shard_hash"] % 4) for shard in range(4)}
    assert account


LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def reported():
    """Return a function that makes a report of failed, good and deferred accounts."""

    def make(failed=0, ok=0, deferred=0, stopped=None):
        trouble = Trouble("north", "Ada", "1", "transient", "the servers are down")
        profile = StreamReport(troubles=[trouble] * failed)
        return SyncReport({"profile": profile}, Counter(failed=failed, ok=ok), 0, deferred, stopped)

    return make


def test_a_run_whose_budget_ended_does_not_fail_for_that(reported):
    spent = BudgetSpent("spotify", "spent", retry_at=LATER)
    assert failure_of(reported(ok=1, deferred=9, stopped=spent), SPOTIFY, 0.5) is None


def test_a_run_that_failed_and_whose_budget_ended_names_what_failed(reported):
    spent = BudgetSpent("spotify", "spent", retry_at=LATER)
    reason = failure_of(reported(failed=3, deferred=9, stopped=spent), SPOTIFY, 0.5)
    assert reason == "3 of 3 Spotify accounts failed; the first, Ada of north: the servers are down"


def test_a_run_that_the_provider_stopped_names_who_waits(reported):
    slow = RateLimited("spotify", "slow down", retry_at=LATER)
    reason = failure_of(reported(ok=1, deferred=9, stopped=slow), SPOTIFY, 0.5)
    assert reason is not None
    assert reason.startswith("9 of 10 Spotify accounts wait; spotify: slow down until 2027-01-01")
