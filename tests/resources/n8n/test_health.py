"""How an n8n stands, by what it answers."""

import asyncio
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from resources.n8n import Health, health, push
from resources.settings import Settings
from tests.resources.n8n.fake_n8n import KEY, FakeN8n


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        n8n_url="http://n8n.test",
        n8n_editor_url="https://editor.test",
        n8n_api_key=SecretStr(KEY),
    )


@pytest.fixture
def n8n(settings: Settings) -> FakeN8n:
    made = FakeN8n()
    asyncio.run(push(settings, transport=made.transport()))
    made.asked.clear()
    return made


def looked(settings: Settings, n8n: FakeN8n, *, knock: bool = False) -> Health:
    found = asyncio.run(health(settings, knock=knock, transport=n8n.transport()))
    assert found
    return found


def test_nothing_is_asked_where_no_n8n_is_named(tmp_path: Path) -> None:
    assert asyncio.run(health(Settings(home=tmp_path, n8n_url=""))) is None


def test_look_changes_nothing_and_runs_nothing(settings: Settings, n8n: FakeN8n) -> None:
    """Webhooks are asked for by a method that they do not take."""
    found = looked(settings, n8n)
    assert found.ok
    assert (found.version, found.key, found.credential) == ("2.40.7", "set", "there")
    assert n8n.changes == []


def test_knock_is_refused_by_a_webhook_that_verifies(settings: Settings, n8n: FakeN8n) -> None:
    assert looked(settings, n8n, knock=True).ok
    assert len(n8n.changes) == 4
    n8n.refused["POST /webhook/data-sync"] = httpx.Response(500, json={"message": "no credential"})
    found = looked(settings, n8n, knock=True)
    (wrong,) = [one for one in found.workflows if one.cause]
    assert not found.ok
    assert wrong.cause == "its webhook does not refuse an unsigned request: it answered 500"


def test_without_a_key_what_is_seen_from_outside_is_told(settings: Settings, n8n: FakeN8n) -> None:
    """Whether workflows differ is then said not to be known."""
    found = looked(settings.model_copy(update={"n8n_api_key": SecretStr("")}), n8n)
    assert (found.ok, found.key, found.version) == (True, "missing", "2.40.7")
    assert {(one.state, one.webhook) for one in found.workflows} == {("unknown", "registered")}
    assert "BACKLINE_N8N_API_KEY" in found.notes[0]


def test_refused_key_is_told_beside_what_is_seen_from_outside(settings: Settings, n8n: FakeN8n) -> None:
    found = looked(settings.model_copy(update={"n8n_api_key": SecretStr("another")}), n8n)
    assert (found.ok, found.key, len(found.workflows)) == (False, "refused", 4)
    assert found.cause == "does not accept the API key"
    assert "another" not in repr(found)


STRANGE = "answers, but does not answer as n8n does"


@pytest.mark.parametrize(
    ("answer", "reachable", "cause"),
    [
        (httpx.ConnectError("refused"), False, "cannot be reached"),
        (httpx.ConnectTimeout("slow"), False, "does not answer in time"),
        (httpx.Response(503, text="starting"), False, "is not up: 503 from what stands before it"),
        (httpx.Response(200, text="<html>hello</html>"), True, STRANGE),
        (httpx.Response(404, text="nothing"), True, STRANGE),
        (httpx.Response(302, headers={"location": "https://login.test"}), True, STRANGE),
    ],
)
def test_what_is_no_n8n_is_told_apart_from_nothing(
    settings: Settings, n8n: FakeN8n, answer: httpx.Response | Exception, *, reachable: bool, cause: str
) -> None:
    """Nothing more is asked of it, and the key is not shown to it."""
    n8n.refused["GET /healthz"] = answer
    found = looked(settings, n8n)
    assert (found.reachable, found.is_n8n, found.ok, found.workflows) == (reachable, False, False, ())
    assert found.cause == cause
    assert found.cure
    assert not [one for one in n8n.asked if "x-n8n-api-key" in one.headers]


def test_executions_are_told_newest_first_with_links(settings: Settings, n8n: FakeN8n) -> None:
    (one,) = [one for one in n8n.workflows.values() if one["name"] == "Backline: data synced"]
    for number, status in ((7, "running"), (6, "error"), (5, "success")):
        n8n.executions.append(
            {
                "id": str(number),
                "workflowId": one["id"],
                "status": status,
                "mode": "webhook",
                "startedAt": None,
            }
        )
    (seen,) = [it for it in looked(settings, n8n).workflows if it.executions]
    assert [run.status for run in seen.executions] == ["running", "error"], "a page of two, as this n8n gives"
    assert seen.executions[0].link == f"https://editor.test/workflow/{one['id']}/executions/7"
    assert seen.last_failed


def test_key_that_sees_no_executions_is_no_fault(settings: Settings, n8n: FakeN8n) -> None:
    n8n.refused["GET /api/v1/executions"] = httpx.Response(403, json={"message": "Forbidden"})
    assert looked(settings, n8n).ok


def test_unpublished_workflow_of_yours_is_left_to_you(settings: Settings, n8n: FakeN8n) -> None:
    for one in n8n.workflows.values():
        one["active"] = one["name"] != "Backline: your own steps"
    (wrong,) = [one for one in looked(settings, n8n).workflows if one.cause]
    assert (wrong.state, wrong.cure) == ("inactive", "publish it in n8n; a push leaves it alone")
