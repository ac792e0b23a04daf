"""Events: ids that follow from what they tell of, and bodies that fit their schema and their limit."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from resources.errors import EventInvalid, GrantExpired, ProviderError, RateLimited
from resources.events import LARGEST_BODY_BYTES, Event, body_of, event_id, fitting, write_events
from resources.schemas import PATHS, kind_of, validator_of
from resources.tables import Base, WebhookEndpoint, WebhookEvent

pytestmark = pytest.mark.webhooks

ORG = uuid.UUID("0f1a2b3c-4d5e-4f60-8a7b-9c0d1e2f3a4b")
ACCOUNT = str(uuid.UUID(int=7))
NOW = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)
ERROR = {"accountId": ACCOUNT, "error": "transient", "message": "é" * 900}
SYNCED: dict[str, Any] = {
    "runId": "run",
    "accounts": {"synced": 12, "failed": 1, "skipped": 0},
    "streams": {"saved_tracks": {"records": 640, "rejected": 1, "deleted": 2}},
    "errors": [ERROR],
    "errorsOmitted": 0,
    "startedAt": "2026-11-23T09:58:41.250Z",
    "finishedAt": "2026-11-23T10:00:00.000Z",
}
ALERT: dict[str, Any] = {
    "error": "transient",
    "message": "1 Spotify account(s) failed",
    "cure": "Wait.",
    "accountId": ACCOUNT,
    "runId": "run",
    "accounts": {"failed": 1},
    "errors": [ERROR],
}

ENDPOINT = {"id": uuid.UUID(int=1), "name": "n8n", "event_types": [], "providers": [], "header_names": []} | {
    "created_at": NOW,
    "updated_at": NOW,
}


@pytest.fixture
def connection(tmp_path):
    """An empty database with the events' table."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'events.db'}")
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        connection.execute(sa.insert(WebhookEndpoint).values(ENDPOINT))
        yield connection
    engine.dispose()


def event_of(kind: str, payload: dict[str, Any], identity: object = "run") -> Event:
    return Event(event_id(identity, ORG, kind), kind, "spotify", ORG, payload, NOW)  # type: ignore[arg-type]


def sent(connection: sa.Connection, event: Event) -> bytes:
    """Return the body that is sent of an event after it was stored."""
    write_events(connection, [event])
    query = sa.select(*WebhookEvent.__table__.c).where(WebhookEvent.id == event.id)
    return body_of(connection.execute(query).one())


def refusals(kind: str, body: bytes) -> list[str]:
    return [error.message for error in validator_of(kind).iter_errors(msgspec.json.decode(body))]


@given(st.lists(st.text() | st.uuids() | st.integers(), min_size=1))
def test_same_identity_has_the_same_id_of_ulids_alphabet(identity):
    assert event_id(*identity) == event_id(*identity)
    assert re.fullmatch(r"evt_[0-7][0-9A-HJKMNP-TV-Z]{25}", event_id(*identity))


def test_id_is_the_same_in_every_version_because_events_wait_for_days():
    assert event_id("run", ORG, "spotify", "data.synced") == "evt_2CTMFZPYT5TGSGQFJQ7ZNXAY3Y"


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=2, max_size=4))
@example(["", "\ud800"])
def test_identities_cut_elsewhere_have_other_ids(identity):
    assert event_id(*identity) != event_id("".join(identity))


def test_ids_of_many_completions_differ():
    ids = {event_id(run, org, kind) for run in range(50) for org in range(50) for kind in PATHS}
    assert len(ids) == 50 * 50 * len(PATHS)


@pytest.mark.parametrize("kind", PATHS)
def test_sample_of_each_type_fits_its_schema(kind):
    assert refusals(kind, msgspec.json.encode(kind_of(kind).example)) == []


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("data.synced", SYNCED),
        ("data.synced", {**SYNCED, "errors": [], "streams": {}}),
        ("error.occurred", ALERT),
        (
            "error.occurred",
            {name: ALERT[name] for name in ("error", "message", "cure", "accountId", "runId")},
        ),
        ("error.occurred", {**ALERT, "accountId": None, "runId": None, "errors": [ERROR] * 100}),
        ("data.synced", {**SYNCED, "errors": [ERROR] * 100}),
        *((kind, kind_of(kind).example["payload"]) for kind in PATHS),
    ],
)
def test_stored_event_is_sent_as_its_schema_has_it(connection, kind, payload):
    body = sent(connection, event_of(kind, payload))
    assert refusals(kind, body) == []
    assert len(body) <= LARGEST_BODY_BYTES


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in ProviderError.__subclasses__() + RateLimited.__mro__[1].__subclasses__()
        if "code" in vars(kind)
    ],
)
def test_schema_knows_every_fault_that_a_sync_can_meet(kind):
    words = kind_of("error.occurred").schema["$defs"]["error"]["enum"]
    assert kind.code in words
    assert words == kind_of("data.synced").schema["$defs"]["error"]["enum"]


