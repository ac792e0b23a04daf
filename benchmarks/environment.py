"""The environments of peers: each its own, from its own lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def install(folder: Path, lock: Path) -> None:
    """Make a peer's environment from its lock, unless it is there."""
    mark = folder / ".ready"
    if mark.exists() and mark.read_text() == lock.read_text():
        return
    shutil.rmtree(folder, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--require-hashes", "-r", lock],
        check=True,
        env={**os.environ, "VIRTUAL_ENV": str(folder)},
    )
    mark.write_text(lock.read_text())
