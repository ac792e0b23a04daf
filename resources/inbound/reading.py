"""A call's body, read into what it asks for; what is wrong is named by field, never shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from resources.inbound.orders import CALLS, READER, Call
from resources.inbound.refusals import FieldProblem

LONGEST_FIELD, MOST_PROBLEMS = 80, 20
LEAVE_OUT, SEE_SCHEMA = "leave it out", "see the schema in /openapi.json"
A_DAY = "use a day such as 2026-11-23"
TYPES = f"use one of {', '.join(CALLS)}"
SAYINGS: Mapping[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "missing": lambda _: ("is missing", "give it"),
    "extra_forbidden": lambda _: ("is unknown", LEAVE_OUT),
    "union_tag_invalid": lambda _: ("is unknown", TYPES),
    "union_tag_not_found": lambda _: ("is missing", TYPES),
    "string_pattern_mismatch": lambda of: ("is not spelled so", f"use what fits {of['pattern']}"),
    "literal_error": lambda of: ("is unknown", f"use {of['expected']}"),
    "too_long": lambda of: ("has too many entries", f"give at most {of['max_length']}"),
    "too_short": lambda _: ("is empty", LEAVE_OUT),
    "value_error": lambda of: ("is not taken so", str(of["error"])),
    "date_type": lambda _: ("is no day", A_DAY),
    "date_parsing": lambda _: ("is no day", A_DAY),
    "bool_type": lambda _: ("is neither true nor false", "use true or false, without quotes"),
    "string_type": lambda _: ("is no text", SEE_SCHEMA),
    "list_type": lambda _: ("is no list", SEE_SCHEMA),
}


class NotJson(Exception):  # an answer to whoever called
    """The body is not JSON."""


class NotACall(Exception):  # an answer to whoever called
    """The body is JSON that asks for nothing known; ``problems`` say where."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} fields")


def read(body: bytes) -> Call:
    """Return what a body asks for; raise ``NotJson`` or ``NotACall``."""
    try:
        return READER.validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    if any(one["type"] == "json_invalid" for one in found):
        raise NotJson
    raise NotACall([_problem(one) for one in found[:MOST_PROBLEMS]])


def _problem(found: Any) -> FieldProblem:
    problem, cure = ("is not what it should be", SEE_SCHEMA)
    if found["type"] in SAYINGS:
        problem, cure = SAYINGS[found["type"]](found.get("ctx", {}))
    return FieldProblem(_field(found), problem, cure)


def _field(found: Any) -> str:
    """Return the path of a field, without the type that pydantic puts before it."""
    if found["type"].startswith("union_tag"):
        return "type"
    path = [str(part) for part in found["loc"] if part not in CALLS]
    name = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in path).lstrip(".")
    return "".join(c for c in name if c.isprintable())[:LONGEST_FIELD] or "the body"
