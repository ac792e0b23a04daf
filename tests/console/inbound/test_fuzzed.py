"""The inbound endpoint fuzzed from /openapi.json: answers are documented ones, refusals change nothing."""

import json
import time
import uuid

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from resources.signing import SigningSecret, signed_headers

pytestmark = pytest.mark.webhooks

EXAMPLES = 100
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
CHECKS = [  # not that all that fits the schema is taken: it may name an org that is not there
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    missing_required_header,
    negative_data_rejection,
]
fuzzed = settings(
    max_examples=EXAMPLES, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def inbound_settings():
    return {"inbound_rate_limit": "1000000/1"}


@pytest.fixture
def operation(caller):
    """What /openapi.json says of the endpoint."""
    caller.base_url = "http://127.0.0.1:8700"
    described = caller.app.openapi()
    return schemathesis.openapi.from_dict(described)["/hooks/n8n"]["POST"]


def sent(case):
    """Return the bytes and headers of a drawn case."""
    request = case.as_transport_kwargs(base_url="http://127.0.0.1:8700")
    body = request.get("data", b"")
    if "json" in request:
        body = json.dumps(request["json"], ensure_ascii=False).encode()
    headers = {name: value.encode("latin-1") for name, value in request["headers"].items()}
    return body.encode() if isinstance(body, str) else body, headers


def checked(case, reply):
    """Hold an answer against what is documented."""
    assert reply.status_code < 500, reply.text
    too_large = reply.status_code == 413  # the one rejection that schemathesis takes for none
    unless = [negative_data_rejection] if too_large else []
    case.validate_response(reply, checks=CHECKS, excluded_checks=unless)


@pytest.mark.parametrize("mode", GenerationMode)
def test_unsigned_calls_are_answered_as_documented_and_change_nothing(caller, rows, nothing, operation, mode):
    statuses = set()

    @fuzzed
    @given(operation.as_strategy(generation_mode=mode))
    def one(case):
        reply = caller.send(*sent(case))
        checked(case, reply)
        statuses.add(reply.status_code)

    one()
    assert statuses <= {400, 401, 413}
    assert rows.effects() == nothing
    assert rows.refusals()


@pytest.mark.parametrize("mode", GenerationMode)
def test_signed_calls_are_answered_as_documented_and_refusals_change_nothing(
    caller, rows, operation, stored, mode
):
    stored("a")
    statuses, secret = set(), SigningSecret.parse(caller.secret)

    @fuzzed
    @given(operation.as_strategy(generation_mode=mode, headers=dict.fromkeys(SIGNED, "1")))
    def one(case):
        body, headers = sent(case)
        before = rows.effects()
        headers |= signed_headers([secret], f"msg_{uuid.uuid4().hex}", int(time.time()), body)
        reply = caller.send(body, headers)
        checked(case, reply)
        statuses.add(reply.status_code)
        taken = reply.status_code == 202
        assert rows.effects()["inbound_calls"] - before["inbound_calls"] == taken
        assert taken or rows.effects() == before

    one()
    assert statuses <= ({202, 422} if mode is GenerationMode.POSITIVE else {400, 422, 413})
