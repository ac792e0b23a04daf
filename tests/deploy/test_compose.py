"""The compose file renders, names what is missing, and keeps to what this version may promise."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from pipelines.n8n_server import N8N_VERSION
from resources.settings import REPOSITORY, Settings

REQUIRED = ("POSTGRES_PASSWORD", "BACKLINE_ENCRYPTION_KEYS", "BACKLINE_N8N_SIGNING_SECRETS")
FILE = REPOSITORY / "docker-compose.yml"
DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"


def compose_program() -> list[str]:
    """Return the command that renders compose files."""
    if (
        shutil.which("docker")
        and not subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        return ["docker", "compose"]
    if program := shutil.which("docker-compose"):
        return [program]
    pytest.skip("no docker compose is installed: apt install docker-compose")


def render(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [*compose_program(), "--file", str(FILE), "--project-directory", str(REPOSITORY), "config"]
    bare = {
        name: value for name, value in os.environ.items() if not name.startswith(("BACKLINE_", "POSTGRES_"))
    }
    return subprocess.run(command, env={**bare, **environment}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services as written, with YAML's merges done."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return found


def test_it_renders_with_its_required_settings() -> None:
    rendered = render(dict.fromkeys(REQUIRED, "x"))
    assert rendered.returncode == 0, rendered.stderr
    names = set(yaml.safe_load(rendered.stdout)["services"])
    backline = {"migrate", "code", "browsers", "webserver", "daemon", "console"}
    assert names == {"postgres", "redis", "n8n", *backline}


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_setting_is_named(missing: str) -> None:
    rendered = render({name: "x" for name in REQUIRED if name != missing})
    assert rendered.returncode != 0
    assert missing in rendered.stderr


def test_ports_are_published_to_the_loopback_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_are_pinned_to_a_version(services: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in services.items()}
    ours = {name for name, image in images.items() if image.startswith("backline")}
    assert ours == {"migrate", "code", "browsers", "webserver", "daemon", "console"}
    assert images["n8n"] == f"n8nio/n8n:{N8N_VERSION}"
    assert all(re.search(r":\d", image) for name, image in images.items() if name not in ours)


def test_the_browsers_are_caged(services: dict[str, Any]) -> None:
    cage = services["browsers"]
    assert cage["read_only"] is True
    assert cage["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in cage["security_opt"]
    assert {"mem_limit", "pids_limit", "cpus"} <= set(cage)
    reached = {name for name, service in services.items() if "browsers" in service.get("networks", ())}
    assert reached == {"browsers", "postgres", "redis", "webserver", "daemon"}, "no way to console or n8n"


def test_every_backline_setting_exists(services: dict[str, Any]) -> None:
    given = {name for name in services["code"]["environment"] if name.startswith("BACKLINE_")}
    known = {f"BACKLINE_{name.upper()}" for name in Settings.model_fields}
    known |= {"BACKLINE_SPOTIFY_CLIENT_ID", "BACKLINE_SPOTIFY_CLIENT_SECRET"}
    assert given <= known


def test_the_image_installs_from_the_lock_by_hash_and_is_not_root() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.lock" in text
    assert re.search(r"^USER backline$", text, re.MULTILINE)


def test_both_locks_pin_the_same_versions() -> None:
    def pins(path: str) -> dict[str, str]:
        lines = (REPOSITORY / path).read_text(encoding="utf-8").splitlines()
        found = (re.match(r"([\w.-]+(?:\[[\w,-]+\])?)==([\w.+!-]+)", line) for line in lines)
        return {match[1]: match[2] for match in found if match}

    everything, image = pins("requirements.lock"), pins("deploy/requirements.lock")
    assert image.items() <= everything.items()
    assert "dagster" in image
    assert "pytest" not in image
