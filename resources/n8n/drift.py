"""What differs between a workflow in git and its copy in n8n, past all that n8n adds by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resources.n8n.api import Json, RemoteWorkflow

ADDED_BY_N8N = {"id", "position", "notes", "notesInFlow", "createdAt", "updatedAt"}
"""Of a node: what does nothing, and what n8n or a person at the editor may move."""

LONGEST_LIST = 12


def differences(ours: Json, theirs: RemoteWorkflow) -> tuple[str, ...]:
    """Name what differs, node by node; ``ours`` is what we would write there.

    Of the settings only those count that git states: n8n adds some, and others are its owner's choice.
    """
    told = [] if ours["name"] == theirs.name else [f"name: {theirs.name}"]
    told += _of_nodes(ours["nodes"], theirs.nodes)
    told += _of_connections(ours["connections"], theirs.connections)
    settings = theirs.settings or {}
    told += [f"settings: {key}" for key, value in ours["settings"].items() if settings.get(key) != value]
    if theirs.active and theirs.active_version and not told:
        published = theirs.active_version
        nodes = _of_nodes(ours["nodes"], published.nodes)
        links = _of_connections(ours["connections"], published.connections)
        told += [f"published version: {one}" for one in (*nodes, *links)]
    return tuple(told[:LONGEST_LIST])


def _of_nodes(ours: Sequence[Json], theirs: Sequence[Json]) -> Iterator[str]:
    wanted = {node["name"]: _plain_node(node) for node in ours}
    there = {str(node.get("name")): _plain_node(node) for node in theirs}
    for name, node in wanted.items():
        if name not in there:
            yield f"node {name}: missing"
        elif node != there[name]:
            yield f"node {name}: {', '.join(_paths(node, there[name]))}"
    for name in there.keys() - wanted.keys():
        yield f"node {name}: not in git"


def _of_connections(ours: Json, theirs: Json) -> Iterator[str]:
    wanted, there = _links(ours), _links(theirs)
    for name in sorted(wanted.keys() | there.keys()):
        if wanted.get(name) != there.get(name):
            yield f"connections of {name}"


def _links(connections: Json) -> dict[str, Any]:
    """Return where each node leads; outputs that lead nowhere count as none, and their order not."""
    links: dict[str, Any] = {}
    for name, kinds in connections.items():
        for kind, outputs in kinds.items():
            for number, targets in enumerate(outputs or []):
                ends = {(to["node"], to.get("type"), to.get("index", 0)) for to in targets or []}
                if ends:
                    links.setdefault(name, {})[kind, number] = ends
    return links


def _plain_node(node: Mapping[str, Any]) -> Json:
    """Return a node without what is not its work; a flag that is off is one that is not there."""
    kept = {key: _plain(value) for key, value in node.items() if key not in ADDED_BY_N8N}
    return {key: value for key, value in kept.items() if value is not False and not _is_nothing(value)}


def _plain(value: Any) -> Any:
    """Return a value without what is empty, which n8n leaves out, and without what its editor caches."""
    if isinstance(value, dict):
        cached = {"schema"} if "mappingMode" in value else set()
        if value.get("__rl"):
            cached = {key for key in value if key.startswith("cachedResult")}
        kept = {key: _plain(item) for key, item in value.items() if key not in cached}
        return {key: item for key, item in kept.items() if not _is_nothing(item)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, dict | list) and not value)


def _paths(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yield where two values differ, as ``parameters.options.rawBody``."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                yield from _paths(ours.get(key), theirs.get(key), f"{path}.{key}" if path else key)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one != other:
                yield from _paths(one, other, f"{path}.{number}")
    else:
        yield path
