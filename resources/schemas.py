"""The events' JSON Schemas, as they lie in ``n8n/schemas``."""

from __future__ import annotations

import functools
from typing import Any

import jsonschema
import msgspec

from resources.errors import InputRefused
from resources.events import PATHS
from resources.settings import REPOSITORY

FOLDER = REPOSITORY / "n8n" / "schemas"


@functools.cache
def schema_of(event_type: str) -> dict[str, Any]:
    """Return the schema of a type; raise ``InputRefused`` where there is none."""
    if event_type not in PATHS:
        raise InputRefused("type", f"{event_type!r} is unknown", f"use one of {', '.join(PATHS)}")
    schema: dict[str, Any] = msgspec.json.decode((FOLDER / f"{event_type}.json").read_bytes())
    return schema


@functools.cache
def validator_of(event_type: str) -> jsonschema.Draft202012Validator:
    """Return the validator of a type's whole body."""
    return jsonschema.Draft202012Validator(schema_of(event_type))


def sample_of(event_type: str) -> dict[str, Any]:
    """Return a sample body, as the schema's first example has it."""
    return dict(schema_of(event_type)["examples"][0])
