"""The browser's sandbox in a real Chromium: on for an unprivileged user, never off unsaid."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from resources.errors import InputRefused
from resources.settings import REPOSITORY, Settings
from resources.visiting.binary import Sandbox
from resources.visiting.engine import Engine

pytestmark = pytest.mark.integration

NOBODY = 65534
PROGRAM = """
import asyncio, logging, sys
from pathlib import Path
from resources.visiting.binary import Sandbox
from resources.visiting.engine import Engine
from resources.settings import Settings

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")

async def go():
    engine = await Engine.launch(Path(sys.argv[1]), Sandbox(Settings()), 256)
    try:
        page = await engine.chromium.new_page()
        await page.goto("data:text/html,<h1>here</h1>")
        print(await page.inner_text("h1"))
        print("--no-sandbox" in str([process.cmdline() for process in engine._processes()]))
    finally:
        await engine.close()

asyncio.run(go())
"""


def as_nobody():
    """Return as whom to run, and a Python that this user may run; skip where there is none."""
    if os.geteuid() != 0:
        return {}, sys.executable
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in filter(None, (sys.executable, shutil.which(f"python{version}", path="/usr/bin"))):
        try:
            subprocess.run([python, "-c", ""], check=True, cwd="/", capture_output=True, **user)
        except (OSError, subprocess.CalledProcessError):
            continue
        return user, python
    pytest.skip(f"no Python {version} that an unprivileged user may run")


@pytest.mark.skipif(sys.platform != "linux", reason="user namespaces are Linux's")
def test_unprivileged_user_has_the_sandbox(needs_browser):
    user, python = as_nobody()
    unshared = subprocess.run(
        ["unshare", "--user", "true"], check=False, cwd="/", capture_output=True, **user
    )
    if unshared.returncode:
        pytest.skip("the kernel forbids unprivileged user namespaces")
    home = Path(subprocess.check_output(["mktemp", "-d"], cwd="/", text=True, **user).strip())
    paths = os.pathsep.join([str(REPOSITORY), sysconfig.get_path("purelib")])
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": paths,
        "BACKLINE_HOME": str(home),
    }
    command = [python, "-B", "-c", PROGRAM, str(needs_browser)]
    try:
        done = subprocess.run(
            command, check=False, cwd=home, env=environment, capture_output=True, text=True, **user
        )
    finally:
        shutil.rmtree(home)
    assert done.stdout.splitlines() == ["The browser's sandbox is on.", "here", "False"], done.stderr


@pytest.fixture
def picky_browser(needs_browser, tmp_path):
    """A browser that starts as on a kernel without user namespaces: not with its sandbox."""
    program = tmp_path / "picky"
    refusal = 'echo "FATAL: No usable sandbox! See the documentation." >&2; exit 1'
    case = f'case "$*" in *--no-sandbox*) exec {needs_browser} "$@";; *) {refusal};; esac'
    program.write_text(f"#!/bin/sh\n{case}\n")
    program.chmod(0o755)
    return program


def launched(program, sandbox):
    async def go():
        engine = await Engine.launch(program, sandbox, 256)
        await engine.close()

    asyncio.run(go())


def test_kernel_that_forbids_it_is_told_of_loudly(picky_browser, caplog):
    sandbox = Sandbox(Settings(browser_sandbox="auto"))
    sandbox._why_off = ""  # as for a user who is not root
    launched(picky_browser, sandbox)
    (record,) = caplog.records
    assert (record.levelname, "runs without its sandbox: the kernel forbids" in record.message) == (
        "WARNING",
        True,
    )


def test_sandbox_that_was_asked_for_is_refused_with_its_cure(picky_browser):
    with pytest.raises(InputRefused, match=r"BACKLINE_BROWSER_SANDBOX: the kernel forbids.*set it to off"):
        launched(picky_browser, Sandbox(Settings(browser_sandbox="on")))
