"""From an answer's beginning to its execution in n8n."""

import pytest

from resources.n8n import view_in_n8n

EDITOR = "https://n8n.test/"
GOOD = '{"ok":true,"id":"evt_1","workflow":"abcDEF-_12","repeat":false,"execution":"4711"}'
LINK = "https://n8n.test/workflow/abcDEF-_12/executions/4711"


@pytest.mark.parametrize("answer", [GOOD, GOOD + "…", '  {"execution": 4711, "workflow": "abcDEF-_12"}'])
def test_answer_of_our_workflows_leads_to_its_execution(answer: str) -> None:
    assert view_in_n8n(EDITOR, answer) == LINK


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        "ok",
        '{"message": "Workflow was started"}',
        GOOD.replace('"4711"', '"47/../11"'),
        GOOD.replace("abcDEF-_12", "../../x"),
        GOOD.removesuffix('1"}'),
        GOOD.replace("workflow", "flow"),
    ],
)
def test_answer_of_another_receiver_leads_nowhere(answer: str | None) -> None:
    """Nor does one that was cut short within the number, or holds what is no id."""
    assert view_in_n8n(EDITOR, answer) is None


def test_without_an_editor_there_is_no_link() -> None:
    assert view_in_n8n("", GOOD) is None
