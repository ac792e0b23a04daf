"""Which browser there is on this machine, in which version, and whether its sandbox can be had."""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
import subprocess
from pathlib import Path

from resources.errors import InputRefused
from resources.settings import Settings
from resources.visiting.identity import DEFAULT_VERSION

FIELD, SANDBOX_FIELD = "BACKLINE_BROWSER_PATH", "BACKLINE_BROWSER_SANDBOX"
CURE = "install chromium-headless-shell, run `playwright install chromium-headless-shell`, or set the path"
SHELL, FULL = ("chromium-headless-shell",), ("chromium", "chromium-browser", "google-chrome")
PLAYWRIGHT_FOLDERS = (Path("~/.cache/ms-playwright"), Path("~/Library/Caches/ms-playwright"))
PLAYWRIGHT_BINARIES = (
    "chromium_headless_shell-*/*/chrome-headless-shell",
    "chromium_headless_shell-*/*/headless_shell",
)
VERSION = re.compile(r"\d+(?:\.\d+){3}")
LONGEST_ANSWER_SECONDS = 20
log = logging.getLogger(__name__)


def find_browser(settings: Settings) -> Path | None:
    """Return the browser to use: the one that is set, a headless shell, Playwright's own, or a full one.

    Raise ``InputRefused`` where the one that is set is not there.
    """
    if settings.browser_path is not None:
        if not os.access(settings.browser_path, os.X_OK):
            raise InputRefused(FIELD, f"{settings.browser_path} is no program that can be run", CURE)
        return settings.browser_path
    return _on_path(SHELL) or _playwrights() or _on_path(FULL)


def _on_path(names: tuple[str, ...]) -> Path | None:
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def _playwrights() -> Path | None:
    """Return the newest headless shell that Playwright has installed."""
    folders = [folder.expanduser() for folder in PLAYWRIGHT_FOLDERS]
    found = [path for folder in folders for pattern in PLAYWRIGHT_BINARIES for path in folder.glob(pattern)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def version_of(binary: Path | None) -> str:
    """Return a browser's version, as in 156.0.8078.79, or what is likely where there is none to ask."""
    return DEFAULT_VERSION if binary is None else _asked_version(binary, binary.stat().st_mtime)


@functools.cache
def _asked_version(binary: Path, _changed_at: float) -> str:
    command = [str(binary), "--version"]
    try:
        answer = subprocess.run(  # noqa: S603  # the operator's own program
            command, capture_output=True, check=False, timeout=LONGEST_ANSWER_SECONDS, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return DEFAULT_VERSION
    found = VERSION.search(answer.stdout)
    return found.group() if found else DEFAULT_VERSION


class Sandbox:
    """Whether Chromium's sandbox is on; each answer is logged once, and off never goes unsaid.

    ``auto`` is on, but for root, for whom Chromium refuses it, and under CI, whose containers seldom let it
    be. Where the kernel forbids it after all, ``auto`` goes on without; ``on`` does not.
    """

    def __init__(self, settings: Settings) -> None:
        self._may_fall_back = settings.browser_sandbox == "auto"
        self._why_off = _why_off(settings)
        self._is_said = False

    @property
    def is_on(self) -> bool:
        """Whether to start the browser with it."""
        return not self._why_off

    @property
    def why_off(self) -> str:
        """Why it is off, empty where it is on."""
        return self._why_off

    def fall_back(self) -> bool:
        """Go on without it, where that is allowed: the kernel forbids it."""
        if self._may_fall_back and self.is_on:
            self._why_off, self._is_said = "the kernel forbids unprivileged user namespaces here", False
            return True
        return False

    def say(self) -> None:
        """Log what holds, once."""
        if not self._is_said:
            self._is_said = True
            if self.is_on:
                log.info("The browser's sandbox is on.", extra={"action": "browser.sandbox"})
            else:
                text = "The browser runs without its sandbox: %s."
                log.warning(text, self._why_off, extra={"action": "browser.sandbox"})


def _why_off(settings: Settings) -> str:
    if settings.browser_sandbox == "off":
        return f"{SANDBOX_FIELD} is off"
    if settings.browser_sandbox == "on":
        return ""
    if os.geteuid() == 0:
        return "root cannot have one; run as another user to have it"
    return "this is CI" if settings.ci else ""
