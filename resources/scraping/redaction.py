"""What must not be kept of a page: cookies, tokens and keys are taken out, its structure stays.

A redacted page reads as it did before: values are replaced, names, quotes and brackets stand. Pages have a
megabyte, so plain searches for the telling words come first, and patterns only where one was found.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

HIDDEN = "••••"
SHORTEST_SECRET = 8
_TELLING = (
    *("token", "secret", "passwd", "password", "apikey", "apiKey", "api_key", "sessionid", "sessionId"),
    *("session_id", "csrf", "authorization", "signature", "jwt", "nonce"),
)
_SPELLINGS = sorted({word for one in _TELLING for word in (one, one[0].upper() + one[1:], one.upper())})
_REST_OF_NAME = re.compile(r"[\w-]*")
_VALUE = re.compile(
    r"\\*[\"']\s*:\s*\\*[\"'](?P<field>[^\"'\\]+)"  # JSON, also JSON in a string
    r"|\s*=\s*[\"'](?P<attribute>[^\"'<>]+)"
    r"|(?:=|%3D)(?P<query>[^&\"'<>\s\\]+)"
)
_TAG = re.compile(r"<(?:input|meta)\b", re.IGNORECASE)
_LONGEST_TAG = 500
_TAG_VALUE = re.compile(r"\b(?:value|content)\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
_IN_QUERY = re.compile(r"(?<=[?&])(?:key|sig|code|state)=([^&\"'<>\s\\]+)")
_WORDS = (
    re.compile(r"(?<=Bearer )[\w.~+/=-]{8,}"),
    re.compile(r"SAPISIDHASH [\w-]{8,}"),
    re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"AIza[\w-]{35}"),
    re.compile(r"whsec_[\w+/=-]{16,}"),
)
_BASE64 = re.compile(r"eyJ[A-Za-z0-9+/]{60,}={0,2}(?=\s*</script)")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a page, an answer or an address without ``secrets`` and without what looks like one."""
    text = _BASE64.sub(_inside, text)
    for secret in sorted(_forms(secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for word in _WORDS:
        text = word.sub(HIDDEN, text)
    return _without(text, [*_named(text), *(found.span(1) for found in _IN_QUERY.finditer(text))])


def _forms(secrets: Iterable[str]) -> set[str]:
    """Return secrets as they stand in text, in an address and in JSON."""
    return {
        form
        for secret in secrets
        for form in (secret, quote(secret, safe=""), secret.replace("/", r"\/"), secret.replace('"', r"\""))
        if len(form) >= SHORTEST_SECRET
    }


def _named(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a value stands whose name says that it is secret."""
    for word in _SPELLINGS:
        position = text.find(word)
        while position >= 0:
            rest = _REST_OF_NAME.match(text, position)
            end = rest.end() if rest else position
            if value := _VALUE.match(text, end):
                yield value.span(value.lastgroup or 0)
            elif text[end : end + 1] in {'"', "'"}:
                yield from _in_tag(text, position, end)
            position = text.find(word, end)


def _in_tag(text: str, position: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the value stands of a field, or of a page's property, that has a telling name."""
    start = text.rfind("<", max(position - _LONGEST_TAG, 0), position)
    stop = text.find(">", end, end + _LONGEST_TAG)
    if start >= 0 and stop >= 0 and _TAG.match(text, start):
        for value in _TAG_VALUE.finditer(text, start, stop):
            if not value.start(1) <= position < value.end(1):
                yield value.span(1)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [text[at:start], HIDDEN]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def _inside(found: re.Match[str]) -> str:
    """Redact JSON that a page carries as base64."""
    try:
        text = base64.b64decode(found.group(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return found.group()
    return base64.b64encode(redacted(text).encode()).decode()
