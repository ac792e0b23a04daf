"""What Instagram pushes: changes of fields, either directly in an entry or in its list of changes.

Source: https://developers.facebook.com/docs/instagram-platform/webhooks.
"""

from __future__ import annotations

from typing import Any

import msgspec

from resources.provider import News, PushUnreadable


class Change(msgspec.Struct):
    """One field that changed, and what to."""

    field: str
    value: Any = None


class Entry(msgspec.Struct):
    """What changed of one account; ``id`` is the professional account's."""

    id: str | int
    time: int = 0
    field: str | None = None
    value: Any = None
    changes: list[Change] = []


class Body(msgspec.Struct):
    """One push."""

    entry: list[Entry]


def read_changes(body: bytes) -> list[News]:
    """Return what a push tells; raise ``PushUnreadable`` where it is none."""
    try:
        entries = msgspec.json.decode(body, type=Body).entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PushUnreadable(f"it is not a push: {error}") from error
    return [_news(entry, change) for entry in entries for change in _changes(entry)]


def _changes(entry: Entry) -> list[Change]:
    return entry.changes or ([Change(entry.field, entry.value)] if entry.field else [])


def _news(entry: Entry, change: Change) -> News:
    """Return what a change tells: of which post where it names one, else of what itself."""
    value = change.value if isinstance(change.value, dict) else {}
    media = value.get("media")
    own = _id(value.get("comment_id")) or _id(value.get("id"))
    post = _id(value.get("media_id")) or _id(media.get("id") if isinstance(media, dict) else None)
    return News(_id(entry.id).replace("\0", ""), change.field, post or own, f"{entry.time} {own}".rstrip())


def _id(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
