"""The workflow that belongs to whoever runs n8n: a push makes it once and never touches it again."""

from __future__ import annotations

from n8n.generator.nodes import Json, node, to, workflow
from resources.n8n.declared import YOURS

NAME = "Backline: your own steps"


def yours() -> Json:
    """Return it as it is at first: every event comes in, and nothing is done.

    Its good executions are not kept at first, since they say nothing yet and cost n8n as much as ours.
    """
    nodes = [
        node("Every event", "executeWorkflowTrigger", 1.2, (0, 0), {"inputSource": "passthrough"}),
        node("Add your steps after this", "noOp", 1, (1, 0), {}),
    ]
    connections = {"Every event": to("Add your steps after this")}
    return workflow(YOURS, NAME, "your-own-steps", nodes, connections, saveDataSuccessExecution="none")
