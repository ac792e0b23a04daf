"""Our signatures and the JavaScript ``standardwebhooks`` package agree, both ways.

It is pinned in ``n8n/package-lock.json`` and is run by the Node that n8n stands on.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.n8n_server import Installation, find
from resources.signing import SigningSecret, signed_headers, verify
from tests.n8n.sending import TYPES, example

pytestmark = [pytest.mark.integration, pytest.mark.webhooks]

SCRIPT = Path(__file__).with_name("verify.cjs")


@pytest.fixture(scope="module")
def node(installed: Path) -> Installation:
    """n8n's Node, or a skip where its folder lacks the package."""
    found = find(installed)
    assert found
    if not (installed / "node_modules" / "standardwebhooks").is_dir():
        pytest.skip("the standardwebhooks package is not installed; run make n8n")
    return found


def told(node: Installation, given: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [node.node, "-e", SCRIPT.read_text(encoding="utf-8")],
        cwd=node.folder,
        input=json.dumps(given).encode(),
        capture_output=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def messages(secret: SigningSecret) -> dict[str, tuple[bool, dict[str, str], str]]:
    """Return each message with whether it is good, its headers and its body."""
    now, other = int(time.time()), SigningSecret.new()
    made = {}
    for path in TYPES:
        event = example(path)
        body = json.dumps(event, ensure_ascii=False)
        made[path] = True, signed_headers([secret], event["id"], now, body.encode()), body
    event = example("data-sync")
    body = json.dumps({**event, "note": "Zürich 東京 \u200b😀"}, ensure_ascii=False)
    raw, message_id = body.encode(), event["id"]
    good = signed_headers([secret], message_id, now, raw)
    return made | {
        "beyond ASCII": (True, good, body),
        "while a secret is rotated": (True, signed_headers([other, secret], message_id, now, raw), body),
        "another secret": (False, signed_headers([other], message_id, now, raw), body),
        "a changed body": (False, good, body.replace("spotify", "youtube")),
        "a body written again": (False, good, json.dumps(json.loads(body), indent=1)),
        "another id": (False, {**good, "webhook-id": "evt_other"}, body),
        "an old one": (False, signed_headers([secret], message_id, now - 400, raw), body),
        "one of the future": (False, signed_headers([secret], message_id, now + 400, raw), body),
        "no signature": (False, {**good, "webhook-signature": ""}, body),
    }


@pytest.mark.parametrize(
    "secret", [SigningSecret.new(), SigningSecret(bytes(range(200, 224)))], ids=["text", "bytes"]
)
def test_javascript_library_takes_what_we_sign_and_signs_what_we_take(
    node: Installation, secret: SigningSecret
) -> None:
    """It takes every good message and refuses every other; a message that it signed verifies with us."""
    cases = messages(secret)
    sent = [{"headers": headers, "body": body} for _, headers, body in cases.values()]
    unsigned = {"id": "msg_1", "body": json.dumps({"type": "sync.requested", "city": "Zürich"})}
    answer = told(node, {"secret": secret.text(), "messages": sent, "unsigned": unsigned})
    assert dict(zip(cases, answer["taken"], strict=True)) == {
        name: good for name, (good, *_) in cases.items()
    }
    assert verify([secret], answer["signed"], unsigned["body"].encode(), time.time()) == "msg_1"


def test_package_is_pinned() -> None:
    """By version in package.json, by integrity in the lock."""
    folder = Path(__file__).parents[2] / "n8n"
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert lock[""]["dependencies"] == wanted
    assert lock["node_modules/standardwebhooks"]["version"] == wanted["standardwebhooks"]
    assert lock["node_modules/standardwebhooks"]["integrity"].startswith("sha512-")
