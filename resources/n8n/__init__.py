"""n8n from our side: its API, git's workflows in it, how it stands, and links into its editor."""

from resources.n8n.health import Execution, Health, WorkflowHealth, health
from resources.n8n.links import view_in_n8n
from resources.n8n.place import Place, place_of
from resources.n8n.pushing import PushReport, Step, push

__all__ = [
    "Execution",
    "Health",
    "Place",
    "PushReport",
    "Step",
    "WorkflowHealth",
    "health",
    "place_of",
    "push",
    "view_in_n8n",
]
