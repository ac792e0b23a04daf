"""Pieces of HTML: elements of the head, and JSON inside scripts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import Any

from simulator.exchange import Reply, as_text, encode

HTML = "text/html; charset=utf-8"


def page(html: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return a reply of HTML."""
    return as_text(html, status, HTML)._replace(headers=headers)


def moved(location: str) -> Reply:
    """Return a redirection."""
    return page("", 302, (("location", location),))


def properties(values: Mapping[str, str]) -> str:
    """Return ``<meta property="…" content="…">`` of each."""
    return "".join(f'<meta property="{name}" content="{escape(text)}">' for name, text in values.items())


def named(values: Mapping[str, str]) -> str:
    """Return ``<meta name="…" content="…">`` of each."""
    return "".join(f'<meta name="{name}" content="{escape(text)}">' for name, text in values.items())


def json_in_script(value: Any) -> str:
    """Return JSON that may stand in a script: nothing in it ends one."""
    return encode(value).decode().replace("<", "\\u003c")


def base64_json(value: Any) -> str:
    """Return JSON as base64."""
    return base64.b64encode(encode(value)).decode()
