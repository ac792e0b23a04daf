"""n8n from its start to its end: in the foreground, again on the same home, and over many nights."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.n8n_server import Execution, N8nServer
from pipelines.n8n_server.server import WORKFLOWS
from resources.settings import REPOSITORY, Settings
from resources.signing import parse_secrets, signed_headers
from resources.vault import signing_secrets_text

SERVE = "from pipelines.n8n_server import serve; from resources.settings import Settings; serve(Settings())"
SCHEMA = json.loads((REPOSITORY / "n8n" / "schemas" / "data.synced.json").read_text(encoding="utf-8"))

pytestmark = [
    pytest.mark.integration,
    pytest.mark.webhooks,
    pytest.mark.timeout(600),
]


def send(settings: Settings, event: dict[str, Any]) -> int:
    body = json.dumps(event).encode()
    keys = parse_secrets(signing_secrets_text(settings))
    headers = {
        **signed_headers(keys, event["id"], int(time.time()), body),
        "content-type": "application/json",
    }
    url = f"http://127.0.0.1:{settings.n8n_port}/webhook/data-sync"
    return httpx.post(url, content=body, headers=headers, trust_env=False, timeout=30).status_code


def impatient_workflows(folder: Path) -> Path:
    """Copy the workflows to ``folder`` with nights of a second and a memory of none."""
    folder.mkdir()
    for path in WORKFLOWS.glob("*.json"):
        workflow = json.loads(path.read_text(encoding="utf-8"))
        for node in workflow["nodes"]:
            if node["name"] == "Every night":
                node["parameters"] = {"rule": {"interval": [{"field": "seconds", "secondsInterval": 1}]}}
        text = json.dumps(workflow).replace("days: 30", "seconds: 4")
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def forgot(execution: Execution) -> bool:
    return execution.workflow == "Backline: data synced" and "Forget old ids" in execution.nodes


def test_n8n_is_served_until_sigterm_then_again_and_forgets(
    installed: Path, free_port: int, tmp_path: Path
) -> None:
    """SIGTERM ends n8n with exit 0; a second start knows the ids of the first, and forgets them in time."""
    settings = Settings(home=tmp_path / "home", n8n_install=installed, n8n_port=free_port)
    event = SCHEMA["examples"][0]
    environment = {
        **os.environ,
        "BACKLINE_HOME": str(settings.home),
        "BACKLINE_N8N_INSTALL": str(installed),
        "BACKLINE_N8N_PORT": str(free_port),
    }
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], env=environment, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as served:
        assert served.stdout
        assert any(f"listens on http://127.0.0.1:{free_port}" in line for line in served.stdout)
        assert [send(settings, event), send(settings, event)] == [202, 200]
        served.send_signal(signal.SIGTERM)
        assert served.wait(30) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port)) != 0

    with N8nServer(settings, workflows=impatient_workflows(tmp_path / "workflows")) as server:
        deadline = time.monotonic() + 60
        while not any(forgot(execution) for execution in server.executions()):
            assert time.monotonic() < deadline, "no night came within 60 s"
            time.sleep(0.2)
        assert [send(settings, event), send(settings, event)] == [202, 200]
        assert {execution.status for execution in server.executions()} == {"success"}