def test_body_has_the_keys_and_the_spelling_of_the_contract(connection):
    payload = kind_of("provider.connected").example["payload"]
    number = event_id("x")
    event = Event(number, "provider.connected", "spotify", ORG, payload, NOW, source="manual", user_id="u")
    assert msgspec.json.decode(sent(connection, event)) == {
        "id": number,
        "type": "provider.connected",
        "provider": "spotify",
        "orgId": str(ORG),
        "payload": payload,
        "metadata": {
            "userId": "u",
            "timestamp": "2026-11-23T10:00:00.123Z",
            "source": "manual",
            "sequence": 1,
        },
    }


def test_body_is_the_same_bytes_whatever_order_the_database_keeps():
    row = SimpleNamespace(id="e", event_type="t", provider="p", org_id=ORG, event_metadata={}, sequence=1)
    first = body_of(SimpleNamespace(payload={"a": 1, "b": {"c": 2, "d": 3}}, **vars(row)))
    assert first == body_of(SimpleNamespace(payload={"b": {"d": 3, "c": 2}, "a": 1}, **vars(row)))


def test_same_completion_told_twice_is_one_event(connection):
    write_events(connection, [event_of("data.synced", SYNCED), event_of("error.occurred", ALERT)])
    write_events(
        connection, [event_of("data.synced", {**SYNCED, "errors": []}), event_of("data.synced", SYNCED, 2)]
    )
    rows = connection.execute(sa.select(WebhookEvent.event_type, WebhookEvent.status, WebhookEvent.attempts))
    assert sorted(rows) == [("data.synced", "pending", 0)] * 2 + [("error.occurred", "pending", 0)]


def test_no_event_writes_nothing(connection):
    write_events(connection, [])


@given(
    errors=st.lists(
        st.builds(lambda n, c: {"message": c * n}, st.integers(0, 2_000), st.sampled_from('aé€😀"\n')),
        max_size=120,
    ),
    omitted=st.integers(0, 10),
)
def test_errors_that_do_not_fit_are_counted(errors, omitted):
    payload = fitting({"errors": errors, "errorsOmitted": omitted, "runId": "r"})
    assert len(msgspec.json.encode(payload)) <= LARGEST_BODY_BYTES - 1024
    assert len(payload["errors"]) + payload["errorsOmitted"] == len(errors) + omitted
    cut = [
        {"message": m if len(m) <= 1_000 else f"{m[:999]}…"} for m in (error["message"] for error in errors)
    ]
    assert payload["errors"] == cut[: len(payload["errors"])]


def test_errors_that_fit_are_all_told():
    payload = {"errors": [ERROR] * 30, "errorsOmitted": 70}
    assert fitting(payload) == payload


def test_payload_without_errors_stays_as_it_is():
    assert fitting({"a": 1}) == {"a": 1}


def test_alert_of_a_reconnection_fits_its_schema(connection):
    error = GrantExpired("spotify", "x" * 200, status=400, path="/me")
    payload = {
        "error": error.code,
        "message": str(error),
        "cure": error.cure,
        "accountId": ACCOUNT,
        "runId": None,
    }
    assert refusals("error.occurred", sent(connection, event_of("error.occurred", payload))) == []


def test_event_that_breaks_its_schema_is_refused_by_name_and_without_its_values(connection):
    with pytest.raises(EventInvalid, match=r"data\.synced breaks its own schema at \$\.payload") as refused:
        write_events(connection, [event_of("data.synced", {**SYNCED, "secret": "canary"})])
    assert "canary" not in str(refused.value)
    assert connection.execute(sa.select(WebhookEvent)).all() == []


def test_sequence_grows_with_every_event(connection):
    for number in range(3):
        write_events(connection, [event_of("data.synced", SYNCED, (number, other)) for other in range(3)])
    order = sa.select(WebhookEvent.sequence).order_by(WebhookEvent.sequence)
    assert connection.execute(order).scalars().all() == list(range(1, 10))


def test_event_that_no_endpoint_wants_has_nothing_left_to_be_done(connection):
    connection.execute(sa.update(WebhookEndpoint).values(enabled=False))
    write_events(connection, [event_of("data.synced", SYNCED)])
    assert connection.execute(sa.select(WebhookEvent.status, WebhookEvent.attempts)).all() == [
        ("delivered", 0)
    ]
