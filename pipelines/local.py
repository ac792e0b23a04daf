"""A local installation: the simulator's addresses as settings, and the commands of each part."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from resources.settings import Settings
from resources.vault import signing_secrets_text

SIMULATOR_CLIENT = ("simulator-client", "simulator-secret")


def simulator_environment(settings: Settings, port: int) -> dict[str, str]:
    """Return the settings under which the simulator stands for the providers and for n8n."""
    base = f"http://127.0.0.1:{port}"
    return {
        "BACKLINE_SPOTIFY_API_URL": f"{base}/spotify/v1",
        "BACKLINE_SPOTIFY_AUTHORIZE_URL": f"{base}/spotify/authorize",
        "BACKLINE_SPOTIFY_TOKEN_URL": f"{base}/spotify/api/token",
        "BACKLINE_SPOTIFY_CLIENT_ID": SIMULATOR_CLIENT[0],
        "BACKLINE_SPOTIFY_CLIENT_SECRET": SIMULATOR_CLIENT[1],
        "BACKLINE_SPOTIFY_RATE_LIMIT": "1800/30",
        "BACKLINE_N8N_URL": settings.n8n_url or f"{base}/receiver",
        "BACKLINE_N8N_SIGNING_SECRETS": signing_secrets_text(settings),
    }


def simulator_command(port: int, mode: str = "extended") -> list[str]:
    """Return the command that serves the simulator."""
    return [sys.executable, "-m", "simulator", "--port", str(port), "--mode", mode]


def console_command(settings: Settings, *, reload: bool = False) -> list[str]:
    """Return the command that serves the console."""
    command = [
        sys.executable,
        "-m",
        "console.server",
        "--port",
        str(urlsplit(settings.public_url).port or 8700),
    ]
    return [*command, "--reload"] if reload else command


def dagster_command(settings: Settings) -> list[str]:
    """Return the command that runs Dagster's webserver, daemon and code server."""
    address = urlsplit(settings.dagster_url)
    command = [sys.executable, "-m", "dagster", "dev", "--workspace", "workspace.yaml"]
    return [*command, "--host", "127.0.0.1", "--port", str(address.port or 3000)]
