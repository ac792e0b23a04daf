"""Who may do what: one rule for every route. A route without a rule is closed, and fails a test.

A rule says which role must be held at least, and where: over all orgs, or in some org; then the handler
shows and changes only what belongs to orgs where the asker holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from console.pages import HOME, SCRAPERS, WEBHOOKS
from resources.people.roles import Role, Scope


@dataclass(frozen=True)
class Rule:
    """Who may use a route.

    ``is_open``: everybody. ``role`` ``None`` and not open: whoever is logged in. ``scope`` is one that lets a
    token in without any role. ``by_proof`` lets in whoever the handler finds to hold the address's own proof.
    """

    role: Role | None = None
    everywhere: bool = False
    is_open: bool = False
    scope: Scope | None = None
    by_proof: bool = False


PUBLIC = Rule(is_open=True)
OWN_PROOF = Rule(is_open=True)  # a signature, or a state, that the handler checks
LOGGED_IN = Rule()
VIEW = Rule(Role.VIEWER)
VIEW_OR_FOLLOW = Rule(Role.VIEWER, by_proof=True)
METRICS = Rule(Role.VIEWER, everywhere=True, scope=Scope.METRICS)
OPERATE = Rule(Role.OPERATOR)
OPERATE_ALL = Rule(Role.OPERATOR, everywhere=True)
ADMIN = Rule(Role.ADMIN)
ADMIN_ALL = Rule(Role.ADMIN, everywhere=True)

ACCOUNT = "/admin/integrations/accounts/{account_id}"
EVIDENCE = f"{SCRAPERS}/evidence/{{visit_id}}"
JOBS = "/api/v1/scrapers/jobs"
ENDPOINT = f"{WEBHOOKS}/endpoints/{{endpoint_id}}"
API_ENDPOINT = "/api/v1/endpoints/{endpoint_id}"

RULES: Mapping[str, Rule] = {
    # what must answer before anybody is known
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /static": PUBLIC,
    "GET /login": PUBLIC,
    "POST /login": PUBLIC,
    "GET /enter": PUBLIC,
    "POST /enter": OWN_PROOF,
    # what is proved otherwise
    "POST /hooks/n8n": OWN_PROOF,
    "GET /hooks/{name}": OWN_PROOF,
    "POST /hooks/{name}": OWN_PROOF,
    "GET /hooks/{name}/{account_id}": OWN_PROOF,
    "POST /hooks/{name}/{account_id}": OWN_PROOF,
    "GET /connect/{provider}/callback": OWN_PROOF,
    "GET /api/v1/calls/{call_id}": VIEW_OR_FOLLOW,
    # one's own
    "POST /logout": LOGGED_IN,
    "GET /admin/sessions": LOGGED_IN,
    "POST /admin/sessions/others/revoke": LOGGED_IN,
    "POST /admin/sessions/{session_id}/revoke": LOGGED_IN,
    "POST /admin/sessions/password": LOGGED_IN,
    "GET /admin/tokens": LOGGED_IN,
    "POST /admin/tokens": LOGGED_IN,
    "POST /admin/tokens/{token_id}/revoke": LOGGED_IN,
    # integrations
    "GET /": LOGGED_IN,
    "GET /openapi.json": LOGGED_IN,
    f"GET {HOME}": VIEW,
    "GET /api/v1/accounts": VIEW,
    "GET /api/v1/schemas/inbound/{call_type}": VIEW,
    f"POST {ACCOUNT}/test": OPERATE,
    f"GET {ACCOUNT}/disconnect": OPERATE,
    f"POST {ACCOUNT}/disconnect": OPERATE,
    "GET /connect/{provider}/start": OPERATE,
    "POST /connect/{provider}/start": OPERATE,
    "POST /admin/integrations/apps/{provider_name}": ADMIN_ALL,
    # scrapers: a job may be of one org; how a provider's pages are visited concerns them all
    f"GET {SCRAPERS}": VIEW,
    f"GET {EVIDENCE}": VIEW,
    f"GET {EVIDENCE}/screenshot.png": VIEW,
    f"GET {EVIDENCE}/source.txt": VIEW,
    f"GET {EVIDENCE}/page.html": VIEW,
    "GET /api/v1/scrapers": VIEW,
    f"GET {JOBS}": VIEW,
    f"GET {JOBS}/{{job_id}}": VIEW,
    f"POST {JOBS}": OPERATE,
    f"POST {JOBS}/{{job_id}}/stop": OPERATE,
    f"GET {SCRAPERS}/{{provider}}/start": OPERATE,
    f"POST {SCRAPERS}/{{provider}}/start": OPERATE,
    f"POST {SCRAPERS}/jobs/{{job_id}}/stop": OPERATE,
    f"POST {SCRAPERS}/{{provider}}/pause": OPERATE_ALL,
    f"POST {SCRAPERS}/{{provider}}/resume": OPERATE_ALL,
    f"GET {SCRAPERS}/{{provider}}/configure": OPERATE_ALL,
    f"POST {SCRAPERS}/{{provider}}/configure": OPERATE_ALL,
    # webhooks: n8n's own paths belong to no org
    f"GET {WEBHOOKS}": VIEW,
    f"GET {WEBHOOKS}/types": VIEW,
    f"GET {WEBHOOKS}/events/{{event_id}}": VIEW,
    f"POST {WEBHOOKS}/events/{{event_id}}/replay": OPERATE,
    f"POST {ENDPOINT}/replay": OPERATE,
    f"POST {ENDPOINT}/enable": OPERATE,
    f"POST {ENDPOINT}/disable": OPERATE,
    f"GET {ENDPOINT}/test": OPERATE,
    f"POST {ENDPOINT}/test": OPERATE,
    "GET /metrics": METRICS,
    "GET /api/v1/event-types": VIEW,
    "GET /api/v1/event-types/{event_type}/schema.json": VIEW,
    "GET /api/v1/events": VIEW,
    "GET /api/v1/events/export": VIEW,
    "GET /api/v1/events/{event_id}": VIEW,
    "POST /api/v1/events/replay": OPERATE,
    "POST /api/v1/events/{event_id}/replay": OPERATE,
    "GET /api/v1/endpoints": VIEW,
    "POST /api/v1/endpoints": ADMIN,
    f"GET {API_ENDPOINT}": VIEW,
    f"PATCH {API_ENDPOINT}": ADMIN,
    f"DELETE {API_ENDPOINT}": ADMIN,
    f"POST {API_ENDPOINT}/rotate": ADMIN,
    f"POST {API_ENDPOINT}/rotate/finish": ADMIN,
    f"POST {API_ENDPOINT}/test": OPERATE,
    # people
    "GET /admin/people": ADMIN,
    "POST /admin/people": ADMIN,
    "POST /admin/people/{user_id}/role": ADMIN,
    "POST /admin/people/{user_id}/link": ADMIN_ALL,
    "POST /admin/people/{user_id}/disable": ADMIN_ALL,
    "POST /admin/people/{user_id}/enable": ADMIN_ALL,
    "GET /admin/audit": ADMIN_ALL,
    "GET /admin/audit/export": ADMIN_ALL,
}
