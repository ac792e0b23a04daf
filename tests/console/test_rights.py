"""The rights matrix: every route, every role, one's own org and another's, without a login, and by token."""

import asyncio
import uuid
from typing import NamedTuple

import httpx
import pytest
import sqlalchemy as sa

from console.gate import routes_of
from console.rules import RULES
from resources.database import utc_now
from resources.delivery import endpoints
from resources.delivery.endpoints import Draft
from resources.events import Event, event_id, write_events
from resources.inbound.follow import follow_proof
from resources.people import tokens, users
from resources.people.roles import Role
from resources.people.sessions import Holder
from resources.schemas import kind_of
from resources.tables import InboundCall, Org, ScraperJob, ScraperVisit

OPEN = {
    *("GET /healthz", "GET /readyz", "GET /static", "GET /login", "POST /login", "GET /enter", "POST /enter"),
    *("POST /hooks/n8n", "GET /hooks/{name}", "POST /hooks/{name}", "GET /hooks/{name}/{account_id}"),
    *("POST /hooks/{name}/{account_id}", "GET /connect/{provider}/callback"),
}
FOLLOWED = {"GET /api/v1/calls/{call_id}"}
UNKNOWN = {401, 303}
WHO = ("viewer", "operator", "admin", "own viewer", "own operator", "own admin", "nothing")
HELD = {
    "viewer": (Role.VIEWER, None),
    "operator": (Role.OPERATOR, None),
    "admin": (Role.ADMIN, None),
    "own viewer": (Role.VIEWER, "acme"),
    "own operator": (Role.OPERATOR, "acme"),
    "own admin": (Role.ADMIN, "acme"),
    "nothing": (None, None),
}


class Things(NamedTuple):
    """Ids of what belongs to one org."""

    account: uuid.UUID
    visit: uuid.UUID
    job: uuid.UUID
    endpoint: uuid.UUID
    event: str
    call: uuid.UUID


@pytest.fixture
def things(backline, stored):
    """What is there, by org."""
    return {org: _made(backline, org, stored(f"{org}1", org=org)) for org in ("acme", "umbrella")}


def _made(backline, org, account):
    visit, job, call = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    endpoint, _ = endpoints.add(backline, "test", org, Draft(name=f"to {org}", url="https://there.example/"))
    with backline.database.write() as connection:
        org_id = connection.execute(sa.select(Org.id).where(Org.slug == org)).scalar_one()
        now = utc_now()
        ids = {"id": job, "org_id": org_id, "provider": "spotify", "job_type": "console"}
        job_row = {**ids, "status": "pending", "created_at": now, "config": {"orgs": [org]}}
        connection.execute(sa.insert(ScraperJob).values(**job_row))
        seen = {"id": visit, "org_id": org_id, "run_id": "r", "root_run_id": "r", "job_id": job, "at": now}
        seen |= {"provider": "spotify", "page": "artist_page", "subject": org, "way": "light", "size": 1}
        seen |= {"outcome": "blocked", "detail": "", "status": 429, "duration_ms": 1}
        connection.execute(sa.insert(ScraperVisit).values(**seen))
        asked = {"type": "sync.requested", "data": {"org": org}, "asked_hash": "x", "source_address": "::1"}
        connection.execute(sa.insert(InboundCall).values(id=call, webhook_id=org, received_at=now, **asked))
        event = event_id(uuid.uuid4())
        payload = kind_of("error.occurred").example["payload"]
        write_events(connection, [Event(event, "error.occurred", "spotify", org_id, payload, created_at=now)])
    return Things(account, visit, job, endpoint, event, call)


def address_of(route, things, user):
    """Return method and address of a route, of one org's things."""
    method, path = route.split(" ", 1)
    values = {
        "account_id": things.account,
        "visit_id": things.visit,
        "job_id": things.job,
        "endpoint_id": things.endpoint,
        "event_id": things.event,
        "call_id": things.call,
        "user_id": user,
        "session_id": uuid.uuid4(),
        "token_id": uuid.uuid4(),
        "provider": "spotify",
        "provider_name": "spotify",
        "name": "instagram",
        "event_type": "error.occurred",
        "call_type": "sync.requested",
    }
    return method, path.format(**values)


