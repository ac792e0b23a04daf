"""Printed counts: "1,4 Mio. Aufrufe" to a value and what its last printed digit is worth, or a refusal.

The words for thousands and millions are CLDR's (through Babel), with those of YouTube where it prints
others: the same letter is a thousand in one language and a billion in the next. Counts that are shortened
are cut off, not rounded, so the true value lies in ``[value, value + step)``.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale, UnknownLocaleError

LONGEST_TEXT = 200
LONGEST_FRACTION = 2  # a third digit could as well be a group of another language's thousands
NUMBER = re.compile(r"\d+(?:[.,٫٬'’ ]\d+)*")
ARABIC_DECIMAL, ARABIC_GROUP = "٫", "٬"
TOKEN = re.compile(r"[^\W\d_][^\s\d.,;:!?()]*[.]?")
THOUSAND, MILLION, BILLION = 10**3, 10**6, 10**9

LANGUAGES = """
af am ar as az be bg bn bs ca cs da de el en en-GB en-IN es es-419 es-US et eu fa fi fil
fr fr-CA gl gu he hi hr hu hy id is it ja ka kk km kn ko ky
lo lt lv mk ml mn mr ms my ne nl no or pa pl pt pt-PT ro
ru si sk sl sq sr sr-Latn sv sw ta te th tr uk ur uz vi zh-CN zh-HK zh-TW zu
"""
"""The languages that YouTube's pages come in."""

PRINTED: Mapping[str, Mapping[str, int]] = {
    "en": {"k": THOUSAND, "m": MILLION, "b": BILLION, "bn": BILLION},
    "en_IN": {"lakh": 10**5, "crore": 10**7, "K crore": 10**10, "lakh crore": 10**12},
    "it": {"Mrd": BILLION},
    "ca": {"m": THOUSAND, "mM": BILLION},
}
"""What YouTube prints that CLDR does not list, by locale; seen on its pages."""

CONNECTORS = frozenset({"de", "di", "x"})
"""Short words that may stand between a number and what is counted: "135 M de vues", "22 x ditonton"."""


@dataclass(frozen=True)
class Count:
    """A printed count; ``step`` is what its last printed digit is worth, 1 where it is exact."""

    value: int
    step: int


@dataclass(frozen=True)
class _Notation:
    decimal: str
    group: str
    after: Mapping[str, int]
    before: Mapping[str, int]
    words: frozenset[str]


def read_count(text: str, locale: str) -> Count | None:
    """Return the one count that a text prints in a locale (``en``, ``es-419``), or ``None``.

    ``None`` wherever there is doubt: no number or several, a sign, a word for a multiple that the locale
    does not have, a separator that stands where the locale puts none.
    """
    notation = _notation_of(locale)
    if notation is None or len(text) > LONGEST_TEXT:
        return None
    plain = _plain(text)
    found = list(NUMBER.finditer(plain))
    if len(found) != 1 or any(unicodedata.category(char) == "No" for char in plain):  # 5² is not 5
        return None
    (number,) = found
    ahead, behind = plain[: number.start()], plain[number.end() :]
    multiple = _multiple(ahead, behind, notation)
    return None if multiple is None else _count(number.group(), multiple, notation)


def _plain(text: str) -> str:
    """Return the text with plain digits and spaces, without marks that only steer its direction."""
    return "".join(_plain_char(char) for char in unicodedata.normalize("NFC", text))


