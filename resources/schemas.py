"""The catalogue of events: their types, where n8n takes them, and their JSON Schemas in ``n8n/schemas``."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import jsonschema
import msgspec

from resources.errors import InputRefused
from resources.settings import REPOSITORY

EventType = Literal["provider.connected", "data.synced", "scraper.completed", "error.occurred"]

PATHS: dict[str, str] = {
    "provider.connected": "provider-event",
    "data.synced": "data-sync",
    "scraper.completed": "scraper-results",
    "error.occurred": "error-alerts",
}
FOLDER = REPOSITORY / "n8n" / "schemas"


@dataclass(frozen=True)
class Kind:
    """One type of event as the catalogue shows it; within a version's first number fields are only added."""

    type: str
    title: str
    description: str
    version: str
    path: str
    schema: dict[str, Any]

    @property
    def example(self) -> dict[str, Any]:
        """A whole body, as the schema's first example has it."""
        return dict(self.schema["examples"][0])


@functools.cache
def kind_of(event_type: str) -> Kind:
    """Return what is known of a type; raise ``InputRefused`` where there is none."""
    if event_type not in PATHS:
        raise InputRefused("type", f"{event_type!r} is unknown", f"use one of {', '.join(PATHS)}")
    schema: dict[str, Any] = msgspec.json.decode((FOLDER / f"{event_type}.json").read_bytes())
    about = (schema["title"], schema["description"], schema["x-version"])
    return Kind(event_type, *about, f"/webhook/{PATHS[event_type]}", schema)


def catalogue() -> Iterator[Kind]:
    """Yield every type."""
    yield from map(kind_of, PATHS)


@functools.cache
def validator_of(event_type: str) -> jsonschema.Draft202012Validator:
    """Return the validator of a type's whole body."""
    return jsonschema.Draft202012Validator(kind_of(event_type).schema)
