"""A local installation: the simulator's addresses as settings, and the commands of each part."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from resources.settings import Settings
from resources.vault import signing_secrets_text
from simulator.addresses import provider_settings

CONSOLE_PORT = 8700
LOCATIONS = {"api": "pipelines.api", "browsers": "pipelines.browsers"}


def simulator_environment(settings: Settings, port: int) -> dict[str, str]:
    """Return the settings under which the simulator stands for the providers and for n8n."""
    base = f"http://127.0.0.1:{port}"
    providers = provider_settings(base, "1800/30")
    return {
        **{f"BACKLINE_{name}": value for name, value in providers.items()},
        "BACKLINE_N8N_URL": settings.n8n_url or f"{base}/receiver",
        "BACKLINE_N8N_SIGNING_SECRETS": signing_secrets_text(settings),
    }


def simulator_command(port: int, mode: str = "extended") -> list[str]:
    """Return the command that serves the simulator."""
    return [sys.executable, "-m", "simulator", "--port", str(port), "--mode", mode]


def console_address(settings: Settings) -> str:
    """Return where this machine reaches the console; for `https` something in front holds the certificate."""
    public = urlsplit(settings.public_url)
    port = public.port if public.scheme == "http" else None
    return f"http://127.0.0.1:{port or CONSOLE_PORT}"


def console_command(settings: Settings, *, reload: bool = False) -> list[str]:
    """Return the command that serves the console."""
    port = str(urlsplit(console_address(settings)).port)
    command = [sys.executable, "-m", "console", "--port", port]
    return [*command, "--reload"] if reload else command


def code_server_command(location: str, port: int) -> list[str]:
    """Return the command that serves a code location; one server for webserver, daemon and its runs."""
    command = [sys.executable, "-m", "dagster", "code-server", "start", "--module-name", LOCATIONS[location]]
    return [*command, "--host", "127.0.0.1", "--port", str(port), "--location-name", location]


def write_workspace(settings: Settings, ports: Mapping[str, int]) -> Path:
    """Write the workspace that names the local code servers by their ports, and return its path."""
    path = settings.home / "workspace.yaml"
    servers = [
        f"  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: {location}}}\n"
        for location, port in ports.items()
    ]
    path.write_text("load_from:\n" + "".join(servers), encoding="utf-8")
    return path


def webserver_command(settings: Settings, workspace: Path) -> list[str]:
    """Return the command that serves Dagster's own pages, on the loopback: Dagster knows no login."""
    port = str(urlsplit(settings.dagster_url).port or 3000)
    command = [sys.executable, "-m", "dagster_webserver", "--workspace", str(workspace)]
    return [*command, "--host", "127.0.0.1", "--port", port]


def daemon_command(workspace: Path) -> list[str]:
    """Return the command that ticks schedules and sensors and launches runs."""
    return [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(workspace)]
