"""The ``fields`` parameter: a list of names, each with a list of its own in braces where it holds objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.instagram import errors
from simulator.instagram.errors import Refused
from simulator.instagram.ids import Node
from simulator.instagram.state import State

Wanted = dict[str, "Wanted"]
Reader = Callable[[State, Node], Any]
TOKEN = re.compile(r"[A-Za-z0-9_]+|[{},.()]")
DEEPEST = 4


@dataclass(frozen=True)
class Shape:
    """What may be asked of one kind of thing.

    ``readers`` give a field's value, ``None`` where the thing lacks it. ``parts`` are the fields of a field
    that is an object; the first alone stands where none is asked. ``children`` are of the same shape.
    ``elsewhere`` are fields that Instagram has and the simulator has not.
    """

    type: str
    readers: Mapping[str, Reader]
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    children: Callable[[State, Node], list[Node]] | None = None
    elsewhere: tuple[str, ...] = ()


def parse(text: str) -> Wanted:
    """Read the parameter; raise ``Refused`` (2500) where it is no list of names."""
    tokens = TOKEN.findall(text.replace(" ", ""))
    if "".join(tokens) != text.replace(" ", "") or not tokens:
        raise _syntax(text)
    wanted, rest = _list(tokens, text, 0)
    if rest:
        raise _syntax(text)
    return wanted


def _list(tokens: list[str], text: str, depth: int) -> tuple[Wanted, list[str]]:
    wanted: Wanted = {}
    while True:
        if not tokens or not tokens[0][0].isalnum() or depth > DEEPEST:
            raise _syntax(text)
        name, tokens = tokens[0], tokens[1:]
        inner: Wanted = {}
        if tokens[:1] in (["."], ["("]):
            raise errors.not_simulated(f"modifiers of a field: {name}{tokens[0]}")
        if tokens[:1] == ["{"]:
            inner, tokens = _list(tokens[1:], text, depth + 1)
            if tokens[:1] != ["}"]:
                raise _syntax(text)
            tokens = tokens[1:]
        wanted.setdefault(name, {}).update(inner)
        if tokens[:1] != [","]:
            return wanted, tokens
        tokens = tokens[1:]


def _syntax(text: str) -> Refused:
    return Refused(f"Syntax error in the fields parameter: {text[:80]}", 2500, kind=errors.OAUTH)


def check(shape: Shape, wanted: Wanted) -> None:
    """Raise ``Refused`` where the shape has no such field."""
    for name, inner in wanted.items():
        if name == "children" and shape.children is not None:
            check(shape, inner)
        elif name in shape.elsewhere:
            raise errors.not_simulated(f"the field {name}")
        elif name not in shape.readers:
            raise _unknown(name, shape)
        elif unknown := [part for part in inner if part not in shape.parts.get(name, ())]:
            raise _unknown(unknown[0], shape)


def _unknown(name: str, shape: Shape) -> Refused:
    return Refused(f"(#100) Tried accessing nonexisting field ({name}) on node type ({shape.type})")


def read(shape: Shape, state: State, node: Node, wanted: Wanted) -> dict[str, Any]:
    """Return the fields wanted that the thing has; ``id`` always comes along."""
    body: dict[str, Any] = {}
    for name, inner in wanted.items():
        if name == "children" and shape.children is not None:
            value: Any = _children(shape, state, node, inner)
        else:
            value = shape.readers[name](state, node)
            if value is not None and name in shape.parts:
                keys = tuple(inner) or shape.parts[name][:1]
                value = {key: value[key] for key in {**dict.fromkeys(keys), "id": None} if key in value}
        if value is not None:
            body[name] = value
    return body if "id" in body else {**body, "id": node.id}


def _children(shape: Shape, state: State, node: Node, inner: Wanted) -> dict[str, Any] | None:
    nodes = shape.children(state, node) if shape.children else []
    return {"data": [read(shape, state, child, inner or {"id": {}}) for child in nodes]} if nodes else None
