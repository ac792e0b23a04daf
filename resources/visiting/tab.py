"""One page in the browser: loaded within its limits, judged while it stands, pictured where it failed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from playwright.async_api import BrowserContext, CDPSession, Error, Page, Request, Response

from resources.reading.verdict import Answer, Capture, Outcome, Reading, Verdict
from resources.visiting.blocking import blocked_for
from resources.visiting.errand import (
    PROXY_AUTHENTICATION_REQUIRED,
    Errand,
    NoPage,
    refused_by,
    too_large,
    too_slow,
)

LONGEST_LOAD_SECONDS = 10.0
"""How long after the document its parts are waited for; what a reader needs seldom stands in the last."""
LISTEN_GRACE_SECONDS = 5.0
LONGEST_STOP_SECONDS, LONGEST_LAST_LOOK_SECONDS = 1.0, 3.0
ALL_PARTS = 4
"""All that a page loads may be this many times as large as its document."""
MOST_ANSWERS = 32
NETWORK_ERROR = re.compile(r"net::(ERR_\w+)")
PROXYS_ERRORS = frozenset(
    {"ERR_PROXY_CONNECTION_FAILED", "ERR_TUNNEL_CONNECTION_FAILED", "ERR_PROXY_AUTH_UNSUPPORTED"}
    | {"ERR_PROXY_AUTH_REQUESTED", "ERR_INVALID_AUTH_CREDENTIALS", "ERR_UNEXPECTED_PROXY_AUTH"}
)
Judge = Callable[[Capture], Awaitable[Verdict]]
T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """What the browser saw: the verdict, what it was told from, and how it looked where it is no reading."""

    verdict: Verdict
    capture: Capture | None
    screenshot: bytes | None
    is_proxys_fault: bool = False


class Tab:
    """One page of a context that is its own, from its address to a verdict."""

    def __init__(self, page: Page, cdp: CDPSession, errand: Errand) -> None:
        self._page, self._cdp, self._errand = page, cdp, errand
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._document, self._frame, self._status, self._kind = "", "", 0, ""
        self._document_bytes = self._all_bytes = 0
        self._answers: list[Answer] = []
        self._reading_answers: set[asyncio.Task[None]] = set()
        self._asked: set[Request] = set()
        self._heard = asyncio.Event()

    @classmethod
    async def open(cls, context: BrowserContext, errand: Errand) -> Tab:
        """Open a page in which everything is set before it goes anywhere."""
        page = await context.new_page()
        cdp = await context.new_cdp_session(page)
        tab = cls(page, cdp, errand)
        cdp.on("Network.responseReceived", tab._on_response)
        cdp.on("Network.dataReceived", tab._on_bytes)
        cdp.on("Network.loadingFailed", tab._on_failure)
        page.on("crash", lambda _: tab._break(NoPage("The page crashed: it wanted more memory than it may.")))
        if errand.listens:
            page.on("request", tab._on_asked)
            page.on("requestfailed", tab._on_unanswered)
            page.on("response", tab._on_answer)
        agent = errand.identity.agent.override | {"acceptLanguage": errand.identity.trait.locale}
        await asyncio.gather(
            cdp.send("Network.enable", {"maxTotalBufferSize": 0, "maxResourceBufferSize": 0}),
            cdp.send("Network.setBlockedURLs", {"urls": blocked_for(errand.url)}),
            cdp.send("Emulation.setUserAgentOverride", agent),
        )
        return tab

    async def see(self, judge: Judge) -> Seen:
        """Load the page and judge it; all but losing the browser ends in a verdict."""
        try:
            try:
                async with asyncio.timeout(self._errand.seconds):
                    capture = await self._unless_broken(self._load(judge))
            except TimeoutError:
                raise too_slow(self._errand.seconds) from None
        except NoPage as failure:
            rest, screenshot = await self._last_look()
            return Seen(failure.refusal, rest, screenshot, failure.is_proxys)
        finally:
            for task in self._reading_answers:
                task.cancel()
        verdict = await judge(capture)
        screenshot = None if isinstance(verdict, Reading) else await self._picture()
        return Seen(verdict, capture, screenshot)

    async def _load(self, judge: Judge) -> Capture:
        response = await self._go()
        load = asyncio.create_task(self._loaded())
        try:
            await (self._hear(load, judge) if self._errand.listens and self._is_html else load)
        finally:
            load.cancel()
        if self._status == PROXY_AUTHENTICATION_REQUIRED and self._errand.proxy:
            raise refused_by(self._errand.proxy)
        body = await (self._html() if self._is_html or response is None else response.text())
        if len(body) > self._errand.largest_bytes:
            raise too_large(self._errand.largest_bytes)
        return self._capture(body)

    @property
    def _is_html(self) -> bool:
        return not self._kind or "html" in self._kind

    async def _go(self) -> Response | None:
        try:
            return await self._page.goto(self._errand.url, wait_until="domcontentloaded", timeout=0)
        except Error as error:
            if "Download is starting" in error.message:
                detail = "The address is a download, not a page."
                raise NoPage(detail, outcome=Outcome.WRONG_PAGE) from error
            found = NETWORK_ERROR.search(error.message)
            if found is None:
                raise
            if found.group(1) in PROXYS_ERRORS and self._errand.proxy:
                raise refused_by(self._errand.proxy) from error
            raise NoPage(f"No whole answer came ({found.group(1)}).") from error

    async def _loaded(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_LOAD_SECONDS):
                await self._page.wait_for_load_state("load", timeout=0)

    async def _hear(self, load: asyncio.Task[None], judge: Judge) -> None:
        """Wait for an answer of each kind that is listened for; once all is loaded, only for a grace.

        A page that is whole by then and is not what was asked for will not become it.
        """
        heard = asyncio.create_task(self._all_heard())
        try:
            await asyncio.wait({heard, load}, return_when=asyncio.FIRST_COMPLETED)
            if heard.done() or await self._may_become_more(judge):
                await asyncio.wait({heard}, timeout=LISTEN_GRACE_SECONDS)
        finally:
            heard.cancel()

    async def _may_become_more(self, judge: Judge) -> bool:
        verdict = await judge(self._capture(await self._html()))
        return verdict.outcome in {Outcome.READING, Outcome.LAYOUT_CHANGED}

    async def _all_heard(self) -> None:
        """Wait until each kind was answered and no further one is awaited: several may go to one address."""
        heard = [answer.url for answer in self._answers]
        while self._asked or not all(any(part in url for url in heard) for part in self._errand.listens):
            self._heard.clear()
            await self._heard.wait()
            heard = [answer.url for answer in self._answers]

    async def _html(self) -> str:
        """Return the document as it stands; a page that goes on by itself to another is waited for."""
        while True:
            try:
                return await self._page.content()
            except Error as error:
                if "navigating" not in error.message:
                    raise
                await self._page.wait_for_load_state("domcontentloaded", timeout=0)

    def _capture(self, body: str) -> Capture:
        return Capture(self._page.url, self._status, body, "browser", tuple(self._answers))

    async def _last_look(self) -> tuple[Capture | None, bytes | None]:
        """Stop a page that failed, and take what stands there."""
        stops = ("Runtime.terminateExecution", "Page.stopLoading")
        await asyncio.gather(*(_within(self._cdp.send(stop), LONGEST_STOP_SECONDS) for stop in stops))
        html, picture = await asyncio.gather(
            _within(self._page.content(), LONGEST_LAST_LOOK_SECONDS), self._picture()
        )
        if html is None or not self._document:
            return None, picture
        return self._capture(html[: self._errand.largest_bytes]), picture

    async def _picture(self) -> bytes | None:
        """Return a PNG of what a person would see, but for the pictures, which are never loaded."""
        taken = await _within(
            self._cdp.send("Page.captureScreenshot", {"format": "png"}), LONGEST_LAST_LOOK_SECONDS
        )
        return base64.b64decode(taken["data"]) if taken else None

    async def _unless_broken(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work until it is done, or until the page is found to be broken."""
        task = asyncio.create_task(work)
        try:
            both: set[asyncio.Future[Any]] = {task, self._broken}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if self._broken.done():
                self._broken.result()
            return task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()

    def _break(self, why: NoPage) -> None:
        if not self._broken.done():
            self._broken.set_exception(why)
            self._broken.exception()  # read, so that nobody is told that it never was

    def _on_response(self, event: dict[str, Any]) -> None:
        if event["type"] == "Document" and event["requestId"] == event["loaderId"]:
            if self._document and event["frameId"] != self._frame:
                return
            self._document, self._frame = event["requestId"], event["frameId"]
            self._status, self._kind = event["response"]["status"], event["response"]["mimeType"].lower()
            self._document_bytes = 0

    def _on_bytes(self, event: dict[str, Any]) -> None:
        size, largest = event["dataLength"], self._errand.largest_bytes
        self._all_bytes += size
        if event["requestId"] == self._document:
            self._document_bytes += size
        if self._document_bytes > largest or self._all_bytes > ALL_PARTS * largest:
            self._break(too_large(largest))

    def _on_failure(self, event: dict[str, Any]) -> None:
        if event["requestId"] == self._document and not event.get("canceled"):
            self._break(NoPage(f"The page was cut off ({event['errorText'].removeprefix('net::')})."))

    def _on_asked(self, request: Request) -> None:
        is_wanted = any(part in request.url for part in self._errand.listens)
        if is_wanted and request.method != "OPTIONS":
            self._asked.add(request)

    def _on_unanswered(self, request: Request) -> None:
        self._asked.discard(request)
        self._heard.set()

    def _on_answer(self, response: Response) -> None:
        if response.request in self._asked and len(self._answers) < MOST_ANSWERS:
            task = asyncio.create_task(self._keep(response))
            self._reading_answers.add(task)
            task.add_done_callback(self._reading_answers.discard)

    async def _keep(self, response: Response) -> None:
        with contextlib.suppress(Error):
            body = await response.text()
            held = sum(len(answer.body) for answer in self._answers)
            if held + len(body) <= self._errand.largest_bytes:
                self._answers.append(Answer(response.url, response.status, body))
        self._on_unanswered(response.request)


async def _within(work: Awaitable[T], seconds: float) -> T | None:
    """Return what some work gives, or nothing where it fails or takes too long."""
    try:
        return await asyncio.wait_for(_awaited(work), seconds)
    except (Error, TimeoutError):
        return None


async def _awaited(work: Awaitable[T]) -> T:
    return await work
