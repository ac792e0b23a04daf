"""What commands load before they work: nothing that they may not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOAD = "import sys; from pipelines.cli import main; [main.commands[name] for name in {}]; print(*sys.modules)"


@pytest.mark.parametrize(
    ("commands", "heavy"), [(("accounts", "doctor", "events", "keys"), "dagster"), (("sync",), "pandas")]
)
def test_commands_load_nothing_heavy_that_they_may_not_need(commands: tuple[str, ...], heavy: str) -> None:
    program = [sys.executable, "-c", LOAD.format(commands)]
    loaded = subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()
    assert {f"pipelines.cli.{name}" for name in commands} <= set(loaded)
    assert heavy not in loaded
