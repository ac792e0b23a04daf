"""One request and its reply, as the simulator's services see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

encode = msgspec.json.Encoder().encode


class Reply(NamedTuple):
    """Status, body and headers; ``spoil`` says how the body breaks on its way out.

    ``fault`` is what a page was ordered to be, for the journal. ``after`` is what the service does once the
    reply is sent: verify a subscriber, send a push.
    """

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    spoil: str = ""
    spoil_seconds: float = 0.0
    spoil_bytes: int = 0
    fault: str | None = None
    after: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Request:
    """One HTTP request whose body has been read; ``account`` is whose token it carried."""

    method: str
    path: str
    query_text: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The query's parameters in their order; empty values are kept."""
        return parse_qsl(self.query_text, keep_blank_values=True)

    @cached_property
    def form(self) -> dict[str, str]:
        """The body read as a form; of a repeated field the last value counts."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    @property
    def origin(self) -> str:
        """The address under which the client reached this server."""
        scheme = self.headers.get("x-forwarded-proto", "http")
        return f"{scheme}://{self.headers.get('host', '127.0.0.1')}"


def as_json(body: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return a reply that carries ``body`` as JSON."""
    return Reply(status, encode(body), headers=headers)


def as_text(body: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> Reply:
    """Return a reply of plain text, or of HTML."""
    return Reply(status, body.encode(), content_type)
