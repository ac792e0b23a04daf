"""What n8n did, read from its own SQLite database."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FINISHED = """
    select e.id, w.name, e.status, d.data
    from execution_entity e
    join execution_data d on d.executionId = e.id
    join workflow_entity w on w.id = e.workflowId
    where e.stoppedAt is not null
    order by e.id
"""


@dataclass(frozen=True)
class Execution:
    """One finished execution of a workflow, by its name: the nodes that ran, and what "Event" gave out."""

    id: int
    workflow: str
    status: str
    nodes: tuple[str, ...]
    event: dict[str, Any] | None

    @property
    def worked(self) -> bool:
        """Whether it took the event in, and neither refused nor dropped it."""
        return self.status == "success" and self.event is not None


def read(database: Path) -> tuple[Execution, ...]:
    """Return all finished executions, oldest first."""
    with closing(
        sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    ) as connection:
        return tuple(_execution(*row) for row in connection.execute(FINISHED))


def _execution(number: int, workflow: str, status: str, flatted: str) -> Execution:
    runs: dict[str, Any] = _unflatten(flatted).get("resultData", {}).get("runData", {})
    event = runs["Event"][0]["data"]["main"][0][0]["json"] if "Event" in runs else None
    return Execution(number, workflow, status, tuple(runs), event)


def _unflatten(text: str) -> dict[str, Any]:
    """Read the ``flatted`` form: a list of values, in which each string inside a container is an index.

    Source: https://github.com/WebReflection/flatted
    """
    values = json.loads(text)

    def value(index: str) -> Any:
        return resolved(values[int(index)])

    def resolved(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: value(inner) if isinstance(inner, str) else inner for key, inner in item.items()}
        if isinstance(item, list):
            return [value(inner) if isinstance(inner, str) else inner for inner in item]
        return item

    tree = resolved(values[0])
    return tree if isinstance(tree, dict) else {}