def _plain_char(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if char.isspace():
        return " "
    if unicodedata.decomposition(char).startswith("<wide>"):
        return unicodedata.normalize("NFKC", char)
    return "" if unicodedata.category(char) in {"Cf", "Cc"} else char


def _multiple(ahead: str, behind: str, notation: _Notation) -> int | None:
    """Return what the number is multiplied by, ``None`` where what stands around it is not understood."""
    if ahead and not ahead[-1].isspace() and _joins(ahead[-1]):
        return None
    word = ahead.rstrip().rpartition(" ")[2]
    if word in notation.before:
        return notation.before[word] if _is_plain(behind) else None
    if word.casefold() in _every_multiple():
        return None
    for printed, multiple in notation.after.items():
        rest = behind.lstrip()
        if rest.startswith(printed) and _ends(printed, rest[len(printed) :]):
            return multiple if _is_plain(f" {rest[len(printed) :]}") else None
    return 1 if _is_plain(behind) else None


def _joins(char: str) -> bool:
    """Say whether a character right before a number belongs to it: a sign, a letter of a name."""
    return char in "+-−–~<>≈±.,/#$€£%" or (char.isalnum() and not _is_dense(char))


def _ends(printed: str, rest: str) -> bool:
    return not rest or not rest[0].isalpha() or _is_dense(printed[-1])


def _is_plain(rest: str) -> bool:
    """Say whether what follows only names what is counted: no sign, and no word for a multiple."""
    if not rest.strip():
        return True
    if not rest[0].isspace() and not _is_dense(rest[0]):
        return False
    word = TOKEN.match(rest.lstrip())
    if word is None:
        return False
    token = word.group()
    if _is_dense(token[0]):
        return not any(token.startswith(one) for one in _every_multiple() if _is_dense(one[0]))
    if token.casefold() in _every_multiple() or token.endswith("."):
        return False
    return len(token) > 2 or token in CONNECTORS  # noqa: PLR2004  # two letters abbreviate something


@functools.cache
def _is_dense(char: str) -> bool:
    """Say whether a character is of a script that is written without spaces, or glues its counters on."""
    return unicodedata.name(char, "").startswith(("CJK", "HANGUL", "HIRAGANA", "KATAKANA", "THAI"))


def _count(number: str, multiple: int, notation: _Notation) -> Count | None:
    number = number.replace(ARABIC_DECIMAL, notation.decimal).replace(ARABIC_GROUP, notation.group)
    whole, decimal, fraction = number.partition(notation.decimal)
    if multiple == 1:
        digits = None if decimal else _ungrouped(number, notation.group)
        return Count(int(digits), 1) if digits else None
    if not whole.isdecimal() or (decimal and not fraction.isdecimal()) or len(fraction) > LONGEST_FRACTION:
        return None
    worth = 10 ** len(fraction)
    return Count(int(whole + fraction) * multiple // worth, multiple // worth)


def _ungrouped(number: str, group: str) -> str | None:
    """Return the digits of a whole number, ``None`` where its groups are not the locale's."""
    if number.isdecimal():
        return number
    first, *groups = number.split(group)
    if not first.isdecimal() or not groups or not all(part.isdecimal() for part in groups):
        return None
    sizes = [len(part) for part in groups]
    western = len(first) <= 3 and set(sizes) == {3}  # noqa: PLR2004  # 1,234,567
    indian = len(first) <= 2 and sizes[-1] == 3 and set(sizes[:-1]) == {2}  # noqa: PLR2004  # 12,34,567
    return number.replace(group, "") if western or indian else None


@functools.lru_cache(maxsize=256)
def _notation_of(name: str) -> _Notation | None:
    try:
        locale = Locale.parse(name.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        return None
    symbols = locale.number_symbols.get("latn", {})
    after: dict[str, set[int]] = {}
    before: dict[str, set[int]] = {}
    for ahead, behind, multiple in _patterns(locale):
        found, word = (after, behind) if behind else (before, ahead)
        found.setdefault(word, set()).add(multiple)
    sure: dict[str, int] = {word: next(iter(found)) for word, found in after.items() if len(found) == 1}
    sure.update(PRINTED.get(locale.language, {}))
    sure.update(PRINTED.get(str(locale), {}))
    return _Notation(
        decimal=symbols.get("decimal", "."),
        group=_plain(symbols.get("group", ",")),
        after=dict(sorted(sure.items(), key=lambda pair: -len(pair[0]))),  # "mil M" before "mil"
        before={word: next(iter(found)) for word, found in before.items() if len(found) == 1},
        words=frozenset({*after, *before, *sure}),
    )


def _patterns(locale: Locale) -> Iterator[tuple[str, str, int]]:
    """Yield what stands before and after a shortened number, and what it is multiplied by."""
    formats: Any = locale.compact_decimal_formats
    for form in ("short", "long"):
        for plural in formats.get(form, {}) if form in formats else ():
            for magnitude, pattern in formats[form][plural].items():
                zeros, sides = pattern.pattern.count("0"), (pattern.prefix, pattern.suffix)
                ahead, behind = (_plain(part[0].replace("'", "")).strip() for part in sides)
                if zeros and (ahead or behind) and not (ahead and behind):
                    yield ahead, behind, int(magnitude) // 10 ** (zeros - 1)


@functools.cache
def _every_multiple() -> frozenset[str]:
    """Every word for a multiple in the languages of YouTube: none of them is what is counted."""
    words: set[str] = set()
    for name in LANGUAGES.split():
        notation = _notation_of(name)
        if notation is not None:
            words |= {word.casefold() for word in notation.words}
            words |= {word.casefold().rstrip(".") for word in notation.words}
    return frozenset(words - CONNECTORS)
