"""n8n asks for syncs: signed calls to a real console become runs, each once, though the daemon is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import msgspec
import pytest
import sqlalchemy as sa
from dagster import RunsFilter
from standardwebhooks.webhooks import Webhook

from pipelines.instance import open_instance
from pipelines.local import code_server_command, console_command, daemon_command, write_workspace
from pipelines.processes import Processes, free_port
from resources.database import Database, utc_now
from resources.settings import REPOSITORY, Settings
from resources.signing import SigningSecret
from sensors.runs import RUN_KEY_TAG
from simulator.addresses import provider_settings

pytestmark = [pytest.mark.integration, pytest.mark.webhooks, pytest.mark.timeout(600)]
KILLS = 3
N8N_ADDRESS = "203.0.113.9"


class House:
    """A simulator, a console and a code server as processes, and a daemon that comes and goes."""

    def __init__(self, folder: Path, secret: SigningSecret) -> None:
        self.simulator, self.console = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        providers = provider_settings(self.simulator, "100000/1")
        self.environment = {
            **{f"BACKLINE_{name}": value for name, value in providers.items()},
            "BACKLINE_HOME": str(folder),
            "DAGSTER_HOME": str(folder / "dagster"),
            "BACKLINE_PUBLIC_URL": self.console,
            "BACKLINE_SPOTIFY_CRON": "0 0 1 1 *",
            "BACKLINE_N8N_URL": f"{self.simulator}/receiver",
            "BACKLINE_N8N_SIGNING_SECRETS": secret.text(),
            "BACKLINE_INBOUND_ALLOWED_IPS": N8N_ADDRESS,
            "BACKLINE_TRUSTED_PROXIES": "127.0.0.1",
        }
        self.settings = Settings(home=folder, dagster_home=folder / "dagster")
        self.database = Database(self.settings.resolved_database_url)
        self._secret, self._code_port = secret, free_port()
        self._workspace = write_workspace(self.settings, {"api": self._code_port})

    def start(self, processes: Processes) -> None:
        """Start all but the daemon, with one account connected."""
        self._run("db", "upgrade")
        with open_instance(self.settings):
            pass
        port = self.simulator.rpartition(":")[2]
        processes.start("simulator", [sys.executable, "-m", "simulator", "--port", port])
        public = self.settings.model_copy(update={"public_url": self.console})
        processes.start("console", console_command(public))
        processes.start("code server", code_server_command("api", self._code_port))
        processes.wait_ready("simulator", f"{self.simulator}/healthz")
        processes.wait_ready("console", f"{self.console}/healthz")
        processes.wait_listening("code server", self._code_port)
        grant = httpx.post(
            f"{self.simulator}/control/grants", json={"provider": "spotify", "account": 1}
        ).json()
        names = {name: grant.pop(name) for name in ("external_id", "display_name")}
        account = {"org": "acme", "provider": "spotify", **names, "grant": grant}
        self._run("accounts", "import", "-", given=msgspec.json.encode(account).decode())

    def _run(self, *arguments: str, given: str = "") -> None:
        command, env = [sys.executable, "-m", "pipelines.cli", *arguments], {**os.environ, **self.environment}
        subprocess.run(
            command, env=env, cwd=REPOSITORY, input=given, text=True, check=True, capture_output=True
        )

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run Dagster's daemon, and kill it without a warning at the end."""
        env = {**os.environ, **self.environment}
        command = daemon_command(self._workspace)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, env=env, cwd=REPOSITORY, start_new_session=True, **quiet) as program:
            try:
                yield program
            finally:
                os.killpg(program.pid, signal.SIGKILL)

    def call(self, call_id: str, forwarded: str = N8N_ADDRESS) -> httpx.Response:
        """Call as n8n does, through a proxy."""
        body = msgspec.json.encode(
            {
                "type": "sync.requested",
                "timestamp": f"{utc_now():%Y-%m-%dT%H:%M:%SZ}",
                "data": {"provider": "spotify", "org": "acme", "streams": ["profile"]},
            }
        )
        moment = utc_now()
        headers = {
            "webhook-id": call_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(self._secret.text()).sign(call_id, moment, body.decode()),
            "x-forwarded-for": forwarded,
        }
        return httpx.post(f"{self.console}/hooks/n8n", content=body, headers=headers)

    def planned(self) -> int:
        """Return how many runs the sensor has planned so far."""
        with self.database.read() as connection:
            return int(connection.execute(sa.text("SELECT count(*) FROM sync_request_runs")).scalar_one())

    def runs_of(self, call_id: str) -> list[dg.DagsterRun]:
        """Return all runs that Dagster ever had for a call."""
        with open_instance(self.settings) as instance:
            return list(instance.get_runs(RunsFilter(tags={RUN_KEY_TAG: f"sync/{call_id}/000"})))

    def received(self) -> list[dict[str, Any]]:
        """Return the events that came to n8n."""
        return list(httpx.get(f"{self.simulator}/receiver/events").json()["events"])


