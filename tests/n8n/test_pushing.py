"""Push and status against a real n8n: what is in step, what was changed there, and what was missing."""

import asyncio
import stat
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from pipelines.cli import main
from pipelines.n8n_server import N8nServer
from resources.n8n import Health, health, push, view_in_n8n
from resources.n8n.place import read_embedded
from resources.settings import Settings
from tests.n8n.editing import node, save, workflow
from tests.n8n.sending import TYPES, deliver, example

pytestmark = [pytest.mark.integration, pytest.mark.webhooks, pytest.mark.timeout(600)]

Eventually = Callable[[Callable[[], Any]], Any]


def looked(settings: Settings, *, knock: bool = False) -> Health:
    found = asyncio.run(health(settings, knock=knock))
    assert found
    return found


def states(found: Health) -> dict[str, str]:
    return {one.name: one.state for one in found.workflows}


def test_n8n_is_in_step_after_a_push_and_a_second_one_changes_nothing(settings: Settings) -> None:
    """No id, position, default or note that n8n adds reads as a change."""
    assert not asyncio.run(push(settings)).changed
    found = looked(settings, knock=True)
    assert found.ok
    assert (found.version, found.key, found.credential) == ("2.40.7", "set", "there")
    assert set(states(found).values()) == {"in step", "yours"}
    assert sorted(one.webhook for one in found.workflows) == ["none"] * 2 + ["registered"] * 4


def test_looking_leaves_no_execution(settings: Settings) -> None:
    """Only a knock does."""
    before, after = looked(settings), looked(settings)
    assert [one.executions for one in before.workflows] == [one.executions for one in after.workflows]
    assert {one.webhook for one in after.workflows} == {"none", "registered"}


def test_edited_node_shows_as_drift_and_a_push_puts_it_back(settings: Settings, api: httpx.Client) -> None:
    """The difference names the node and the parameter; a node that was only moved is none."""
    one = workflow(api, "Backline: data synced")
    gate = node(one, "Genuine?")
    gate["parameters"]["conditions"]["conditions"][0]["leftValue"] = "={{ true }}"
    node(one, "Event")["position"] = [9, 9]
    save(api, one)
    (wrong,) = [one for one in looked(settings).workflows if one.state == "differs"]
    assert wrong.name == "Backline: data synced"
    assert wrong.differences == ("node Genuine?: parameters.conditions.conditions.0.leftValue",)
    assert "backline n8n push" in wrong.cure
    assert asyncio.run(push(settings, dry_run=True)).changed
    assert looked(settings).workflows != (), "a dry run changes nothing"
    assert not looked(settings).ok
    done = {step.what: step.done for step in asyncio.run(push(settings)).steps}
    assert done.pop("Backline: data synced") == "updated"
    assert set(done.values()) == {"unchanged", "kept"}
    assert looked(settings, knock=True).ok


def test_unpublished_and_deleted_workflows_come_back(
    settings: Settings, api: httpx.Client, n8n: N8nServer, owner: httpx.Client
) -> None:
    """They are told as inactive and missing, with their webhooks, and are there again after a push."""
    names = ("error occurred", "scrape completed")
    alerts, scrapes = (workflow(api, f"Backline: {name}") for name in names)
    for one, deeds in ((alerts, ["deactivate"]), (scrapes, ["deactivate", "archive"])):
        for deed in deeds:
            assert owner.post(f"/rest/workflows/{one['id']}/{deed}", json={}).is_success
    found = looked(settings)
    told = {one.name: (one.state, one.webhook) for one in found.workflows if one.cause}
    assert told == {
        "Backline: error occurred": ("inactive", "missing"),
        "Backline: scrape completed": ("missing", "none"),
    }
    done = {step.what: step.done for step in asyncio.run(push(settings)).steps}
    assert done["Backline: error occurred"] == "published"
    assert done["Backline: scrape completed"] == "created"
    assert looked(settings, knock=True).ok
    assert all(deliver(n8n, path, example(path)).status_code == 202 for path in TYPES)


def test_missing_credential_is_made_and_renewed(
    settings: Settings, api: httpx.Client, n8n: N8nServer, owner: httpx.Client
) -> None:
    """A push makes the credential, points the workflows to it, and can write a new secret into it."""
    (there,) = api.get("/credentials").json()["data"]
    assert owner.delete(f"/rest/credentials/{there['id']}").status_code == 200
    found = looked(settings)
    assert (found.ok, found.credential) == (False, "missing")
    steps = asyncio.run(push(settings)).steps
    assert (steps[0].what, steps[0].done) == ("Backline signing secret", "created")
    assert looked(settings, knock=True).ok
    assert deliver(n8n, "data-sync", example("data-sync")).status_code == 202
    assert asyncio.run(push(settings, renew_secret=True)).steps[0].done == "updated"
    assert deliver(n8n, "data-sync", example("data-sync")).status_code == 202


def test_answer_leads_to_its_execution(
    settings: Settings, n8n: N8nServer, api: httpx.Client, eventually: Eventually
) -> None:
    """What is stored of an answer is enough for the link, and the link is of that execution."""
    answer = deliver(n8n, "data-sync", example("data-sync"))
    link = view_in_n8n(n8n.url, answer.text[:512])
    workflow_id, number = answer.json()["workflow"], answer.json()["execution"]
    assert link == f"{n8n.url}/workflow/{workflow_id}/executions/{number}"
    assert eventually(lambda: api.get(f"/executions/{number}").is_success)
    links = [run.link for one in looked(settings).workflows for run in one.executions]
    assert link in links


def test_key_is_kept_readable_by_its_owner_alone(n8n: N8nServer) -> None:
    """The key that `make n8n` made is a file of HOME."""
    path = n8n.settings.home / "secrets" / "n8n_api_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_wrong_key_is_told_and_shown_nowhere(settings: Settings) -> None:
    """What can be seen without a key is told nevertheless."""
    wrong = settings.model_copy(update={"n8n_url": read_url(settings), "n8n_api_key": SecretStr("wrong-key")})
    found = looked(wrong)
    assert (found.ok, found.reachable, found.key) == (False, True, "refused")
    assert "does not accept the API key" in found.cause
    assert {one.webhook for one in found.workflows} == {"registered"}
    assert "wrong-key" not in repr(found)


def read_url(settings: Settings) -> str:
    embedded = read_embedded(settings)
    assert embedded
    return embedded.url


def test_commands_say_what_they_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`backline n8n push` and `status` need nothing but HOME beside `make n8n`."""
    monkeypatch.setenv("BACKLINE_HOME", str(settings.home))
    monkeypatch.setenv("BACKLINE_PUBLIC_URL", settings.public_url)
    for name in ("URL", "API_KEY"):
        monkeypatch.delenv(f"BACKLINE_N8N_{name}", raising=False)
    for command in ("push", "status"):
        for options in ([], ["--json"]):
            result = CliRunner().invoke(main, ["n8n", command, *options])
            assert result.exit_code == 0, result.output
    assert '"ok":true' in result.output
