"""`backline demo`: everything once, from a connection to a delivered event, on the embedded default."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click
import httpx
import msgspec

from assets.streams import shards_of
from pipelines.api import definitions
from pipelines.audience import audience_refresh
from pipelines.cli.demo_pages import scrape_all
from pipelines.cli.demo_summary import DemoFailed, summarise
from pipelines.cli.up import PARTS, run_until_interrupted
from pipelines.delivery import delivery_health
from pipelines.instance import open_instance
from pipelines.local import console_command, simulator_command, simulator_environment
from pipelines.processes import Processes, free_port
from resources.backline import Backline
from resources.errors import InputRefused
from resources.migrations import upgrade
from resources.people.links import ENTER, first
from resources.providers import PROVIDERS
from resources.settings import REPOSITORY, Settings

ORGS = ("north-stage", "south-stage")
ACCOUNTS_PER_ORG = 2  # of each provider
ARTISTS_PER_ACCOUNT = 2


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything running, and say where.")
def demo(*, keep: bool) -> None:
    """Connect simulated accounts, sync them through Dagster, deliver the events, and sum it up."""
    folder = Settings().home
    with _alone(folder):
        _demo(_fresh_settings(folder), keep=keep)


def _demo(settings: Settings, *, keep: bool) -> None:
    port = free_port()
    environment = {**simulator_environment(settings, port), "BACKLINE_HOME": str(settings.home)}
    environment |= {
        "BACKLINE_PUBLIC_URL": settings.public_url,
        "BACKLINE_DAGSTER_URL": settings.dagster_url,
        "BACKLINE_DATABASE_URL": settings.resolved_database_url,
        "DAGSTER_HOME": str(settings.home / "dagster"),
    }
    os.environ.update(environment)  # noqa: TID251  # the demo's own settings, for this process and its children
    backline = Backline(Settings())
    upgrade(backline.database)
    with Processes(environment) as processes:
        base = f"http://127.0.0.1:{port}"
        processes.start("simulator", simulator_command(port), log=_log(settings, "simulator"))
        processes.start("console", console_command(backline.settings), log=_log(settings, "console"))
        processes.wait_ready("simulator", f"{base}/healthz")
        processes.wait_ready("console", f"{backline.settings.public_url}/healthz")
        with _logged_in(backline) as browser:
            for provider in PROVIDERS:
                _connect_in_browser(browser, provider, ORGS[0], account=0)
                _import_accounts(base, provider)
        for provider in PROVIDERS:
            _run("sync", provider)
        scrape_all(backline, _run)
        _run_job(backline, audience_refresh.name, *shards_of(backline.settings.shards).get_partition_keys())
        _run("events", "deliver", "--json", quiet=True)
        _run_job(backline, delivery_health.name, None)
        received = httpx.get(f"{base}/receiver/events").raise_for_status().json()
        summarise(backline, received, ORGS, len(ORGS) * ACCOUNTS_PER_ORG)
        if keep:
            processes.stop_one("console")
            run_until_interrupted(backline.settings, environment, None, PARTS)


def _run_job(backline: Backline, name: str, *partitions: str | None) -> None:
    """Do what Dagster's automation and schedules do by themselves in an installation that goes on."""
    job = definitions(backline).resolve_job_def(name)
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with open_instance(backline.settings) as instance:
        for partition in partitions:
            job.execute_in_process(
                instance=instance, partition_key=partition, run_config=config, raise_on_error=False
            )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second demo out of the same folder, which it would empty."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            cure = "wait for it, or set BACKLINE_HOME to another folder"
            raise InputRefused("BACKLINE_HOME", f"another demo is running in {folder}", cure) from None
        yield


def _fresh_settings(folder: Path) -> Settings:
    """Return settings of an installation of the demo's own, empty, beside the real one."""
    home = folder / "demo"
    shutil.rmtree(home, ignore_errors=True)
    console, dagster = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    return Settings(home=home, database_url="", n8n_url="", public_url=console, dagster_url=dagster)


def _log(settings: Settings, name: str) -> Path:
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"


def _run(*arguments: str, quiet: bool = False) -> None:
    command, output = (
        [sys.executable, "-m", "pipelines.cli", *arguments],
        subprocess.DEVNULL if quiet else None,
    )
    subprocess.run(command, check=False, cwd=REPOSITORY, stdout=output)  # noqa: S603  # the summary judges


@contextmanager
def _logged_in(backline: Backline) -> Iterator[httpx.Client]:
    """Log a browser in by the one-time link of the first start."""
    console = backline.settings.public_url
    with httpx.Client(base_url=console, headers={"origin": console}) as browser:
        entered = browser.post(ENTER, data={"link": first(backline.database)})
        if entered.is_error:
            raise DemoFailed(f"The one-time link of the console was answered with {entered.status_code}.")
        yield browser


def _connect_in_browser(browser: httpx.Client, provider: str, org: str, account: int) -> None:
    """Do what a person does: press Connect, agree at the provider, come back."""
    start = browser.post(f"/connect/{provider}/start", data={"org": org})
    consent = urlsplit(start.headers["location"])
    form = {**dict(parse_qsl(consent.query)), "account": str(account), "decision": "agree"}
    agreed = browser.post(f"{consent.scheme}://{consent.netloc}{consent.path}", data=form)
    done = browser.get(agreed.headers["location"], follow_redirects=True)
    if done.is_error:
        raise DemoFailed(f"Connecting {provider} through the console ended with {done.status_code}.")


def _import_accounts(simulator: str, provider: str) -> None:
    """Import further accounts by the command line, Spotify's each with two artists of its own."""
    lines = []
    for number in range(1, len(ORGS) * ACCOUNTS_PER_ORG):
        order = {"provider": provider, "account": number}
        grant = httpx.post(f"{simulator}/control/grants", json=order).raise_for_status().json()
        account: dict[str, Any] = {"org": ORGS[number % len(ORGS)], "provider": provider}
        if provider == "spotify":
            account["config"] = {"artist_ids": _followed(simulator, grant["access_token"])}
        account |= {name: grant.pop(name) for name in ("external_id", "display_name")}
        lines.append(msgspec.json.encode({**account, "grant": grant}))
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        Path(file.name).write_bytes(b"\n".join(lines))
        _run("accounts", "import", file.name)


def _followed(simulator: str, token: str) -> list[str]:
    address = f"{simulator}/spotify/v1/me/following?type=artist&limit={ARTISTS_PER_ACCOUNT}"
    reply = httpx.get(address, headers={"authorization": f"Bearer {token}"}).raise_for_status().json()
    return [artist["id"] for artist in reply["artists"]["items"]]
