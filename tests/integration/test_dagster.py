"""The whole house as an operator starts it: PostgreSQL, webserver, daemon, schedule, sensor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from pipelines.processes import Processes, free_port
from resources.database import Database
from resources.settings import REPOSITORY
from resources.signing import SigningSecret

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

ORGS, SHARDS = 3, 2
RUNS = "{runsOrError(limit: 20) {... on Runs {results {jobName status tags {key value}}}}}"


def wait_for(what: str, look: Callable[[], Any], seconds: float = 200) -> Any:
    """Return what ``look`` finds once it finds anything."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, f"{what} did not happen within {seconds} s"
        time.sleep(1)
    return found


@pytest.fixture
def environment(postgresql: Any, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings of an installation on two fresh PostgreSQL databases, its network the simulator."""
    simulator, data, storage = free_port(), postgresql.create(), postgresql.create()
    shutil.copyfile(REPOSITORY / "deploy" / "dagster.yaml", tmp_path / "dagster.yaml")
    base = f"http://127.0.0.1:{simulator}"
    yield {
        "BACKLINE_HOME": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path),
        "BACKLINE_DATABASE_URL": data,
        "DAGSTER_POSTGRES_URL": storage.replace("+psycopg:", "+psycopg2:"),
        "BACKLINE_SPOTIFY_API_URL": f"{base}/spotify/v1",
        "BACKLINE_SPOTIFY_TOKEN_URL": f"{base}/spotify/api/token",
        "BACKLINE_SPOTIFY_CLIENT_ID": "simulator-client",
        "BACKLINE_SPOTIFY_CLIENT_SECRET": "simulator-secret",
        "BACKLINE_SPOTIFY_RATE_LIMIT": "100000/1",
        "BACKLINE_SPOTIFY_CRON": "* * * * *",
        "BACKLINE_SHARDS": str(SHARDS),
        "BACKLINE_N8N_URL": f"{base}/receiver",
        "BACKLINE_N8N_SIGNING_SECRETS": SigningSecret.new().text(),
        "BACKLINE_DAGSTER_URL": f"http://127.0.0.1:{free_port()}",
        "SIMULATOR": base,
    }
    postgresql.drop(data)
    postgresql.drop(storage)


def backline(environment: dict[str, str], *arguments: str, stdin: str = "") -> None:
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    env = {**os.environ, **environment}
    subprocess.run(command, env=env, cwd=REPOSITORY, input=stdin, text=True, check=True, capture_output=True)


def import_accounts(environment: dict[str, str]) -> None:
    lines = []
    for number in range(ORGS):
        order = {"provider": "spotify", "account": number}
        grant = httpx.post(f"{environment['SIMULATOR']}/control/grants", json=order).json()
        names = {name: grant.pop(name) for name in ("external_id", "display_name")}
        lines.append(
            msgspec.json.encode({"org": f"org-{number}", "provider": "spotify", **names, "grant": grant})
        )
    backline(environment, "accounts", "import", "-", stdin=b"\n".join(lines).decode())


def automated_of(tagged: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return those runs' tags that the audience's automation launched."""
    return [tags for tags in tagged if tags.get("dagster/sensor_name") == "audience_automation"]


def test_a_scheduled_sync_on_postgresql_tells_n8n_though_it_refused_at_first_and_the_audience_follows(
    environment: dict[str, str],
) -> None:
    base = environment["SIMULATOR"]
    database = Database(environment["BACKLINE_DATABASE_URL"])
    with Processes(environment) as processes:
        port = base.rpartition(":")[2]
        processes.start("simulator", [sys.executable, "-m", "simulator", "--port", port])
        processes.wait_ready("simulator", f"{base}/healthz")
        refusal = {"kind": "server_error", "match": {"path_prefix": "/receiver"}, "times": ORGS}
        httpx.post(f"{base}/control/faults", json=refusal).raise_for_status()
        backline(environment, "db", "upgrade")
        import_accounts(environment)
        processes.start("backline", [sys.executable, "-m", "pipelines.cli", "up", "--only", "dagster"])
        processes.wait_ready("backline", f"{environment['BACKLINE_DAGSTER_URL']}/server_info")

        def told() -> list[Any]:
            query = sa.text("SELECT org_id, attempts FROM webhook_events WHERE status = 'delivered'")
            with database.read() as connection:
                rows = connection.execute(query).all()
            return rows if len({row.org_id for row in rows}) == ORGS else []

        attempts = [row.attempts for row in wait_for("the delivery of every org's event", told)]

        def followed() -> bool:
            query = sa.text("SELECT count(DISTINCT org_id) FROM org_audience_growth WHERE value > 0")
            with database.read() as connection:
                return connection.execute(query).scalar_one() == ORGS

        wait_for("the refresh of every org's audience", followed)

        def runs_of_every_shard() -> list[dict[str, str]]:
            reply = httpx.post(f"{environment['BACKLINE_DAGSTER_URL']}/graphql", json={"query": RUNS}).json()
            runs = reply["data"]["runsOrError"]["results"]
            found = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in runs]
            return found if len({tags["dagster/partition"] for tags in automated_of(found)}) == SHARDS else []

        # the orgs' random ids may all fall to one shard, whose refresh may come before the other's
        tagged = wait_for("the refresh of every shard's audience", runs_of_every_shard)
        received = httpx.get(f"{base}/receiver/events").json()["events"]
    database.close()
    assert max(attempts) > 1, "what the run could not deliver, the sensor did"
    tagged = [tags for tags in tagged if tags.get("dagster/schedule_name") != "delivery_health_schedule"]
    scheduled = [tags for tags in tagged if "dagster/schedule_name" in tags]
    assert {tags["dagster/schedule_name"] for tags in scheduled} == {"spotify_sync_schedule"}
    automated = automated_of(tagged)
    assert len(scheduled) + len(automated) == len(tagged)
    assert {tags["dagster/partition"] for tags in automated} == {"000", "001"}
    assert {tags["dagster/partition"] for tags in scheduled} == {"000", "001"}
    assert {event["body"]["type"] for event in received} == {"data.synced"}
    assert {event["count"] for event in received} == {1}
