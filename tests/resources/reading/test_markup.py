"""HTML and the JSON in it are found, and no page takes longer than its size explains."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.reading.markup import DEEPEST, Markup
from resources.reading.values import Unreadable

HEAD = """<!DOCTYPE html><html lang="de"><head><title> A
 page </title><meta property="og:title" content="One &amp; two"><meta property="og:title" content="later">
<meta name="description" content=" "><link rel="canonical" href="https://site.example/one/?x=1"></head>"""


def test_tags_of_the_head_are_read() -> None:
    page = Markup(HEAD)
    assert (page.title, page.language, page.address) == ("A page", "de", "/one/")
    assert page.meta == {"og:title": "One & two"}


def test_the_page_s_own_address_counts_more_than_the_canonical_one() -> None:
    assert Markup(f'{HEAD}<meta property="og:url" content="https://site.example/two">').address == "/two"
    assert Markup("<html>").address is None


@pytest.mark.parametrize(
    "script",
    [
        'var state = {"a": [1]};var other = 2;',
        'window["state"] = {"a": [1]}',
        "window['state']={\"a\": [1]};",
        'x(state); state; state = broken; state = {"a": ; state = {"a": [1]} // {',
        'const text = "</div><div>"; window.state =\n {"a": [1]}',
    ],
)
def test_assigned_json_is_found(script: str) -> None:
    assert Markup(f"<div><script nonce='>'>{script}</script></div>").assigned("state") == {"a": [1]}


@pytest.mark.parametrize(
    "script",
    ["", "mystate = {}", "state == {}", "state = null", 'state = {"a": NaN}', 'state = {"a": 1', "state: {}"],
)
def test_what_is_not_assigned_is_not_found(script: str) -> None:
    assert Markup(f"<script>{script}</script>").assigned("state") is None
    assert Markup(f"<p>state = {{}}</p><script>{script}</script>").assigned("state") is None


def test_members_of_a_script_s_json_are_found() -> None:
    page = Markup('<script>{"x": [{"route" : { "id": "a"}, "HL":"en-GB", "GL": 5}]}</script>')
    assert page.member("route") == {"id": "a"}
    assert (page.said("HL"), page.said("GL"), page.member("HL")) == ("en-GB", None, None)


def test_tags_in_attributes_and_comments_are_none() -> None:
    page = Markup('<!-- <script>state = {}</script> --><p title="<script>state = {}">x</p>')
    assert page.scripts == []
    assert page.text_of("p") == "x"


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * (DEEPEST + 1),
        "<b id=1><p>" * (DEEPEST + 1),
        "<a " + " ".join(f"a{n}=1" for n in range(2_000)) + ">",
        "<a b='" * 300_000,
        "x" * 8_000_001,
    ],
)
def test_what_would_take_too_long_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        Markup(text)


@pytest.mark.parametrize(
    "text",
    [
        "<" * 2_000_000,
        "<!--" * 500_000,
        "<script>" * 300_000,
        "<script>x</script>" * 50_000,
        "<script>state = " + "[" * 2_000_000,
        "<script>state = " + '{"a":' * 400_000,
        "<script>" + 'state = {"a":[1, ' * 100_000,
        "<script>state " + " " * 2_000_000,
        '<script>state = {"a":' + "9" * 2_000_000 + "}</script>",
        '<script>state = {"' + '\\"state = {' * 200_000,
        "</div>" * 300_000,
        "&#" * 1_000_000,
    ],
    ids=lambda text: text[:20],
)
def test_time_grows_with_size_alone(text: str) -> None:
    began = time.process_time()
    page = Markup(text)
    assert (page.assigned("state"), page.member("state"), page.said("state")) == (None, None, None)
    assert time.process_time() - began < 5


@given(st.text(st.sampled_from(list("<>/!-\"'= {}[]:ascripttitlemeta\0é")), max_size=300))
def test_any_text_is_taken(text: str) -> None:
    page = Markup(text)
    assert isinstance(page.title, str)
    assert isinstance(page.meta, dict)
