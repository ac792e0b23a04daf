"""`backline doctor`."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources import parking
from resources.database import utc_now
from resources.errors import QuotaExhausted
from resources.providers import PROVIDERS
from resources.tables import ConnectedAccount


def findings(installation, code=0):
    rows = installation.json("doctor", code=code)
    return {row["what"]: row for row in rows}


def test_a_new_installation_misses_what_is_not_set_and_is_not_broken(installation):
    found = findings(installation)
    states = {what: row["state"] for what, row in found.items()}
    assert states.pop("browser") in {"ok", "missing"}, "that depends on the machine"
    assert states == {
        "encryption keys": "ok",
        "signing secrets": "ok",
        "database": "ok",
        "Spotify": "missing",
        "Instagram": "missing",
        "YouTube": "missing",
        "accounts": "missing",
        "events": "ok",
        "n8n": "missing",
        "Dagster webserver": "missing",
    }
    assert all(row["cure"] for row in found.values() if row["state"] != "ok")
    assert "BACKLINE_SPOTIFY_CLIENT_ID" in found["Spotify"]["detail"]


def test_people_see_a_table(installation):
    shown = installation.run("doctor")
    assert shown.exit_code == 0
    assert "encryption keys" in shown.stdout


def test_an_account_to_be_reconnected_is_broken(installation):
    installation.connect(name="Acme")
    installation.connect(name="Bolt")
    with installation.backline.database.write() as connection:
        lost = sa.update(ConnectedAccount).where(ConnectedAccount.display_name == "Bolt")
        connection.execute(lost.values(status="needs_reconnect"))
    accounts = findings(installation, code=1)["accounts"]
    assert (accounts["state"], accounts["detail"]) == ("broken", "1 connected, 1 needs reconnect")
    assert accounts["cure"] == "reconnect them in the console"


def test_a_failed_event_is_broken_and_says_how_to_replay(installation):
    installation.write_event("one", status="failed")
    events = findings(installation, code=1)["events"]
    assert (events["state"], events["detail"]) == ("broken", "1 failed")
    assert "backline events replay --status failed" in events["cure"]


def test_a_parked_provider_is_broken_until_its_time(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_ID", "app")
    until = utc_now() + timedelta(hours=1)
    spotify = PROVIDERS["spotify"]
    parking.park(installation.backline.database, spotify, QuotaExhausted("spotify", "spent", retry_at=until))
    found = findings(installation, code=1)["Spotify"]
    assert (found["state"], found["cure"]) == ("broken", "wait")
    assert f"{until:%Y-%m-%d %H:%M}" in found["detail"]


def test_missing_production_keys_are_broken_and_the_rest_is_looked_at(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_ENVIRONMENT", "production")
    found = findings(installation, code=1)
    assert found["keys"]["state"] == "broken"
    assert "BACKLINE_ENCRYPTION_KEYS" in found["keys"]["detail"]
    assert found["database"]["state"] == "ok"


def test_a_database_server_that_does_not_answer_is_broken_and_the_rest_is_looked_at(
    installation, monkeypatch
):
    monkeypatch.setenv("BACKLINE_DATABASE_URL", "postgresql+psycopg://user:hunter2@127.0.0.1:1/name")
    result = installation.run("doctor", "--json")
    assert (result.exit_code, "hunter2" in result.output) == (1, False)
    assert findings(installation, code=1)["encryption keys"]["state"] == "ok"


def test_an_embedded_database_that_cannot_be_opened_is_broken_and_the_rest_is_looked_at(
    installation, monkeypatch
):
    monkeypatch.setenv("BACKLINE_DATABASE_URL", f"sqlite:///{installation.folder}/no/such/folder.db")
    found = findings(installation, code=1)
    assert found["database"]["state"] == "broken"
    assert found["encryption keys"]["state"] == "ok"


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense", "http://["])
def test_an_n8n_that_does_not_answer_is_broken(installation, monkeypatch, address):
    monkeypatch.setenv("BACKLINE_N8N_URL", address)
    n8n = findings(installation, code=1)["n8n"]
    assert n8n["state"] == "broken"
    assert "correct BACKLINE_N8N_URL" in n8n["cure"]


@pytest.mark.integration
def test_a_receiver_that_is_no_n8n_is_well_and_called_so(installation, served):
    """Events may go to anything that takes them, as to the simulator's receiver."""
    found = findings(installation)["n8n"]
    assert found["state"] == "ok"
    assert "does not answer as n8n does" in found["detail"]


def test_no_secret_is_shown(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_ID", "app")
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("BACKLINE_ENCRYPTION_KEYS", installation.run("keys", "new").stdout.strip())
    key = installation.backline.settings.encryption_keys.get_secret_value()
    shown = installation.run("doctor").output + installation.run("doctor", "--json").output
    assert "hunter2" not in shown
    assert key not in shown
