"""The simulator as its own program, over real sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from resources.signing import SigningSecret, signed_headers

pytestmark = [pytest.mark.integration, pytest.mark.providers]
SECRET = SigningSecret(b"0123456789abcdef0123456789abcdef")
ROOT = Path(__file__).parents[2]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(address, seconds=20):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            return httpx.get(f"{address}/healthz")
        except httpx.TransportError:
            time.sleep(0.05)
    return pytest.fail("the simulator did not start")


@pytest.fixture(scope="module")
def served():
    """The simulator's address; its secrets come from the environment."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "simulator",
        "--port",
        str(port),
        "--accounts",
        "20",
        "--mode",
        "extended",
    ]
    with subprocess.Popen(command, cwd=ROOT, env={"BACKLINE_N8N_SIGNING_SECRETS": SECRET.text()}) as program:
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            program.terminate()


@pytest.fixture
def bearer(served):
    order = {"provider": "spotify", "account": 7}
    grant = httpx.post(f"{served}/control/grants", json=order).json()
    return {"authorization": f"Bearer {grant['access_token']}"}


def test_options_reach_the_world(served):
    assert httpx.post(f"{served}/control/mode", json={}).json()["accounts"] == 20


def test_pages_link_to_the_served_address(served, bearer):
    page = httpx.get(f"{served}/spotify/v1/me/playlists?limit=1", headers=bearer).json()
    assert page["next"].startswith(f"{served}/spotify/v1/")


def test_cut_replies_break_the_connection(served, bearer):
    httpx.post(f"{served}/control/faults", json={"kind": "cut"})
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{served}/spotify/v1/me", headers=bearer)
    assert httpx.get(f"{served}/spotify/v1/me", headers=bearer).status_code == 200


def test_slow_drips_arrive_whole_for_the_patient(served, bearer):
    httpx.post(f"{served}/control/faults", json={"kind": "slow_drip", "seconds": 0.2})
    assert httpx.get(f"{served}/spotify/v1/me", headers=bearer).json()["type"] == "user"


def test_secrets_come_from_the_environment(served):
    headers = signed_headers([SECRET], "evt_served", int(time.time()), b"{}")
    reply = httpx.post(f"{served}/receiver/webhook/data-sync", content=b"{}", headers=headers)
    assert reply.status_code == 202


def test_an_endless_page_ends_when_its_visitor_leaves(served):
    order = {"outcome": "endless", "mb": 4_096}
    assert httpx.post(f"{served}/control/instagram/pages", json=order).status_code == 200
    with httpx.stream("GET", f"{served}/instagram/www/nobody/") as reply:
        chunks = reply.iter_bytes(1_024 * 1_024)
        assert len(next(chunks)) == len(next(chunks)) == 1_024 * 1_024
    assert httpx.get(f"{served}/healthz", timeout=2).json() == {"status": "ok"}


def test_a_cut_page_breaks_the_connection(served):
    httpx.post(f"{served}/control/youtube/pages", json={"outcome": "cut"})
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{served}/youtube/www/@nobody/videos")
