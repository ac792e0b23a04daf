"""Invented names, captions and comments: nobody here is meant to be real."""

from __future__ import annotations

from simulator.mixing import mix

QUALITIES = [
    "velvet",
    "paper",
    "crooked",
    "tidal",
    "quiet",
    "rusty",
    "salted",
    "amber",
    "feral",
    "polite",
    "sleepy",
    "magnetic",
]
THINGS = [
    "lantern",
    "otter",
    "harbour",
    "teapot",
    "orchard",
    "ferry",
    "kettle",
    "walrus",
    "meadow",
    "porch",
    "bicycle",
    "mango",
]
TRADES = ["Studio", "Bakery", "Bikes", "Ceramics", "Coffee", "Prints", "Garden", "Records", "Tours", "Knits"]
OPENINGS = [
    "New on the shelf",
    "Behind the scenes",
    "Saturday mood",
    "Fresh from the workshop",
    "You asked, here it is",
    "Before and after",
    "Last one of its kind",
    "Rain again ☔",
]
TAGS = ["#handmade", "#smallbusiness", "#weekend", "#slowliving", "#shoplocal", "#behindthescenes"]
REMARKS = [
    "Beautiful!",
    "Where can I get this?",
    "🔥🔥🔥",
    "Love the colours",
    "Is it still available?",
    "Saw it in the shop yesterday",
    "😍",
    "More of this please",
    "That light!",
]


def account_username(number: int) -> str:
    """Return an account's user name; no two are the same."""
    seed = mix(227, number)
    return f"{_pick(QUALITIES, seed)}.{_pick(THINGS, seed >> 8)}.{number}"


def account_name(number: int) -> str:
    """Return the name an account shows."""
    seed = mix(227, number)
    quality, thing = _pick(QUALITIES, seed), _pick(THINGS, seed >> 8)
    return f"{quality.title()} {thing.title()} {_pick(TRADES, seed >> 16)}"


def caption(seed: int) -> str:
    """Return what stands under a post."""
    return f"{_pick(OPENINGS, seed)}: the {_pick(THINGS, seed >> 8)}.\n{_pick(TAGS, seed >> 16)}"


def remark(seed: int) -> str:
    """Return a comment's text."""
    return _pick(REMARKS, seed)


def alternative(seed: int) -> str:
    """Return what a picture shows."""
    return f"A {_pick(QUALITIES, seed)} {_pick(THINGS, seed >> 8)} on a table"


def passer_by(seed: int) -> str:
    """Return the user name of somebody who comments."""
    return f"{_pick(THINGS, seed)}_{_pick(QUALITIES, seed >> 8)}{seed >> 16 & 0xFFF}"


def _pick(choices: list[str], seed: int) -> str:
    return choices[(seed & 0xFF) % len(choices)]
