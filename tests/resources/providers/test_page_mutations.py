"""Pages that were tampered with never yield a wrong number.

What is read of them is what stood there, something coarser that covers it, or nothing.
``BACKLINE_MUTATIONS=10000`` tries that many pages.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.reading.verdict import Reading

MUTATIONS = int(os.environ.get("BACKLINE_MUTATIONS", "200"))
ASSIGNED = re.compile(r"(?:ytInitialData(?:\"\])?|_sharedData) = (?=\{)")
TAG = re.compile(r"<[^<>]+>")
TEXT = re.compile(r">[^<>]+<")
ATTRIBUTE = re.compile(r"([\w:-]+)=\"[^\"]*\"")
NOTHINGS: tuple[Any, ...] = (
    None,
    "",
    [],
    {},
    True,
    False,
    -1,
    " ",
    [None],
    {"simpleText": None},
    2**64 - 1,
    1.5,
)
IDENTITY = {"artist_id", "channel_id", "video_id", "username", "published_at"}
NO_NUMBERS = {"name", "handle", "title", "full_name", "layout", "is_private", "is_verified"}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every object or list in a JSON value with every name or position in it."""
    found, waiting = [], [value]
    while waiting:
        current = waiting.pop()
        steps: Iterator[Any] = iter(())
        if isinstance(current, dict):
            steps = iter(current)
        elif isinstance(current, list):
            steps = iter(range(len(current)))
        for step in steps:
            found.append((current, step))
            waiting.append(current[step])
    return found


def spoil_json(value: Any, chance: random.Random) -> None:
    """Remove, rename, empty or turn into another type one thing in a JSON value."""
    holder, step = chance.choice(places(value) or [({"": ""}, "")])
    match chance.randrange(4):
        case 0:
            del holder[step]
        case 1 if isinstance(step, str):
            holder[f"{step}{chance.choice(('V2', 'X', '_'))}"] = holder.pop(step)
        case 2:
            holder[step] = turned(holder[step])
        case _:
            holder[step] = chance.choice(NOTHINGS)


def turned(value: Any) -> Any:
    """Return a value as another type."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float):
        return str(value)
    return list(value.values()) if isinstance(value, dict) else dict(enumerate(value))


def spoil_markup(text: str, chance: random.Random) -> str:
    """Remove, rename or empty something in HTML or XML, or cut it off."""
    way = chance.randrange(5)
    if way == 0:
        return text[: chance.randrange(len(text))]
    pattern = (TAG, TAG, TEXT, ATTRIBUTE)[way - 1]
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = chance.choice(found)
    whole = match.group()
    replacements = (
        "",
        re.sub(r"^(</?)(\w+)", r"\1\2x", whole),
        "><",
        chance.choice((f'{whole[: whole.index("=")]}=""' if "=" in whole else "", f"x{whole}")),
    )
    return text[: match.start()] + replacements[way - 1] + text[match.end() :]


def spoil(text: str, chance: random.Random) -> str:
    """Tamper with a page once, mostly with the JSON that it is or carries."""
    carried = ASSIGNED.search(text)
    start = carried.end() if carried else 0
    if (not carried and not text.lstrip().startswith("{")) or chance.random() < 0.15:
        return spoil_markup(text, chance)
    try:
        data, end = json.JSONDecoder().raw_decode(text, start)
    except ValueError:  # it was cut off before
        return spoil_markup(text, chance)
    spoil_json(data, chance)
    return text[:start] + msgspec.json.encode(data).decode() + text[end:]


def is_covered(name: str, was: dict[str, Any], now: dict[str, Any]) -> bool:
    """Say whether what is read of a column is what was, or something coarser that covers it, or nothing."""
    value, step = now[name], now.get(f"{name}_step", now.get("step") if name == "views" else None)
    if name in NO_NUMBERS or name.endswith("step") or value is None:
        return True
    if isinstance(value, list):
        return all(any(covers(old, new) for old in was[name] or ()) for new in value)
    if value == was[name]:
        return True
    return name not in IDENTITY and bool(step) and step > 1 and value <= was[name] < value + step


def covers(was: dict[str, Any], now: dict[str, Any]) -> bool:
    """Say whether an item of a list is an item that was there, or a coarser one."""
    same = all(was[name] == now[name] for name in ("video_id", "city") if name in now)
    return same and all(is_covered(name, was, now) for name in ("views", "listeners") if name in now)


@pytest.mark.timeout(3_600)
@settings(max_examples=MUTATIONS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**64))
def test_pages_that_were_tampered_with_yield_no_wrong_number(any_readable, seed: int) -> None:
    chance = random.Random(seed)
    sample, text, true = any_readable(chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        text = spoil(text, chance) if text else text
    verdict = sample.page.read(sample.capture(text), sample.subject)
    if not isinstance(verdict, Reading):
        assert "stumbled" not in verdict.detail
        return
    keys = sample.page.key
    by_key = {tuple(row[name] for name in keys): row for row in true.rows}
    for row in verdict.rows:
        was = by_key[tuple(row[name] for name in keys)]
        wrong = [name for name in row if not is_covered(name, dict(was), dict(row))]
        assert not wrong, (sample.path.name, wrong, {name: row[name] for name in wrong})
        assert not [name for name in sample.page.numbers if row[name] is not None and not row[f"{name}_step"]]


def test_a_wrong_number_would_be_seen() -> None:
    was = {"followers": 31_234, "followers_step": 1, "views": 5, "step": 1}
    assert is_covered("followers", was, {"followers": 31_000, "followers_step": 1_000})
    assert not is_covered("followers", was, {"followers": 31_000, "followers_step": 1})
    assert not is_covered("followers", was, {"followers": 30_000, "followers_step": 1_000})
    assert not is_covered("followers", was, {"followers": 0, "followers_step": 1})
