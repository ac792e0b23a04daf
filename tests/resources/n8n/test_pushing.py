"""What a push asks of n8n, and what it says about it."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from resources.errors import InputRefused, N8nError, SettingMissing
from resources.n8n import PushReport, push
from resources.n8n.place import Embedded, place_of, remember_embedded
from resources.settings import Settings
from tests.resources.n8n.fake_n8n import KEY, FakeN8n

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        n8n_url="http://n8n.test",
        n8n_api_key=SecretStr(KEY),
        n8n_signing_secrets=SecretStr(SECRET),
        public_url="https://console.test",
    )


def pushed(settings: Settings, n8n: FakeN8n, **options: bool) -> PushReport:
    return asyncio.run(push(settings, transport=n8n.transport(), **options))


def test_second_push_changes_nothing_and_says_so(settings: Settings) -> None:
    """The first makes everything; the second only looks."""
    n8n = FakeN8n()
    first = pushed(settings, n8n)
    assert first.changed
    assert {step.done for step in first.steps} == {"created"}
    n8n.asked.clear()
    second = pushed(settings, n8n)
    assert not second.changed
    assert {step.done for step in second.steps} == {"unchanged", "kept"}
    assert n8n.changes == []


def test_dry_run_changes_nothing(settings: Settings) -> None:
    """It says what would be done."""
    n8n = FakeN8n()
    assert {step.done for step in pushed(settings, n8n, dry_run=True).steps} == {"created"}
    assert n8n.changes == []


def test_what_is_written_is_this_ns(settings: Settings) -> None:
    """The console's address, and n8n's own ids of the credential and of called workflows, are filled in."""
    n8n = FakeN8n()
    pushed(settings, n8n)
    by_name = {one["name"]: one for one in n8n.workflows.values()}
    connected = by_name["Backline: account connected"]
    called = {
        node["parameters"]["workflowId"]["value"] for node in connected["nodes"] if "executeW" in node["type"]
    }
    assert called == {by_name["Backline: ask for work"]["id"], by_name["Backline: your own steps"]["id"]}
    (credential,) = n8n.credentials
    text = json.dumps(n8n.workflows)
    assert f'"crypto": {{"id": "{credential}"' in text
    assert "https://console.test/hooks/n8n" in text
    assert "backline.invalid" not in text


def test_owners_choices_outlive_a_push(settings: Settings) -> None:
    """An error workflow and the switch of the own steps are not git's to decide."""
    n8n = FakeN8n()
    pushed(settings, n8n)
    one = next(one for one in n8n.workflows.values() if one["name"] == "Backline: data synced")
    one["settings"]["errorWorkflow"] = "mine"
    steps = next(node for node in one["nodes"] if node["name"] == "Your own steps")
    steps["disabled"] = False
    assert not pushed(settings, n8n).changed
    one["nodes"] = [node for node in one["nodes"] if node["name"] != "Event"]
    (updated,) = [step for step in pushed(settings, n8n).steps if step.done == "updated"]
    assert "node Event: missing" in updated.detail
    again = n8n.workflows[one["id"]]
    assert again["settings"]["errorWorkflow"] == "mine"
    assert not next(node for node in again["nodes"] if node["name"] == "Your own steps").get("disabled")


def test_unlistable_credentials_are_left_to_a_person(settings: Settings) -> None:
    """Where n8n does not list them, the report says plainly what to make by hand."""
    n8n = FakeN8n()
    n8n.refused["GET /api/v1/credentials"] = httpx.Response(405, json={"message": "GET method not allowed"})
    report = pushed(settings, n8n)
    (by_hand,) = report.by_hand
    assert "make a credential of type Crypto" in by_hand.detail
    assert n8n.credentials == {}
    assert len(n8n.workflows) == 6


