"""One running Chromium with the driver that speaks to it: started, measured, and ended without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Browser as Chromium
from playwright.async_api import Error, Playwright, async_playwright

from resources.errors import InputRefused
from resources.visiting.binary import CURE, FIELD, SANDBOX_FIELD, Sandbox

MIB = 1024**2
LONGEST_CLOSE_SECONDS, LONGEST_LAUNCH_SECONDS = 5.0, 30.0
LOSS_IS_SEEN_SECONDS = 0.25
ARGUMENTS = (
    "--blink-settings=imagesEnabled=false",
    "--disable-remote-fonts",
    "--block-new-web-contents",
    "--disable-background-networking",
    "--disable-domain-reliability",
    "--no-pings",
)
NO_SANDBOX = ("sandbox", "user namespace", "zygote_host")


class EngineLost(Exception):
    """The browser ended under a visit."""


class Engine:
    """A Chromium of its own driver, so that what either leaks ends with it.

    It is ended by Playwright, or, where that does not answer, by killing the tree of processes. Where this
    process is killed instead, the driver sees its pipe close and ends the browser by itself.
    """

    def __init__(self, driver: Playwright, chromium: Chromium, root: psutil.Process) -> None:
        self.chromium, self._driver, self._root = chromium, driver, root
        self.visits, self.pages, self.is_retired = 0, 0, False
        self.cpu_seconds, self.peak_bytes = 0.0, 0
        self._is_closing = False

    @classmethod
    async def launch(cls, binary: Path, sandbox: Sandbox, heap_mb: int) -> Engine:
        """Start a browser; raise ``InputRefused`` where it does not start."""
        driver = await async_playwright().start()
        try:
            chromium = await _launched(driver, binary, sandbox, heap_mb)
            sandbox.say()
            return cls(driver, chromium, await _root_of(chromium))
        except BaseException:
            await asyncio.shield(driver.stop())
            raise

    @property
    def is_lost(self) -> bool:
        """Whether the browser, or the driver without which it is out of reach, ended by itself."""
        return not self._is_closing and not (self.chromium.is_connected() and self._is_driven)

    async def until_lost(self) -> None:
        """Return once the browser is lost.

        Playwright answers what was asked of a browser before it ended, but not always what was asked while
        it did: a page that is being opened then waits for ever.
        """
        while not self.is_lost:  # noqa: ASYNC110  # nothing tells of a driver that ended
            await asyncio.sleep(LOSS_IS_SEEN_SECONDS)

    @property
    def _is_driven(self) -> bool:
        with contextlib.suppress(psutil.Error):
            return self._root.status() != psutil.STATUS_ZOMBIE
        return False

    def measure(self) -> int:
        """Return the bytes that all its processes hold now, and add up the time that they have used.

        What they share, mostly the program itself, is counted once a program: as much as any process of it
        shares. That is within a tenth of Linux's PSS, which takes milliseconds a process to tell.
        """
        own, seconds, shared = 0, 0.0, dict[str, int]()
        for process in self._processes():
            with contextlib.suppress(psutil.Error), process.oneshot():
                times = process.cpu_times()
                seconds += times.user + times.system + getattr(times, "children_user", 0.0)
                seconds += getattr(times, "children_system", 0.0)
                memory = process.memory_info()
                common = getattr(memory, "shared", 0)
                own += memory.rss - common
                shared[process.name()] = max(shared.get(process.name(), 0), common)
        self.cpu_seconds = max(self.cpu_seconds, seconds)
        held = own + sum(shared.values())
        self.peak_bytes = max(self.peak_bytes, held)
        return held

    async def close(self) -> None:
        """End the browser and its driver."""
        self._is_closing = True
        self.measure()
        left = list(self._processes())
        for end in (self.chromium.close, self._driver.stop):
            with contextlib.suppress(Exception):  # a driver that was killed raises whatever it last met
                await asyncio.wait_for(end(), LONGEST_CLOSE_SECONDS)
        _kill(left)

    def kill(self) -> None:
        """End the browser at once; visits under way lose it."""
        _kill([process for process in self._processes() if process != self._root])

    def _processes(self) -> Iterator[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            yield self._root
            yield from self._root.children(recursive=True)


async def _launched(driver: Playwright, binary: Path, sandbox: Sandbox, heap_mb: int) -> Chromium:
    arguments = [*ARGUMENTS, f"--js-flags=--max-old-space-size={heap_mb}"]
    while True:
        try:
            return await driver.chromium.launch(
                executable_path=binary,
                chromium_sandbox=sandbox.is_on,
                args=arguments,
                timeout=LONGEST_LAUNCH_SECONDS * 1000,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            text = error.message.lower()
            is_sandbox = sandbox.is_on and any(word in text for word in NO_SANDBOX)
            if is_sandbox and sandbox.fall_back():
                continue
            if is_sandbox:
                problem, cure = "the kernel forbids the sandbox", "allow unprivileged user namespaces"
                raise InputRefused(SANDBOX_FIELD, problem, f"{cure}, or set it to off") from error
            first = error.message.splitlines()[0]
            raise InputRefused(FIELD, f"{binary} does not start ({first})", CURE) from error


async def _root_of(chromium: Chromium) -> psutil.Process:
    """Return the driver's process, this one's child, from which the browser and all its parts descend."""
    session = await chromium.new_browser_cdp_session()
    found: dict[str, Any] = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    main = next(entry["id"] for entry in found["processInfo"] if entry["type"] == "browser")
    process = psutil.Process(main)
    line = [process, *process.parents()]
    return next(entry for entry in line if entry.ppid() == os.getpid())


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
