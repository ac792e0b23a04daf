"""Pages: templates, what they can say of time, and the plain message page."""

import functools
import hashlib
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from resources.database import utc_now

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
HOME = "/admin/integrations/providers"
SCRAPERS = "/admin/integrations/scrapers"
WEBHOOKS = "/admin/integrations/webhooks"
PEOPLE, SESSIONS, TOKENS, AUDIT = "/admin/people", "/admin/sessions", "/admin/tokens", "/admin/audit"
Tone = Literal["ok", "warn", "bad", "plain"]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
JUST_NOW_SECONDS = 45
SPANS = ((90 * DAY, 30 * DAY, "months"), (2 * DAY, DAY, "days"), (90 * MINUTE, HOUR, "h"), (0, MINUTE, "min"))


ACTOR: ContextVar[Any] = ContextVar("actor", default=None)  # who asks, for the frame of every page


class Link(NamedTuple):
    """Where a person may go next."""

    label: str
    address: str


@dataclass(frozen=True)
class Message:
    """A page that says one thing: what happened, why, and what to do about it."""

    title: str
    text: str
    cure: str = ""
    tone: Tone = "bad"
    links: tuple[Link, ...] = (Link("Back to integrations", HOME),)


class PageError(Exception):
    """A handler ends with a message instead of its page."""

    def __init__(self, status: int, message: Message) -> None:
        self.status, self.message = status, message
        super().__init__(message.title)


def apart(moment: datetime, now: datetime) -> str:
    """Say how far a moment is from now: ``2 min ago``, ``in 3 days``."""
    seconds = (moment - now).total_seconds()
    size = abs(seconds)
    if size < JUST_NOW_SECONDS:
        return "just now" if seconds <= 0 else "in a moment"
    divisor, unit = next((divisor, unit) for least, divisor, unit in SPANS if size >= least)
    span = f"{max(round(size / divisor), 1)} {unit}"
    return f"in {span}" if seconds > 0 else f"{span} ago"


def exact(moment: datetime) -> str:
    """Write a moment in full, for reading."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def when(moment: datetime) -> Markup:
    """Write a moment as its distance from now, with the exact time to hover over."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), exact(moment), apart(moment, utc_now())
    )


def amount(number: float) -> str:
    """Write a number for reading: ``2,000``, ``0.5``."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,}"


def span(seconds: int) -> str:
    """Write a length of time: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    minutes, rest = divmod(seconds, MINUTE)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, HOUR // MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def coded(text: str) -> Markup:
    """Write what stands between backticks as code."""
    parts = text.split("`")
    code = Markup("<code>{}</code>")
    shown = [code.format(one) if place % 2 else escape(one) for place, one in enumerate(parts)]
    return Markup().join(shown) if len(parts) % 2 else escape(text)


@functools.cache
def asset(name: str) -> str:
    """Return the address of a static file, which changes with what is in it."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "asset": asset,
        "home": HOME,
        "scrapers_home": SCRAPERS,
        "webhooks_home": WEBHOOKS,
        "people_home": PEOPLE,
        "sessions_home": SESSIONS,
        "tokens_home": TOKENS,
        "audit_home": AUDIT,
    }
    environment.filters |= {"when": when, "exact": exact, "amount": amount, "span": span, "coded": coded}
    return environment


ENVIRONMENT = _environment()


def page(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template into a reply that nobody keeps."""
    text = ENVIRONMENT.get_template(template).render(actor=ACTOR.get(), **context)
    return HTMLResponse(text, status, headers={"cache-control": "no-store"})


def message_page(message: Message, status: int = 200) -> HTMLResponse:
    """Render a message."""
    return page("message.html", status, message=message)


def wants_json(request: Request) -> bool:
    """Say whether the asker is a program."""
    return request.url.path.startswith("/api/")
