"""Our workflows stay as they are when n8n's editor saves them."""

import json
import subprocess
from pathlib import Path

import pytest

from pipelines.n8n_server import find
from resources.n8n.declared import declared

pytestmark = [pytest.mark.integration, pytest.mark.webhooks]

SCRIPT = Path(__file__).with_name("saved.cjs")


def test_no_parameter_equals_its_default(installed: Path) -> None:
    """The editor drops those at every save; each would read as a change that nobody made."""
    found = find(installed)
    assert found
    workflows = [one.body for one in declared()]
    done = subprocess.run(
        [found.node, "-e", SCRIPT.read_text(encoding="utf-8")],
        cwd=found.folder,
        input=json.dumps(workflows).encode(),
        capture_output=True,
        check=True,
    )
    for workflow, saved in zip(workflows, json.loads(done.stdout), strict=True):
        for node, parameters in zip(workflow["nodes"], saved, strict=True):
            assert parameters == node["parameters"], f"{workflow['name']}: {node['name']}"
