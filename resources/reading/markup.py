"""A page's HTML: its ``meta`` tags, its links, and the JSON that its scripts carry.

Time grows with the page's size and not faster, whatever the page: scripts are cut out before the rest is
parsed, and what is nested deeper than :data:`DEEPEST` or has more than :data:`MOST_ATTRIBUTES` is refused,
because parsers look through all open elements at each further tag, and through a tag's attributes at each
further one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from resources.reading.values import Unreadable, decode

LONGEST_MARKUP = 8_000_000  # without what its scripts hold
DEEPEST = 1_000
MOST_ATTRIBUTES = 1_000
MOST_TRIES = 20
TAG = re.compile(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9]*)|!--)")
REST_OF_TAG = re.compile(r"""(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
LONE = re.compile(r"<(?![a-zA-Z/!?])")  # each would be an error that the parser keeps
QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
END_OF_SCRIPT = re.compile(r"</script", re.IGNORECASE)
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
CLOSED_BY_THEMSELVES = frozenset({"dd", "dt", "li", "option", "p", "td", "th", "tr"})


class Markup:
    """One HTML document, looked through once; raise ``Unreadable`` where it is nested too deeply."""

    def __init__(self, text: str) -> None:
        rest, self.scripts = _cut(text)
        if len(rest) > LONGEST_MARKUP:
            raise Unreadable("it is larger than a page may be")
        self.tree = LexborHTMLParser(LONE.sub("&lt;", rest))

    @functools.cached_property
    def meta(self) -> dict[str, str]:
        """The contents of its ``meta`` tags by ``property`` or ``name``; the first of each counts."""
        found: dict[str, str] = {}
        for node in self.tree.css("meta"):
            name, content = node.attrs.get("property") or node.attrs.get("name"), node.attrs.get("content")
            if name and content and content.strip():
                found.setdefault(name, content.strip())
        return found

    @property
    def title(self) -> str:
        """Its title."""
        return self.text_of("title")

    @property
    def language(self) -> str | None:
        """The language that it says it is in."""
        return self.attribute("html", "lang")

    @property
    def address(self) -> str | None:
        """The path of its own address: what ``og:url`` or else its canonical link says."""
        address = self.meta.get("og:url") or self.attribute("link[rel=canonical]", "href")
        return urlsplit(address).path if address else None

    def attribute(self, selector: str, name: str) -> str | None:
        """Return an attribute of the first element that is selected."""
        node = self.tree.css_first(selector)
        return (node.attrs.get(name) or None) if node else None

    def text_of(self, selector: str) -> str:
        """Return the text of the first element that is selected, empty where there is none."""
        node = self.tree.css_first(selector)
        return text_of(node) if node else ""

    def has(self, selector: str) -> bool:
        """Say whether an element is selected."""
        return self.tree.css_first(selector) is not None

    def assigned(self, name: str) -> Any:
        """Return the JSON that a script assigns to a name (``x = {``, ``window["x"] = {``), or ``None``."""
        assignment = re.compile(rf"\b{re.escape(name)}(?:[\"']\])?\s{{0,9}}=\s{{0,99}}(?=[{{\[])")
        return self._first(assignment)

    def member(self, name: str) -> Any:
        """Return the JSON object that stands under a name in some script's JSON, or ``None``."""
        return self._first(re.compile(rf"\"{re.escape(name)}\"\s{{0,9}}:\s{{0,99}}(?=[{{\[])"))

    def said(self, name: str) -> str | None:
        """Return the short text that stands under a name in some script's JSON, or ``None``."""
        pattern = re.compile(rf"\"{re.escape(name)}\"\s{{0,9}}:\s{{0,9}}\"([^\"\\]{{1,100}})\"")
        found = (pattern.search(script) for script in self.scripts)
        return next((match.group(1) for match in found if match), None)

    def _first(self, pattern: re.Pattern[str]) -> Any:
        for _, place in zip(range(MOST_TRIES), self._places(pattern), strict=False):
            script, start = place
            try:
                return decode(script, start)
            except Unreadable:
                continue
        return None

    def _places(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, int]]:
        for script in self.scripts:
            for match in pattern.finditer(script):
                yield script, match.end()


def text_of(node: LexborNode) -> str:
    """Return a node's text, its white space as a browser shows it."""
    return " ".join(node.text(deep=True).split())


def _cut(text: str) -> tuple[str, list[str]]:
    """Return a document without what its scripts hold, and what they hold."""
    rest, scripts, kept, depth, place = [], [], 0, 0, 0
    while tag := TAG.search(text, place):
        name, closes = (tag.group(2) or "").lower(), bool(tag.group(1))
        if not name:
            place = _after(text, "-->", tag.end())
            continue
        place = _end_of_tag(text, tag.end())
        if name == "script" and not closes:
            ending = END_OF_SCRIPT.search(text, place)
            rest.append(text[kept:place])
            kept = ending.start() if ending else len(text)
            scripts.append(text[place:kept])
            place = kept
        elif name not in VOID | CLOSED_BY_THEMSELVES:
            depth = max(0, depth - 1) if closes else depth + 1
            if depth > DEEPEST:
                raise Unreadable("it is nested too deeply")
    rest.append(text[kept:])
    return "".join(rest), scripts


def _end_of_tag(text: str, start: int) -> int:
    """Return where a tag ends; raise ``Unreadable`` where it has too many attributes."""
    rest = REST_OF_TAG.match(text, start)
    end = rest.end() if rest else len(text)
    if end - start > MOST_ATTRIBUTES:
        unquoted = QUOTED.sub("", text[start:end])
        if len(unquoted.split()) > MOST_ATTRIBUTES or unquoted.count("/") > MOST_ATTRIBUTES:
            raise Unreadable("a tag has too many attributes")
    return end


def _after(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found + len(mark)
