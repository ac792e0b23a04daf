"""Query parameters, read as strictly as Google reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from simulator import sealed
from simulator.youtube.errors import Refused, bad_parameter, not_simulated, unknown_parameter

Reader = Callable[[str, str], Any]
MOST_IDS = 50
LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*")
STANDARD = {"prettyPrint", "quotaUser", "key"}
STANDARD_NOT_SIMULATED = {
    *("access_token", "oauth_token", "callback", "fields", "uploadType", "upload_protocol", "$.xgafv"),
}
REPEATED = {"part", "id"}
PAGE_PREFIX = "C"


class Position(msgspec.Struct, frozen=True, array_like=True):
    """What a page token means: which list, and from where."""

    listing: str
    offset: int


@dataclass
class Values:
    """The parameters of one accepted request; ``parts`` in their order, ``filter`` names the chosen one."""

    parts: tuple[str, ...]
    given: dict[str, Any] = field(default_factory=dict)
    filter: str = ""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter's value."""
        return self.given.get(name, default)


@dataclass(frozen=True)
class Parameters:
    """What a method takes: parts, filters of which exactly one must be given, and options."""

    parts: tuple[str, ...]
    filters: Mapping[str, Reader]
    options: Mapping[str, Reader] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()  # what YouTube has and the simulator has not

    def read(self, query: list[tuple[str, str]]) -> Values:
        """Return the values; raise ``Refused`` for one that is malformed, repeated, missing or unknown."""
        texts = self._texts(query)
        if not any(texts.get("part", [])):
            raise Refused(400, "missingRequiredParameter", "Required parameter: part", location="part")
        values = Values(_parts(texts.pop("part"), self.parts))
        for name, given in texts.items():
            if name in self.filters or name in self.options:
                reader = self.filters.get(name) or self.options[name]
                values.given[name] = reader(name, ",".join(given))
        chosen = [name for name in self.filters if values.given.get(name) not in (None, False)]
        if not chosen:
            wanted = ", ".join(self.filters)
            text = f"No filter selected. Expected one of: {wanted}"
            raise bad_parameter("", "missingRequiredParameter", text)
        if len(chosen) > 1:
            text = f"Incompatible parameters specified in the request: {', '.join(chosen)}"
            raise bad_parameter(chosen[1], "incompatibleParameters", text)
        values.filter = chosen[0]
        return values

    def _texts(self, query: list[tuple[str, str]]) -> dict[str, list[str]]:
        texts: dict[str, list[str]] = {}
        for name, value in query:
            if name in STANDARD or (name == "alt" and value == "json"):
                continue
            if name in self.elsewhere or name in STANDARD_NOT_SIMULATED or name == "alt":
                raise not_simulated(f"the parameter {name}")
            if name != "part" and name not in self.filters and name not in self.options:
                raise unknown_parameter(name)
            if name in texts and name not in REPEATED:
                raise bad_parameter(name, "invalidParameter", f"Parameter {name} is repeated.")
            texts.setdefault(name, []).append(value)
        return texts


def _parts(texts: list[str], known: tuple[str, ...]) -> tuple[str, ...]:
    parts = [part.strip() for text in texts for part in text.split(",")]
    for part in parts:
        if part not in known:
            raise bad_parameter("part", "unknownPart", f"'{part}'", domain="youtube.part")
    return tuple(dict.fromkeys(parts))


def whole(lowest: int, highest: int) -> Reader:
    """Return a reader of a whole number in a range."""

    def read(name: str, text: str) -> int:
        is_number = text.isascii() and text.isdecimal() and len(text) < 10  # noqa: PLR2004  # uint32
        if not is_number or not lowest <= int(text) <= highest:
            message = f"Invalid value '{text}'. Values must be within the range: [{lowest}, {highest}]"
            raise bad_parameter(name, "invalidParameter", message)
        return int(text)

    return read


def truth(name: str, text: str) -> bool:
    """Read a boolean."""
    if text not in {"true", "false"}:
        raise bad_parameter(name, "invalidParameter", f"Invalid value '{text}' for {name} (TYPE_BOOL)")
    return text == "true"


def word(name: str, text: str) -> str:
    """Read any text but none."""
    if not text:
        raise bad_parameter(name, "invalidParameter", f"Invalid value '' for {name}")
    return text


def one_of(*choices: str) -> Reader:
    """Return a reader of one word out of several."""

    def read(name: str, text: str) -> str:
        if text not in choices:
            raise bad_parameter(name, "invalidParameter", f"Invalid value '{text}' for {name} (TYPE_ENUM)")
        return text

    return read


def by_time(name: str, text: str) -> str:
    """Read an order: the newest first; YouTube knows another one."""
    if text == "relevance":
        raise not_simulated("the order by relevance")
    return str(one_of("time")(name, text))


def language(name: str, text: str) -> str:
    """Read a language code."""
    if not LANGUAGE.fullmatch(text):
        raise bad_parameter(name, "invalidParameter", f"Invalid value '{text}' for {name}")
    return text


def ids(name: str, text: str) -> tuple[str, ...]:
    """Read up to 50 ids, each named once."""
    given = text.split(",")
    if not all(given):
        raise bad_parameter(name, "invalidParameter", "Invalid id value")
    if len(given) > MOST_IDS:
        message = "The request specifies an invalid filter parameter."
        raise bad_parameter(name, "invalidFilters", message)
    return tuple(dict.fromkeys(given))


def page_token(name: str, text: str) -> Position:
    """Read the token of a page."""
    position = sealed.read(PAGE_PREFIX, text, Position)
    if position is None:
        raise wrong_page_token(name)
    return position


def wrong_page_token(name: str = "pageToken") -> Refused:
    """Return the refusal of a token that belongs to no page of this list."""
    return bad_parameter(name, "invalidPageToken", "The request specifies an invalid page token.")


def write_page_token(listing: str, offset: int) -> str:
    """Return the token of a page."""
    return sealed.write(PAGE_PREFIX, Position(listing, offset))