def body_of(route, org="acme"):
    """Return what a route wants to be sent, so that nothing but the rights is refused."""
    if route == "PATCH /api/v1/endpoints/{endpoint_id}":
        return {"json": {"description": "x"}}
    if route == "POST /api/v1/endpoints":
        return {"json": {"org": org, "name": "new", "url": "https://new.example/"}}
    if route == "POST /api/v1/events/replay":
        return {"json": {"org": org}}
    if route == "POST /api/v1/scrapers/jobs":
        return {"json": {"provider": "spotify", "orgs": [org]}}
    if route.startswith("POST /api/v1/endpoints") and route.endswith("/test"):
        return {"json": {"type": "error.occurred"}}
    return {"data": {"org": org, "role": "viewer", "name": "somebody"}}


def allowed(route, who, org):
    """Say what the table of rules means for somebody and the things of an org."""
    rule, (role, held_in) = RULES[route], HELD[who]
    if rule.is_open or rule.role is None:
        return True
    if role is None or role.rank < rule.role.rank:
        return False
    return held_in is None or (not rule.everywhere and (org == held_in or "{" not in route))


CLOSED = sorted(set(RULES) - OPEN)
OF_ORG = sorted(
    route
    for route in CLOSED
    if any(part in route for part in ("account_id", "visit_id", "job_id", "endpoint_id", "event_id"))
)


def test_every_route_has_a_rule_and_every_rule_a_route(app):
    names = [name for name, _ in routes_of(app.routes)]
    assert len(names) == len(set(names))
    assert set(names) == set(RULES)


def test_route_without_a_rule_is_closed(app, browser):
    app.add_api_route("/forgotten", lambda: {"open": "by omission"})
    assert browser.get("/forgotten").status_code == 404


def test_what_is_open_is_listed_here():
    assert {route for route, rule in RULES.items() if rule.is_open} == OPEN


def test_nothing_is_done_or_shown_without_a_login(stranger, things):
    for route in CLOSED:
        method, path = address_of(route, things["acme"], uuid.uuid4())
        reply = stranger.send(method, path, **body_of(route))
        wanted = {404} if route in FOLLOWED else UNKNOWN
        assert reply.status_code in wanted, (route, reply.status_code)
        assert "acme" not in reply.text.replace("acme1", ""), route


@pytest.mark.parametrize("who", WHO)
def test_a_role_opens_its_routes_and_no_other(app, stranger, log_in, things, who):
    other = log_in("other", Role.VIEWER, "acme").user_id
    role, org = HELD[who]
    log_in("chief")
    for route in CLOSED:
        if RULES[route].role is None:
            continue
        stranger.hold(log_in("person", role, org).proof)
        method, path = address_of(route, things["acme"], other)
        status = stranger.send(method, path, **body_of(route)).status_code
        assert status < 500, (route, who, status)
        refused = status == 403
        assert refused is not allowed(route, who, "acme"), (route, who, status)


@pytest.mark.parametrize("who", ["own viewer", "own operator", "own admin"])
def test_what_belongs_to_another_org_is_not_there(stranger, log_in, things, who):
    stranger.hold(log_in("person", *HELD[who]).proof)
    for route in [*OF_ORG, *FOLLOWED]:
        method, path = address_of(route, things["umbrella"], uuid.uuid4())
        status = stranger.send(method, path, **body_of(route, "umbrella")).status_code
        may_ask = HELD[who][0].rank >= RULES[route].role.rank and not RULES[route].everywhere
        assert status == (404 if may_ask else 403), (route, who, status)


