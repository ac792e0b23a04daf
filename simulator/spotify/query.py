"""Query parameters, read as strictly as Spotify reads them, and more strictly where it would be silent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.spotify.library import TIME_RANGES

Reader = Callable[[str], Any]
FARTHEST_OFFSET = 100_000
LONGEST_NUMBER = 20  # digits; Python reads no endless ones
GROUPS = ("album", "single", "appears_on", "compilation")
SEARCH_TYPES = ("album", "artist", "playlist", "track", "show", "episode", "audiobook")


class Refused(Exception):  # an answer, not a fault of ours
    """The request is answered with an error; ``plain`` says that its body is text, not JSON."""

    def __init__(
        self, status: int, message: str, *, retry_after: int | None = None, plain: bool = False
    ) -> None:
        self.status, self.message, self.retry_after, self.plain = status, message, retry_after, plain
        super().__init__(message)


def whole(name: str, lowest: int, highest: int) -> Reader:
    """Return a reader of a whole number in a range."""

    def read(text: str) -> int:
        is_number = text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER
        if not is_number or not lowest <= int(text) <= highest:
            raise Refused(400, f"Invalid {name}")
        return int(text)

    return read


def one_of(message: str, choices: tuple[str, ...]) -> Reader:
    """Return a reader of one word out of several."""

    def read(text: str) -> str:
        if text not in choices:
            raise Refused(400, message)
        return text

    return read


def some_of(message: str, choices: tuple[str, ...]) -> Reader:
    """Return a reader of a comma-separated list of such words."""

    def read(text: str) -> tuple[str, ...]:
        words = tuple(text.split(","))
        if not set(words) <= set(choices):
            raise Refused(400, message)
        return words

    return read


def market(text: str) -> str:
    """Read a country code of two capital letters, or ``from_token``."""
    is_code = len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()  # noqa: PLR2004
    if not is_code and text != "from_token":
        raise Refused(400, "Invalid market code")
    return text


def fields(text: str) -> str:
    """Refuse a selection of fields, which Spotify offers and this simulator does not."""
    raise Refused(501, f"The simulator does not select fields: {text}")


def text(value: str) -> str:
    """Read any text but none."""
    if not value:
        raise Refused(400, "Missing parameter value")
    return value


MARKET = {"market": market}
PAGE = {"limit": whole("limit", 1, 50), "offset": whole("offset", 0, FARTHEST_OFFSET)}
SHORT_PAGE = {**PAGE, "limit": whole("limit", 1, 10)}
SEARCH_PAGE = {**SHORT_PAGE, "offset": whole("offset", 0, 1_000)}
LONG_PAGE = {**PAGE, "limit": whole("limit", 1, 100)}
TIME_RANGE = {"time_range": one_of("Invalid time range", TIME_RANGES)}
INCLUDE_GROUPS = {"include_groups": some_of("Invalid include_groups", GROUPS)}
ITEM_FORM = {
    **MARKET,
    "fields": fields,
    "additional_types": some_of("Invalid additional_types", ("track", "episode")),
}
PLAYED = {
    "limit": PAGE["limit"],
    "type": one_of("Invalid type", ("track",)),
    "after": whole("after", 0, 10**15),
    "before": whole("before", 0, 10**15),
}
FOLLOWED = {"limit": PAGE["limit"], "type": one_of("Invalid type", ("artist",)), "after": text}
SEARCH = {
    **SEARCH_PAGE,
    **MARKET,
    "q": text,
    "type": some_of("Bad search type field", SEARCH_TYPES),
    "include_external": one_of("Invalid include_external", ("audio",)),
}
IDS = {**MARKET, "ids": text}


def read_query(readers: Mapping[str, Reader], given: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters' values; raise ``Refused`` for one that is malformed, repeated or unknown.

    Spotify overlooks names it does not know. A client that sends one has a bug, so it is refused here.
    """
    values: dict[str, Any] = {}
    for name, value in given:
        if name not in readers:
            raise Refused(400, f"Unsupported parameter: {name}")
        if name in values:
            raise Refused(400, f"Repeated parameter: {name}")
        values[name] = readers[name](value)
    return values
