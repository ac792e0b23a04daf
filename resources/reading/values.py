"""Steps through JSON whose shape nobody promises: what is not there, or of another type, is ``None``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

LARGEST = 2**63 - 1


class Unreadable(ValueError):
    """A text is not the JSON, HTML or XML that it should be."""


def _refuse(constant: str) -> Any:
    raise Unreadable(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def decode(text: str, start: int = 0) -> Any:
    """Return the JSON value that begins at ``start``, whatever follows it; raise ``Unreadable``."""
    try:
        return _DECODER.raw_decode(text, start)[0]
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no JSON, or nested too deeply") from error


def dig(value: Any, *path: str | int) -> Any:
    """Return what stands at a path of names and positions, ``None`` where the path breaks off."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
    return value


def listed(value: Any, *path: str | int) -> list[Any]:
    """Return the list at a path, empty where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, list) else []


def word(value: Any, *path: str | int) -> str | None:
    """Return the text at a path, ``None`` where there is none or it is empty."""
    found = dig(value, *path)
    return (found.strip() or None) if isinstance(found, str) else None


def whole(value: Any, *path: str | int) -> int | None:
    """Return the number at a path, ``None`` where there is no whole number from 0 up."""
    found = dig(value, *path)
    if not isinstance(found, int) or isinstance(found, bool):
        return None
    return found if 0 <= found <= LARGEST else None


def truth(value: Any, *path: str | int) -> bool | None:
    """Return the true or false at a path, ``None`` where there is neither."""
    found = dig(value, *path)
    return found if isinstance(found, bool) else None


def everything_at(value: Any, name: str) -> Iterator[Any]:
    """Yield every value that stands under a name, at any depth."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if name in current:
                yield current[name]
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
