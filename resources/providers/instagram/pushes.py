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
    value = change.value if isinstance(change.value, dict) else {}
    names = (value.get(name) for name in ("id", "comment_id", "media_id"))
    subject = next((str(name) for name in names if isinstance(name, str | int)), "")
    return News(str(entry.id), change.field, subject, str(entry.time))
