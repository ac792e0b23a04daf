"""What a method of the Data API was asked, and the lists it answers with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from simulator.exchange import encode
from simulator.youtube.errors import Refused, missing_scope
from simulator.youtube.library import Library
from simulator.youtube.parameters import Values, write_page_token, wrong_page_token
from simulator.youtube.resources import etag
from simulator.youtube.tokens import BASE, FORCE_SSL, FULL, READONLY, Token

SERVICE = "youtube.googleapis.com"
READING = frozenset({READONLY, FULL, FORCE_SSL, f"{BASE}youtubepartner"})
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Asked:
    """One accepted request; ``token`` is ``None`` where a key asks."""

    shelf: Library
    token: Token | None
    values: Values

    @property
    def viewer(self) -> int | None:
        """Whose eyes it is seen with."""
        return self.token.account if self.token else None

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts asked for."""
        return self.values.parts

    def require_scope(self, allowed: frozenset[str] = READING) -> None:
        """Raise ``Refused`` where a token reaches not so far."""
        if self.token and not self.token.scopes & allowed:
            raise missing_scope(" ".join(sorted(allowed)), SERVICE)

    def myself(self, parameter: str) -> int:
        """Return whose token it is; raise ``Refused`` where a key asks for what is one's own."""
        if self.token is None:
            text = f"The request uses the <code>{parameter}</code> parameter but is not properly authorized."
            domain = "youtube.parameter"
            raise Refused(401, "authorizationRequired", text, domain=domain, location=parameter)
        return self.token.account


def page(  # noqa: PLR0913  # one argument a thing that differs between lists
    asked: Asked,
    kind: str,
    things: Sequence[Thing],
    write: Callable[[Thing, int], msgspec.Raw],
    *,
    default: int = 5,
    backwards: bool = True,
) -> bytes:
    """Return a page of things, each written with its place; ``backwards`` names the page before too."""
    values = asked.values
    whose = asked.viewer if values.filter == "mine" else values.get(values.filter)
    listing = f"{kind}:{whose}"
    position, size = values.get("pageToken"), values.get("maxResults", default)
    if position is not None and (position.listing != listing or position.offset > len(things)):
        raise wrong_page_token()
    start = position.offset if position else 0
    end = start + size
    body: dict[str, Any] = {}
    if end < len(things):
        body["nextPageToken"] = write_page_token(listing, end)
    if start and backwards:
        body["prevPageToken"] = write_page_token(listing, max(0, start - size))
    items = [write(thing, start + place) for place, thing in enumerate(things[start:end])]
    return envelope(kind, items, {**body, "pageInfo": {"totalResults": len(things), "resultsPerPage": size}})


def envelope(kind: str, items: list[msgspec.Raw] | None, more: dict[str, Any]) -> bytes:
    """Return a list reply; without items where ``None``."""
    listed = {} if items is None else {"items": items}
    content = encode({**more, **listed})
    head = encode({"kind": f"youtube#{kind}", "etag": etag(content)})
    return head[:-1] + b"," + content[1:]
