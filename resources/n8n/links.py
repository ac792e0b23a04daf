"""Addresses in n8n's editor."""

from __future__ import annotations

import re

EXECUTION = re.compile(r'"execution"\s*:\s*"?(\d{1,19})(?=["\s,}])')
WORKFLOW = re.compile(r'"workflow"\s*:\s*"([A-Za-z0-9_-]{1,36})"')


def workflow_link(editor_url: str, workflow_id: str) -> str:
    """Return where the workflow is edited."""
    return f"{editor_url.rstrip('/')}/workflow/{workflow_id}"


def execution_link(editor_url: str, workflow_id: str, execution_id: str | int) -> str:
    """Return where one execution is shown."""
    return f"{workflow_link(editor_url, workflow_id)}/executions/{execution_id}"


def view_in_n8n(editor_url: str, response_excerpt: str | None) -> str | None:
    """Return the execution that an answer of our workflows names, or None where it names none.

    The excerpt is the answer's beginning, so it may be cut short and is not read as JSON.
    """
    if not editor_url or not response_excerpt:
        return None
    workflow, execution = WORKFLOW.search(response_excerpt), EXECUTION.search(response_excerpt)
    if workflow is None or execution is None:
        return None
    return execution_link(editor_url, workflow[1], execution[1])
