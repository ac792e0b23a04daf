"""What is kept of a visit that gave no reading, shown so that nothing of it runs and no request leaves.

A stored page is somebody else's. Its source is shown as text. As a page it stands in a frame without any
right, under a policy of its own that loads nothing; what a policy does not hold back (a link that is
pressed, a ``preconnect``) is taken out first.
"""

import asyncio
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from selectolax.lexbor import LexborHTMLParser

from console.actors import Actor, ActorPart
from console.faults import NOT_FOUND
from console.pages import SCRAPERS, PageError, page
from console.parts import Console, ConsolePart
from console.scrape_visits import Visit, find_visit

router = APIRouter(include_in_schema=False, prefix=f"{SCRAPERS}/evidence/{{visit_id}}")
Kept = TypeVar("Kept", str, bytes)
SHOWN_CHARACTERS = 200_000
REMOVED = ("script", "noscript", "link", "meta", "base", "iframe", "frame", "object", "embed", "template")
LINKING = (
    "href",
    "xlink:href",
    "ping",
    "action",
    "formaction",
    "src",
    "srcset",
    "poster",
    "background",
    "autofocus",
)
FRAME_HEADERS = {
    "content-security-policy": (
        "sandbox; default-src 'none'; img-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    ),
    "x-frame-options": "SAMEORIGIN",
    "x-dns-prefetch-control": "off",
    "cache-control": "no-store",
}
ALONE_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


@router.get("")
async def show_evidence(console: ConsolePart, actor: ActorPart, visit_id: uuid.UUID) -> HTMLResponse:
    """Show a visit, its screenshot and its document."""
    visit = await asyncio.to_thread(_visit, console, actor, visit_id)
    source = await asyncio.to_thread(_kept, console.evidence.html, visit.row.html_file)
    picture = await asyncio.to_thread(_kept, console.evidence.screenshot, visit.row.screenshot_file)
    return page(
        "evidence.html",
        visit=visit,
        source=source if source is None else source[:SHOWN_CHARACTERS],
        characters=len(source or ""),
        picture=picture is not None,
        days=console.backline.settings.evidence_days,
    )


@router.get("/screenshot.png")
def screenshot(console: ConsolePart, actor: ActorPart, visit_id: uuid.UUID) -> Response:
    """Return the picture of the page."""
    picture = _kept(console.evidence.screenshot, _visit(console, actor, visit_id).row.screenshot_file)
    return Response(_or_missing(picture), media_type="image/png", headers={"cache-control": "no-store"})


@router.get("/source.txt")
def source(console: ConsolePart, actor: ActorPart, visit_id: uuid.UUID) -> Response:
    """Return the whole document as text."""
    return PlainTextResponse(_document(console, actor, visit_id), headers=ALONE_HEADERS)


@router.get("/page.html")
def framed(console: ConsolePart, actor: ActorPart, visit_id: uuid.UUID) -> Response:
    """Return the document for the frame."""
    return HTMLResponse(harmless(_document(console, actor, visit_id)), headers=FRAME_HEADERS)


def harmless(document: str) -> str:
    """Return a page's own look, without what runs, loads or leads elsewhere."""
    tree = LexborHTMLParser(document)
    for node in tree.css(",".join(REMOVED)):
        node.decompose()
    for node in tree.css("*"):
        for name in node.attributes:
            if name.lower() in LINKING or name.lower().startswith("on"):
                del node.attrs[name]
    return tree.html or ""


def _visit(console: Console, actor: Actor, visit_id: uuid.UUID) -> Visit:
    visit = find_visit(console, visit_id, actor.orgs)
    if visit is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return visit


def _document(console: Console, actor: Actor, visit_id: uuid.UUID) -> str:
    return _or_missing(_kept(console.evidence.html, _visit(console, actor, visit_id).row.html_file))


def _kept(read: Callable[[str], Kept], file: str | None) -> Kept | None:
    """Read a file of the evidence; ``None`` where none was taken or it is no longer kept."""
    if file is None:
        return None
    try:
        return read(file)
    except FileNotFoundError:
        return None


def _or_missing(kept: Kept | None) -> Kept:
    if kept is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return kept
