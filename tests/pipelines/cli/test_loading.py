"""What a command loads before it works: nothing that it may not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys; from pipelines.cli import main; main.commands[{!r}]; print(*sys.modules)"


@pytest.mark.parametrize(
    ("command", "heavy"),
    [("accounts", "dagster"), ("events", "dagster"), ("doctor", "dagster")],
)
def test_a_command_loads_nothing_heavy_that_it_may_not_need(command: str, heavy: str) -> None:
    program = [sys.executable, "-c", LOADED.format(command)]
    loaded = subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()
    assert f"pipelines.cli.{command}" in loaded
    assert heavy not in loaded
