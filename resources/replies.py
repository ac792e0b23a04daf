"""Replies: the typed decoding of a provider's pages, item by item where one of them is wrong."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from resources.paging import Page
from resources.provider import Stream
from resources.records import struct_of

NUL_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
NAMED_REJECTIONS = 5
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what decoding JSON can raise


class ReplyRefused(Exception):  # turned into ContractChanged, which knows the provider
    """The reply as a whole is not what the stream declares; the message names the field."""


@dataclass(frozen=True)
class Reply:
    """A decoded page; ``rejections`` says of each item that was left out what was wrong with it."""

    page: Page
    rejections: tuple[str, ...] = ()


class ReplyDecoder:
    """Decodes the replies of one stream."""

    def __init__(self, stream: Stream) -> None:
        item, strict = stream.reader.item_type, stream.reader.strict
        self._item_type, self._is_strict, self._reshape = item, strict, stream.reshape
        self._item = msgspec.json.Decoder(item, strict=strict)
        self._envelope = dict(stream.paging.envelope()) if stream.paging else {}
        self._items_at = stream.paging.items if stream.paging else ""
        self._none_at = stream.paging.none_at if stream.paging else ""
        if stream.paging:
            page = self._page_type(stream.name, list[item | None])  # type: ignore[valid-type]
            self._strict = msgspec.json.Decoder(page, strict=strict)
            self._lenient = msgspec.json.Decoder(self._page_type(stream.name, list[msgspec.Raw]))
            self._items_of = operator.attrgetter(self._items_at)

    def _page_type(self, name: str, items: Any) -> type[msgspec.Struct]:
        kinds = {"next": str, "total": int, "after": str}
        places = {place: (kinds[part], False) for part, place in self._envelope.items()}
        return struct_of(f"{name}_page", {self._items_at: (items, True), **places})

    def decode(self, body: bytes) -> Reply:
        """Decode a body; raise ``ReplyRefused`` where nothing of it can be used."""
        if b"\\" in body and b"\\u0000" in body:  # no PostgreSQL text can hold it; one byte is found faster
            body = NUL_ESCAPE.sub(rb"\1\\ufffd", body)
        if self._reshape is not None:
            return self._reshaped(body, self._reshape)
        try:
            if not self._items_at:
                return Reply(Page([self._item.decode(body)]))
            return Reply(self._page(self._strict.decode(body)))
        except (msgspec.ValidationError, UnicodeDecodeError) as error:
            if not self._items_at:
                raise ReplyRefused(str(error)) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise ReplyRefused(f"it is not JSON: {error}") from error
        return self._decode_item_by_item(body)

    def _reshaped(self, body: bytes, reshape: Callable[[Any], list[Any]]) -> Reply:
        """Decode a reply whose items stand in it in another shape than rows."""
        try:
            found = reshape(msgspec.json.decode(body))
        except UNREADABLE as error:
            raise ReplyRefused(f"it is not JSON: {error}") from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ReplyRefused(f"its shape is another: {type(error).__name__} {error}") from error
        items: list[Any] = []
        rejections: list[str] = []
        for position, raw in enumerate(found):
            try:
                items.append(msgspec.convert(raw, self._item_type, strict=self._is_strict))
            except msgspec.ValidationError as error:
                items.append(None)
                rejections.append(f"item {position}: {error}")
        return Reply(Page(items), tuple(rejections))

    def _decode_item_by_item(self, body: bytes) -> Reply:
        try:
            envelope = self._lenient.decode(body)
        except UNREADABLE as error:
            if self._none_at and _number_at(body, self._none_at) == 0:
                return Reply(Page([]))
            raise ReplyRefused(str(error)) from error
        items: list[Any] = []
        rejections: list[str] = []
        for position, raw in enumerate(self._items_of(envelope)):
            try:
                items.append(None if bytes(raw) == b"null" else self._item.decode(raw))
            except UNREADABLE as error:
                items.append(None)
                rejections.append(f"item {position}: {error}")
        page = self._page(envelope)
        return Reply(Page(items, page.next, page.total, page.after), tuple(rejections))

    def _page(self, envelope: Any) -> Page:
        found = {part: _attribute_at(envelope, place) for part, place in self._envelope.items()}
        return Page(self._items_of(envelope), **found)


def value_at(value: Any, place: str) -> Any:
    """Return what stands at a dotted path of decoded JSON, whose numbers are places in lists, or ``None``."""
    for name in place.split("."):
        if isinstance(value, list):
            value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def _number_at(body: bytes, place: str) -> Any:
    """Return what stands at a dotted path of a body that is JSON, ``None`` where nothing does."""
    try:
        return value_at(msgspec.json.decode(body), place)
    except UNREADABLE:
        return None


def _attribute_at(value: Any, place: str) -> Any:
    for name in place.split("."):
        value = getattr(value, name, None)
    return value