def test_secret_that_n8n_cannot_take_is_refused(settings: Settings) -> None:
    """Before anything is written."""
    odd = settings.model_copy(update={"n8n_signing_secrets": SecretStr("whsec_//////////////////////8=")})
    n8n = FakeN8n()
    with pytest.raises(InputRefused, match="printable ASCII"):
        pushed(odd, n8n)
    assert n8n.changes == []


REFUSALS = {
    "401": (httpx.Response(401, json={"message": "unauthorized"}), "does not accept the API key; make a key"),
    "403": (httpx.Response(403, json={"message": f"Forbidden {KEY}"}), "does not let this API key do that"),
    "404": (
        httpx.Response(404, text="<html>nothing</html>"),
        "(404, not JSON); correct BACKLINE_N8N_URL",
    ),
    "page": (httpx.Response(200, text="<html>a shop</html>"), "does not answer as n8n's API does"),
    "other": (httpx.Response(200, json={"hits": []}), "does not answer as n8n's API does"),
    "redirect": (
        httpx.Response(302, headers={"location": "https://login.test/?next=secret"}),
        "redirects to login.test; set BACKLINE_N8N_URL",
    ),
    "502": (httpx.Response(502, text="bad gateway"), "is not up: 502 from what stands before it"),
    "500": (httpx.Response(500, json={"message": "boom"}), "answers 500 (boom)"),
    "silence": (httpx.ReadTimeout("slow"), "does not answer in time"),
    "nobody": (httpx.ConnectError("refused"), "cannot be reached; start it, or correct BACKLINE_N8N_URL"),
    "no address": (httpx.UnsupportedProtocol("no scheme"), "is no address; correct BACKLINE_N8N_URL"),
    "no HTTP": (httpx.RemoteProtocolError("?"), "does not answer in HTTP"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_refusal_has_a_cause_and_a_cure_and_no_key(settings: Settings, kind: str) -> None:
    """Whatever answers, or does not."""
    n8n = FakeN8n()
    n8n.refused["GET /api/v1/"], words = REFUSALS[kind]
    with pytest.raises(N8nError) as refused:
        pushed(settings, n8n)
    message = str(refused.value)
    assert words in message
    assert message.startswith("n8n at http://n8n.test ")
    assert KEY not in message
    assert "secret" not in message


def test_key_is_shown_to_no_stranger(settings: Settings) -> None:
    """What does not answer as n8n does is asked for nothing more."""
    n8n = FakeN8n()
    n8n.refused["GET /healthz"] = httpx.Response(200, text="a shop")
    with pytest.raises(N8nError, match="does not answer as n8n does; correct BACKLINE_N8N_URL"):
        pushed(settings, n8n)
    assert not [one for one in n8n.asked if "x-n8n-api-key" in one.headers]


def test_missing_settings_are_named(settings: Settings) -> None:
    """Without an address or a key there is nothing to push to."""
    with pytest.raises(SettingMissing, match="BACKLINE_N8N_URL"):
        pushed(settings.model_copy(update={"n8n_url": ""}), FakeN8n())
    with pytest.raises(SettingMissing, match="BACKLINE_N8N_API_KEY"):
        pushed(settings.model_copy(update={"n8n_api_key": SecretStr("")}), FakeN8n())


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("", True),
        ("http://127.0.0.1:5678", True),
        ("http://localhost:5678/", True),
        ("http://localhost:5679", False),
        ("https://127.0.0.1:5678", False),
        ("https://n8n.example.com", False),
        ("http://[", False),
    ],
)
def test_embedded_key_goes_to_the_embedded_n8n_alone(settings: Settings, url: str, *, known: bool) -> None:
    """The key that `make n8n` left in HOME is shown to no other n8n."""
    remember_embedded(settings, Embedded("http://127.0.0.1:5678", "embedded-key"))
    place = place_of(settings.model_copy(update={"n8n_url": url, "n8n_api_key": SecretStr("")}))
    assert place
    assert place.key.get_secret_value() == ("embedded-key" if known else "")
    assert "embedded-key" not in repr(place)
