"""What a fault of a provider looks like to a person: in the console, and on the asset's page in Dagster."""

from __future__ import annotations

import html
import uuid

import dagster as dg
import pytest

from assets.streams import provider_assets, stream_key
from console.app import create_app
from resources import errors
from resources.database import utc_now
from resources.providers import PROVIDERS
from simulator.addresses import provider_settings

HOME = "/admin/integrations/providers"
SIMULATOR = "http://simulator.test"


@pytest.fixture
def backline(backline, monkeypatch):
    """The console's Backline, whose providers are the simulator."""
    for name, value in provider_settings(SIMULATOR, "1000000/1").items():
        monkeypatch.setenv(f"BACKLINE_{name}", value)
    return backline


@pytest.fixture
def app(backline, simulated):
    return create_app(backline, transport=simulated.wire)


@pytest.fixture
def materialize(simulated):
    """Return a function that materializes streams of a provider and returns the first one's metadata."""
    simulated.backline.transport = simulated.wire

    def go(provider, *streams):
        chosen = PROVIDERS[provider]
        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [provider_assets(chosen, 1)],
                instance=instance,
                resources={"backline": simulated.backline},
                partition_key="000",
                selection=[stream_key(chosen, stream) for stream in streams],
                raise_on_error=False,
            )
        made = result.asset_materializations_for_node(f"{provider}_streams")
        (first,) = [one for one in made if one.asset_key == stream_key(chosen, streams[-1])]
        return {name: value.value for name, value in first.metadata.items()}

    return go


@pytest.fixture
def page(browser):
    """Return a function that returns the console's page as the words that a person reads."""
    return lambda: " ".join(html.unescape(browser.get(HOME).text).split())


def failed(metadata):
    """Return the accounts that a materialization names, by id."""
    return {uuid.UUID(one.data["account_id"]): one.data for one in metadata["failed accounts"].records}


def test_youtubes_quota_that_is_out_is_said_with_its_end_and_that_nothing_is_to_be_done(
    simulated, materialize, page
):
    for number in range(3):
        simulated.connect("acme", number, provider="youtube")
    simulated.fault("quota", "/youtube/v3/", times=None)
    metadata = materialize("youtube", "channels")
    reset = PROVIDERS["youtube"].api.quota.reset(utc_now())
    assert f"until {reset:%Y-%m-%d %H:%M:%S} UTC" in metadata["waits"]
    assert metadata["waits"].endswith(errors.QuotaExhausted.cure)
    shown = page()
    assert f"YouTube is parked until {reset:%Y-%m-%d %H:%M:%S} UTC" in shown
    assert errors.QuotaExhausted.cure in shown


def test_a_throttled_instagram_account_is_said_to_wait_and_until_when(simulated, materialize, page):
    accounts = [simulated.connect("acme", number, provider="instagram") for number in range(3)]
    simulated.fault("quota", "/instagram/v25.0/me/media", account=1, times=None, retry_after=3_600)
    told = failed(materialize("instagram", "profile", "media"))
    assert set(told) == {accounts[1]}
    assert told[accounts[1]]["error"] == "throttled"
    assert told[accounts[1]]["message"].endswith(errors.AccountThrottled.cure)
    shown = page()
    (row,) = simulated.rows("SELECT error_message FROM connected_accounts WHERE error_type = 'throttled'")
    cause = row["error_message"].removesuffix(errors.AccountThrottled.cure).strip()
    assert "Need attention <b>1</b>" in shown
    assert cause[cause.index(" until ") :] in shown
    assert errors.AccountThrottled.cure in shown
    assert "is parked" not in shown, "the others go on"


def test_a_removed_endpoint_is_said_with_its_path_and_what_to_look_at(simulated, materialize, page):
    accounts = [simulated.connect("acme", number) for number in range(3)]
    simulated.fault("forbidden", "/spotify/v1/me/tracks", account=1, times=None, status=410)
    told = failed(materialize("spotify", "profile", "saved_tracks"))
    assert set(told) == {accounts[1]}
    assert told[accounts[1]]["error"] == "gone"
    assert "/me/tracks" in told[accounts[1]]["message"]
    assert told[accounts[1]]["message"].endswith(errors.Gone.cure)
    shown = page()
    assert "Last sync was partial.</strong> At /me/tracks: 410" in shown
    assert errors.Gone.cure in shown
