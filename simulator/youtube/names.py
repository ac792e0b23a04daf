"""Invented titles, handles and comments: no channel, video or person here is meant to be a real one."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.mixing import mix
from simulator.names import ADJECTIVES, NOUNS, PLACES, person_name

SUBJECTS = ["Kitchen", "Workshop", "Garden", "Travels", "Studio", "Radio", "Lab", "Diaries"]
OPENINGS = [
    "How I built",
    "Restoring",
    "A day with",
    "Drawing",
    "Reviewing",
    "The trouble with",
    "Fixing",
    "Inside",
]
COMMENTS = [
    "First time I understood this & I watched it twice.",
    "The part at 2:10 is <3",
    "Greetings from {place}!",
    "Please do the {noun} next.",
    'My {noun} says "thank you".',
    "I disagree, but politely.",
]
TAGS = ["howto", "vlog", "restoration", "slow", "handmade", "weekly", "science", "music"]


def channel_title(account: int) -> str:
    """Return what a channel is called until its person renames it."""
    seed = mix(201, account)
    subject = _pick(SUBJECTS, seed)
    shapes = (
        f"{person_name(account)}",
        f"{person_name(account)}'s {subject}",
        f"The {_pick(ADJECTIVES, seed >> 16)} {subject}",
        f"{_pick(NOUNS, seed >> 16)} & {_pick(NOUNS, seed >> 24)}",
    )
    return _pick(shapes, seed >> 40)


def handle(account: int) -> str:
    """Return a channel's handle, without its ``@``; it ends with the account's number."""
    return "".join(letter for letter in person_name(account).lower() if letter.isalpha()) + str(account)


def account_of(name: str) -> int | None:
    """Return whose handle it is, with or without its ``@``."""
    text = name.removeprefix("@").lower()
    digits = text[len(text.rstrip("0123456789")) :]
    account = int(digits) if 0 < len(digits) < 12 else None  # noqa: PLR2004  # no account has more digits
    return account if account is not None and handle(account) == text else None


def video_title(number: int, revision: int) -> str:
    """Return a video's title, which every revision changes."""
    seed = mix(203, number)
    title = f"{_pick(OPENINGS, seed)} the {_pick(ADJECTIVES, seed >> 8)} {_pick(NOUNS, seed >> 16)}"
    return f"{title} (take {revision + 1})" if revision else title


def description(number: int) -> str:
    """Return what stands under a video."""
    seed = mix(207, number)
    place, noun = _pick(PLACES, seed), _pick(NOUNS, seed >> 8)
    chapters = f"0:00 Start\n1:00 The {noun}"
    return f"Filmed in {place} with a borrowed {noun}.\n\n{chapters}\n\nhttps://example.com/{seed % 997}"


def tags(number: int) -> list[str]:
    """Return none to three tags."""
    seed = mix(209, number)
    return sorted({_pick(TAGS, seed >> 8 * place) for place in range(seed % 4)})


def playlist_title(number: int) -> str:
    """Return what a playlist is called."""
    seed = mix(211, number)
    return f"{_pick(ADJECTIVES, seed)} {_pick(SUBJECTS, seed >> 8)}"


def comment(number: int, place: int) -> str:
    """Return what somebody wrote under a video."""
    seed = mix(213, number, place)
    return _pick(COMMENTS, seed).format(place=_pick(PLACES, seed >> 8), noun=_pick(NOUNS, seed >> 16))


def _pick(choices: Sequence[str], seed: int) -> str:
    return choices[(seed & 0xFF) % len(choices)]
