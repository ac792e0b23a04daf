"""Printed counts are read as what they say in their language, and refused where there is doubt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from babel.numbers import format_compact_decimal, format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.reading.counts import LANGUAGES, Count, read_count

SAVED = Path(__file__).parents[4] / "shared" / "pages" / "youtube" / "number_formats_36_languages.json"
LOCALES = LANGUAGES.split()


def test_every_saved_text_is_read_right() -> None:
    if not SAVED.exists():
        pytest.skip(f"{SAVED} is not here")
    samples = json.loads(SAVED.read_text(encoding="utf-8"))["samples"]
    texts = [(locale, one["text"], one["true"]) for locale, all_of in samples.items() for one in all_of]
    assert len(texts) == 252
    read = {(locale, text, true): read_count(text, locale) for locale, text, true in texts}
    assert not [key for key, count in read.items() if count is None]
    assert not [key for key, count in read.items() if not count.value <= key[2] < count.value + count.step]


@pytest.mark.parametrize(
    ("locale", "text", "value", "step"),
    [
        ("en", "5.04m subscribers", 5_040_000, 10_000),
        ("en", "5.04 million subscribers", 5_040_000, 10_000),
        ("en", "1 view", 1, 1),
        ("en", "0 views", 0, 1),
        ("en", "1,230,086 views", 1_230_086, 1),
        ("en", "698M", 698_000_000, 1_000_000),
        ("en", "1.1B views", 1_100_000_000, 100_000_000),
        ("en-IN", "1.1K crore views", 11_000_000_000, 1_000_000_000),
        ("en-IN", "12,34,567 views", 1_234_567, 1),
        ("es", "10\N{NO-BREAK SPACE}mil visualizaciones", 10_000, 1_000),
        ("es", "11 mil M de visualizaciones", 11_000_000_000, 1_000_000_000),
        ("ca", "2,4m visualitzacions", 2_400, 100),
        ("ca", "2,4M visualitzacions", 2_400_000, 100_000),
        ("af", "1,4 m kyke", 1_400_000, 100_000),
        ("tr", "2,4 B görüntüleme", 2_400, 100),
        ("id", "1,1 M x ditonton", 1_100_000_000, 100_000_000),
        ("ms", "1.4J tontonan", 1_400_000, 100_000),
        ("vi", "1,1 T lượt xem", 1_100_000_000, 100_000_000),
        ("hu", "2,4 E megtekintés", 2_400, 100),
        ("ja", "２.２万 回視聴", 22_000, 1_000),
        ("ja", "１２３ 回視聴", 123, 1),
        ("sv", "22\N{NARROW NO-BREAK SPACE}795 visningar", 22_795, 1),
        ("ar", "٢٫٤ ألف مشاهدة", 2_400, 100),
        ("ar", "\N{RIGHT-TO-LEFT MARK}١٬٢٣٤ مشاهدة", 1_234, 1),
        ("he", "\N{RIGHT-TO-LEFT MARK}1,234 צפיות", 1_234, 1),
        ("hi", "१२,३४,५६७ बार देखा गया", 1_234_567, 1),
    ],
)
def test_a_letter_means_what_its_language_means(locale: str, text: str, value: int, step: int) -> None:
    assert read_count(text, locale) == Count(value, step)


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", ""),
        ("en", "No views"),
        ("en", "-5 views"),
        ("en", "~5K views"),
        ("en", "1K+ views"),
        ("en", "<1K views"),
        ("en", "5.04"),
        ("en", "1.234M views"),
        ("en", "1,23M views"),
        ("en", "1,234K views"),
        ("en", "12,34,567,8 views"),
        ("en", "1.234 views"),
        ("en", "12 345 views"),
        ("en", "24.6Q subscribers"),
        ("en", "636Q videos"),
        ("en", "636 Q videos"),
        ("en", "636 mil views"),
        ("en", "2,4 Mrd views"),
        ("en", "5 of 7 views"),
        ("en", "5 K M views"),
        ("en", "U2 1 views" * 40),
        ("en", "5½ views"),
        ("en", "5² views"),
        ("de", "1.4 Mio. Aufrufe"),
        ("de", "22,795 Aufrufe"),
        ("de", "22K Aufrufe"),
        ("es", "1.4 M de visualizaciones"),
        ("tr", "1,4 M görüntüleme"),
        ("xx", "5 views"),
        ("", "5 views"),
        ("../en", "5 views"),
        ("en", "1" * 150 + "x"),
    ],
)
def test_doubt_is_no_count(locale: str, text: str) -> None:
    assert read_count(text, locale) is None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(LOCALES), st.integers(0, 10**12))
def test_whole_numbers_of_every_language_come_back(locale: str, number: int) -> None:
    text = format_decimal(number, locale=locale.replace("-", "_"))
    assert read_count(text, locale) == Count(number, 1)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(LOCALES), st.integers(1, 10**12), st.sampled_from(["short", "long"]))
def test_shortened_numbers_of_every_language_are_never_wrong(locale: str, number: int, form: str) -> None:
    try:
        text = format_compact_decimal(
            number, format_type=form, locale=locale.replace("-", "_"), fraction_digits=1
        )
    except KeyError:  # the language has no such form
        return
    count = read_count(text, locale)
    assert count is None or abs(count.value - number) <= count.step, text


@pytest.mark.parametrize(
    "locale", ["en", "de", "fr", "es", "it", "pt", "nl", "ru", "pl", "sv", "ja", "ko", "tr"]
)
@settings(max_examples=20, deadline=None)
@given(st.integers(1, 10**12))
def test_shortened_numbers_of_large_languages_come_back(locale: str, number: int) -> None:
    text = format_compact_decimal(number, format_type="short", locale=locale, fraction_digits=1)
    count = read_count(text, locale)
    assert count is not None, text
    assert abs(count.value - number) <= count.step


@given(st.text(), st.sampled_from(LOCALES))
def test_garbage_raises_nothing(text: str, locale: str) -> None:
    count = read_count(text, locale)
    assert count is None or (count.value >= 0 and count.step >= 1 and any(char.isdecimal() for char in text))


@given(st.text(st.characters(exclude_categories=["Nd"])), st.sampled_from(LOCALES))
def test_without_digits_there_is_no_count(text: str, locale: str) -> None:
    assert read_count(text, locale) is None or any(char.isnumeric() for char in text)


@given(st.text(), st.text())
def test_any_text_is_taken_as_a_locale(text: str, locale: str) -> None:
    read_count(text, locale)