def wait_for(look: Callable[[], Any], seconds: float = 200) -> Any:
    """Return what ``look`` finds once it finds anything."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, f"it did not happen within {seconds} s"
        time.sleep(0.05)
    return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, SigningSecret.new())
    with Processes(house.environment) as processes:
        house.start(processes)
        yield house
    house.database.close()


def kill_while_launching(house: House) -> list[str]:
    """Call, and kill the daemon once it saw the call, time and again; return the follows."""
    chance, follows = random.Random(7), list[str]()  # moments, no secrets
    for number in range(KILLS):
        reply = house.call(f"msg_{number}")
        assert reply.status_code == 202, reply.text
        follows.append(reply.json()["follow"])
        with house.daemon():
            wait_for(lambda planned=number + 1: house.planned() == planned)
            time.sleep(chance.uniform(0, 1.5))
    return follows


def ended(follows: list[str]) -> list[dict[str, Any]]:
    """Return the calls once all of them have ended."""
    calls = [httpx.get(follow).json() for follow in follows]
    return calls if all(call["state"] in {"completed", "failed"} for call in calls) else []


def test_signed_calls_become_runs_once_each_though_the_daemon_is_killed_while_it_launches_them(
    house: House,
) -> None:
    follows = kill_while_launching(house)
    with house.daemon():
        calls = wait_for(lambda: ended(follows))
        events = wait_for(lambda: found if len(found := house.received()) >= KILLS else [])
    for call in calls:
        assert (call["state"], call["results"]["accounts"]) == ("completed", {"synced": 1, "failed": 0})
        (run,) = house.runs_of(call["id"])
        assert [one["id"] for one in call["runs"]] == [run.run_id]
    assert [event["count"] for event in events] == [1] * KILLS
    bodies = [event["body"] for event in events]
    assert {(body["type"], body["metadata"]["source"]) for body in bodies} == {("data.synced", "api")}
    told = {body["payload"]["runId"] for body in bodies}
    assert told == {run["id"] for call in calls for run in call["runs"]}


def test_an_address_is_believed_of_the_named_proxy_and_of_nobody_behind_it(house: House) -> None:
    assert house.call("msg_0", forwarded="198.51.100.7").status_code == 403
    assert house.call("msg_0", forwarded=f"{N8N_ADDRESS}, 198.51.100.7").status_code == 403
    assert house.call("msg_0", forwarded=f"198.51.100.7, {N8N_ADDRESS}").status_code == 202


def test_a_local_program_that_claims_to_forward_is_believed_only_where_it_is_named(
    house: House, tmp_path: Path
) -> None:
    house.environment["BACKLINE_TRUSTED_PROXIES"] = ""
    house.console = f"http://127.0.0.1:{free_port()}"
    public = house.settings.model_copy(update={"public_url": house.console})
    with Processes(house.environment) as processes:
        processes.start("console", console_command(public))
        processes.wait_ready("console", f"{house.console}/healthz")
        assert house.call("msg_0").status_code == 403
