"""The fields of a JSON Schema as rows for reading."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]


class SchemaField(NamedTuple):
    """One field: ``path`` as ``payload.errors[].error``, ``kind`` as ``text or null``, and what it holds."""

    path: str
    kind: str
    is_required: bool
    description: str
    words: tuple[str, ...]


KINDS = {"string": "text", "integer": "whole number", "array": "list", "boolean": "true or false"}


def fields_of(schema: Schema) -> list[SchemaField]:
    """Return the fields of a whole body, in their order, those within others after them."""
    return list(_fields(schema, schema, ""))


def _fields(root: Schema, schema: Schema, prefix: str) -> Iterator[SchemaField]:
    required = schema.get("required", ())
    for name, declared in schema.get("properties", {}).items():
        field, path = _resolved(root, declared), f"{prefix}{name}"
        words = tuple(str(one) for one in field.get("enum", ())) or _constant(field)
        description = declared.get("description") or field.get("description", "")
        yield SchemaField(path, _kind(root, field), name in required, description, words)
        yield from _within(root, field, path)


def _within(root: Schema, field: Schema, path: str) -> Iterator[SchemaField]:
    """Yield the fields of what an object, a list's items, or an object by names holds."""
    yield from _fields(root, field, f"{path}.")
    if isinstance(items := field.get("items"), Mapping):
        yield from _fields(root, _resolved(root, items), f"{path}[].")
    if isinstance(named := field.get("additionalProperties"), Mapping):
        yield from _fields(root, _resolved(root, named), f"{path}.<name>.")


def _resolved(root: Schema, schema: Schema) -> Schema:
    """Follow a reference to one of the schema's own definitions."""
    reference: str | None = schema.get("$ref")
    return schema if reference is None else root["$defs"][reference.rpartition("/")[2]]


def _constant(field: Schema) -> tuple[str, ...]:
    return (str(field["const"]),) if "const" in field else ()


def _kind(root: Schema, field: Schema) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(root, _resolved(root, one)) for one in field["anyOf"])
    kinds = field.get("type", "string")
    listed = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(KINDS.get(one, one) for one in listed)
