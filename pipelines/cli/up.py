"""`backline up`: console, Dagster webserver and daemon on this machine, in the foreground."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import click

from pipelines.cli.output import migrated, people
from pipelines.instance import open_instance
from pipelines.local import (
    LOCATIONS,
    code_server_command,
    console_address,
    console_command,
    daemon_command,
    simulator_command,
    simulator_environment,
    webserver_command,
    write_workspace,
)
from pipelines.processes import Processes, free_port, listens
from resources.backline import Backline
from resources.errors import InputRefused
from resources.settings import Settings

HTTP_PORT, SIMULATOR_PORT = 80, 8790
PARTS = ("console", "dagster")


@click.command()
@click.option("--demo", is_flag=True, help="Let the simulator stand for the providers and n8n.")
@click.option("--only", type=click.Choice([*PARTS, "scrapers"]), help="Start this part alone.")
@click.option("--reload", is_flag=True, help="Restart the console when its code changes.")
def up(only: str | None, *, demo: bool, reload: bool) -> None:
    """Start Backline on this machine; Ctrl-C stops it."""
    settings = Settings()
    port = _simulator_port() if demo else None
    environment = simulator_environment(settings, port) if port else {}
    run_until_interrupted(settings, environment, port, (only,) if only else PARTS, reload=reload)


def run_until_interrupted(
    settings: Settings,
    environment: dict[str, str],
    simulator_port: int | None,
    parts: tuple[str, ...],
    *,
    reload: bool = False,
) -> None:
    """Start the parts, say where they are, and wait for Ctrl-C."""
    migrated(Backline(settings))
    with open_instance(settings):
        pass
    environment = {
        **environment,
        "BACKLINE_HOME": str(settings.home),
        "DAGSTER_HOME": str(settings.resolved_dagster_home),
    }
    with Processes(environment) as processes:
        try:
            if simulator_port:
                _start_simulator(processes, settings, simulator_port)
            _start_parts(processes, settings, parts, reload=reload)
            people.print("Ctrl-C stops everything.")
            processes.wait()
        except KeyboardInterrupt:
            people.print("Stopping.")


def _simulator_port() -> int:
    return free_port() if listens(SIMULATOR_PORT) else SIMULATOR_PORT


def _start_simulator(processes: Processes, settings: Settings, port: int) -> None:
    """Start the simulator, and leave the settings under which other commands speak to it too."""
    address, path = f"http://127.0.0.1:{port}", settings.home / "simulator.env"
    processes.start("simulator", simulator_command(port))
    processes.wait_ready("simulator", f"{address}/healthz")
    path.touch(mode=0o600)
    lines = (f"{name}={value}" for name, value in processes.environment.items())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    people.print(f"Simulator  {address}; for commands beside it: set -a; . {path}; set +a")


def _start_parts(processes: Processes, settings: Settings, parts: tuple[str, ...], *, reload: bool) -> None:
    if "console" in parts:
        address = console_address(settings)
        _refuse_taken_port("BACKLINE_PUBLIC_URL", address)
        processes.start("console", console_command(settings, reload=reload))
        processes.wait_ready("console", f"{address}/healthz")
        people.print(f"Console  {settings.public_url}")
    locations = list(LOCATIONS) if "dagster" in parts else ["browsers"] if "scrapers" in parts else []
    if locations:
        _start_dagster(processes, settings, locations)
        people.print(f"Dagster  {settings.dagster_url} (logs in {settings.home / 'logs'})")


def _start_dagster(processes: Processes, settings: Settings, locations: Sequence[str]) -> None:
    _refuse_taken_port("BACKLINE_DAGSTER_URL", settings.dagster_url)
    ports, logs = {location: free_port() for location in locations}, settings.home / "logs"
    logs.mkdir(exist_ok=True)
    workspace = write_workspace(settings, ports)
    for location, port in ports.items():
        name = f"code server {location}"
        processes.start(name, code_server_command(location, port), log=logs / f"code-server-{location}.log")
    for location, port in ports.items():
        processes.wait_listening(f"code server {location}", port)
    processes.start("daemon", daemon_command(workspace), log=logs / "daemon.log")
    processes.start("webserver", webserver_command(settings, workspace), log=logs / "webserver.log")
    processes.wait_ready("webserver", f"{settings.dagster_url}/server_info")


def _refuse_taken_port(name: str, address: str) -> None:
    port = urlsplit(address).port or HTTP_PORT
    if listens(port):
        cure = f"stop what uses it, or set {name} to another port of 127.0.0.1"
        raise InputRefused(name, f"port {port} is in use", cure)