def test_lists_and_pages_show_ones_own_orgs_alone(stranger, log_in, things):
    stranger.hold(log_in("person", Role.ADMIN, "acme").proof)
    log_in("boss of umbrella".replace(" ", "."), Role.ADMIN, "umbrella")
    for route in CLOSED:
        if route.startswith("GET ") and "{" not in route:
            reply = stranger.get(route.removeprefix("GET "))
            assert "umbrella" not in reply.text.lower(), route
            assert str(things["umbrella"].account) not in reply.text, route


@pytest.mark.parametrize(
    "route", ["POST /api/v1/endpoints", "POST /api/v1/scrapers/jobs", "POST /api/v1/events/replay"]
)
def test_an_order_for_another_org_is_refused(stranger, log_in, things, route):
    stranger.hold(log_in("person", Role.ADMIN, "acme").proof)
    reply = stranger.send("POST", route.removeprefix("POST "), **body_of(route, "umbrella"))
    assert reply.status_code == 422
    for body in ({"provider": "spotify"}, {"status": "failed"}):
        if route != "POST /api/v1/endpoints":
            assert stranger.send("POST", route.removeprefix("POST "), json=body).status_code == 422


def test_an_account_is_connected_to_ones_own_org_alone(stranger, log_in):
    stranger.hold(log_in("person", Role.OPERATOR, None).proof)
    assert stranger.post("/connect/spotify/start", org="new").status_code == 303
    stranger.hold(log_in("other", Role.VIEWER, None).proof)
    assert stranger.post("/connect/spotify/start", org="new").status_code == 403


# ------------------------------------------------------------------------------------------ by token


@pytest.fixture
def bearer(backline, log_in):
    """Make a token of an admin over all, and ask with it as programs do."""

    def make(*scopes, role=Role.ADMIN, org=None):
        name = f"owner.{uuid.uuid4().hex[:6]}"
        log_in("chief")
        owner = log_in(name, role, org)
        with backline.database.write() as connection:
            holder = Holder(uuid.uuid4(), owner.user_id, name, users.listed(connection)[0].rights)
            return tokens.make(connection, holder, "test", scopes, 30)[1]

    return make


def ask(app, token, method, path, **options):
    async def once():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as client:
            headers = {"authorization": f"Bearer {token}"}
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(once())


@pytest.mark.parametrize(
    ("scopes", "role"),
    [(("read",), Role.VIEWER), (("operate",), Role.OPERATOR), (("admin",), Role.ADMIN), (("metrics",), None)],
)
def test_a_token_opens_what_its_scope_does_and_no_page(app, bearer, things, scopes, role):
    token = bearer(*scopes)
    for route in CLOSED:
        rule, (method, path) = RULES[route], address_of(route, things["acme"], uuid.uuid4())
        status = ask(app, token, method, path, **body_of(route)).status_code
        if not path.startswith(("/api/", "/metrics", "/openapi.json")):
            assert status in UNKNOWN, route
        elif rule.role is not None:
            good = rule.scope in scopes or (role is not None and role.rank >= rule.role.rank)
            assert (status != 403) is good, (route, status)


def test_a_token_has_no_more_rights_than_its_person(app, bearer, things):
    token = bearer("admin", role=Role.VIEWER, org="acme")
    found = ask(app, token, "GET", "/api/v1/accounts").json()
    assert [one["org"] for one in found["accounts"]] == ["acme"]
    path = f"/api/v1/events/{things['acme'].event}/replay"
    assert ask(app, token, "POST", path).status_code == 403
    assert ask(app, token, "GET", f"/api/v1/events/{things['umbrella'].event}").status_code == 404


def test_a_call_is_followed_by_its_own_proof_alone(backline, stranger, things):
    mine, other = things["acme"].call, things["umbrella"].call
    proof = follow_proof(backline.signing_secrets, mine)
    assert stranger.get(f"/api/v1/calls/{mine}?follow={proof}").status_code == 200
    assert stranger.get(f"/api/v1/calls/{other}?follow={proof}").status_code == 404
    assert stranger.get(f"/api/v1/calls/{mine}?follow=").status_code == 404
    assert stranger.get(f"/api/v1/calls/{mine}?follow=é").status_code == 404
