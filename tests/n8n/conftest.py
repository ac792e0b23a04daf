"""A real n8n, started once per test session where one is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import processes
from pipelines.n8n_server import N8nServer, find
from resources.settings import REPOSITORY, Settings


@pytest.fixture
def free_port() -> int:
    """A port that is free."""
    return processes.free_port()


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder of an n8n that can run, or a skip that says how to get one."""
    folder = Settings().n8n_install or REPOSITORY / ".backline" / "n8n"
    if find(folder) is None:
        pytest.skip("n8n is not installed; run make n8n")
    return folder


@pytest.fixture(scope="session")
def n8n(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[N8nServer]:
    """A fresh n8n with our workflows and a signing secret of its own."""
    home = tmp_path_factory.mktemp("n8n")
    settings = Settings(
        home=home, n8n_install=installed, n8n_port=processes.free_port(), n8n_signing_secrets=""
    )
    with N8nServer(settings) as server:
        yield server
