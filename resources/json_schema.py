"""JSON Schemas as they can stand anywhere: without references, and without the titles pydantic makes up."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def schema_of_model(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema in one piece; the model must not contain itself."""
    schema = model.model_json_schema()
    return dict(_inlined(schema, schema.pop("$defs", {})))


def _inlined(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(one, parts) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        part = parts[node["$ref"].rpartition("/")[2]]
        return _inlined(part | _without(node, "$ref"), parts)
    return {
        name: {field: _inlined(_without(one, "title"), parts) for field, one in value.items()}
        if name == "properties"
        else _inlined(value, parts)
        for name, value in node.items()
    }


def _without(node: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != name}
