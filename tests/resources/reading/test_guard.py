"""What all readers have in common."""

from __future__ import annotations

from resources.reading.guard import LONGEST_BODY, guarded, layout_changed, missing_of
from resources.reading.values import Unreadable
from resources.reading.verdict import Capture, Outcome, Reading, Refusal, Verdict

READING = Reading(({"a": 1},), "layout_2026_01")
FIRST = Refusal(Outcome.CONSENT_WALL, "first")


def read(capture: Capture, subject: str) -> Verdict:
    if subject == "unreadable":
        raise Unreadable("it is upside down")
    if subject == "faulty":
        raise KeyError("secret of the page")
    return READING


READER = guarded(lambda capture: FIRST if "consent" in capture.url else None)(read)


def test_a_sound_page_is_read() -> None:
    assert READER(Capture("https://x.example", 200, "x"), "a") is READING


def test_the_site_s_own_look_comes_before_the_status() -> None:
    assert READER(Capture("https://consent.x.example", 429, "x"), "a") is FIRST


def test_nothing_and_too_much_are_no_page() -> None:
    for status, body in ((200, " \n"), (0, "x"), (200, "x" * (LONGEST_BODY + 1)), (204, "x"), (301, "x")):
        verdict = READER(Capture("https://x.example", status, body), "a")
        expected = Outcome.LAYOUT_CHANGED if status in {204, 301} else Outcome.TIMED_OUT
        assert verdict.outcome is expected


def test_what_is_raised_is_a_refusal() -> None:
    capture = Capture("https://x.example", 200, "x")
    told = {subject: READER(capture, subject) for subject in ("unreadable", "faulty")}
    assert {verdict.outcome for verdict in told.values()} == {Outcome.LAYOUT_CHANGED}
    assert "upside down" in told["unreadable"].detail
    assert told["faulty"].detail == "The reader stumbled: KeyError."


def test_missing_fields_are_named() -> None:
    row = {"a": 0, "b": None, "c": ""}
    assert missing_of(row, ("a", "b", "c", "d")) == ("b", "d")
    assert layout_changed("b", "d").missing == ("b", "d")
