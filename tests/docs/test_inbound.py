"""The page of calls from n8n says all that the endpoint takes and answers."""

from __future__ import annotations

import json
import re

import pytest

from console.calls import HEADLINES
from resources.errors import InputRefused
from resources.inbound import refusals
from resources.inbound.door import HEADERS
from resources.inbound.orders import CALLS, EventFilter
from resources.inbound.reading import read

PAGE = "docs/reference/inbound.md"


def refused() -> set[tuple[int, str]]:
    """Return status and reason of every refusal."""
    problem = refusals.FieldProblem("f", "p", "c")
    made = [
        *(refusals.too_large(), refusals.too_slow(), refusals.not_allowed(), refusals.too_many(1)),
        *(refusals.bad_headers(["h"]), refusals.wrong_time(), refusals.not_signed(), refusals.not_json()),
        *(
            refusals.not_a_call([problem]),
            refusals.not_there(InputRefused("f", "p", "c")),
            refusals.conflict(),
        ),
    ]
    return {(int(one.status), one.reason) for one in made}


def test_every_refusal_is_documented(page) -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page(PAGE).text, re.MULTILINE)
    assert {(int(status), reason) for status, reason in rows} == refused() | {(503, "unavailable")}


def test_headers_and_states_are_documented(page, cells) -> None:
    named = cells(page(PAGE).text)
    assert set(HEADERS) <= set(named)
    assert set(HEADLINES) <= set(named)


@pytest.mark.parametrize("call_type", CALLS)
def test_fields_of_calls_are_documented(page, call_type: str) -> None:
    section = page(PAGE).section(f"### `{call_type}`")
    fields = CALLS[call_type].model_fields["data"].annotation.model_fields
    names = [field.alias or name for name, field in fields.items()]
    names += list(EventFilter.model_fields) if call_type == "replay.requested" else []
    assert not [name for name in names if f"`{name}`" not in section]


def test_the_example_is_a_call(page) -> None:
    example = page(PAGE).section("## A call").partition("```json\n")[2].partition("\n```")[0]
    assert read(example.encode()).type == json.loads(example)["type"]
