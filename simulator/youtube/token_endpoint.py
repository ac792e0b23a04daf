"""Google's token endpoint and its revocation: codes become grants, refresh tokens become access tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from simulator import credentials
from simulator.consenting import Codes
from simulator.exchange import Reply, Request, as_json
from simulator.faults import Rule
from simulator.world import World
from simulator.youtube.consent import Code
from simulator.youtube.tokens import (
    ACCESS_SECONDS,
    TESTING_SECONDS,
    Consented,
    Grants,
    Token,
    mask_of,
    read_token,
    scopes_of,
)

FORM_TYPE = "application/x-www-form-urlencoded"
FIELDS = {
    *("client_id", "client_secret", "grant_type", "code", "redirect_uri", "code_verifier"),
    *("refresh_token", "scope"),
}
DEAD = "Token has been expired or revoked."
NO_STORE = (("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),)


class Denied(Exception):  # an answer, not a fault of ours
    """The request is answered with an OAuth error."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        self.error, self.description, self.status = error, description, status
        super().__init__(description)

    def reply(self) -> Reply:
        """Return the error as Google sends it."""
        body = {"error": self.error, "error_description": self.description}
        return as_json(body, self.status, NO_STORE)


class Endpoint:
    """What Google's two token addresses have in common with each other."""

    faulty = True

    def __init__(self, world: World, grants: Grants, codes: Codes[Code]) -> None:
        self.world, self.grants, self.codes = world, grants, codes

    def account(self, request: Request) -> int | None:
        """Return whose grant is asked for."""
        text = request.form.get("refresh_token") or request.form.get("token") or ""
        token, code = read_token(text), self.codes.open.get(request.form.get("code", ""))
        return token.account if token else code.account if code else None

    def answer(self, request: Request) -> Reply:
        """Answer as Google does, errors included."""
        try:
            return as_json(self.body(request), headers=NO_STORE)
        except Denied as denied:
            return denied.reply()

    def body(self, request: Request) -> dict[str, Any]:
        """Return the body of an accepted request; raise ``Denied``."""
        raise NotImplementedError

    def refusal(self, rule: Rule, request: Request) -> Reply | None:  # noqa: ARG002  # the same for all
        """Word a fault as Google's token endpoint does."""
        denied = {
            "revoked": Denied("invalid_grant", DEAD),
            "forbidden": Denied("access_denied", "Forbidden", rule.status or 403),
            "server_error": Denied("internal_failure", "Backend Error", rule.status or 500),
            "rate_limit": Denied("rate_limit_exceeded", "Rate Limit Exceeded", 429),
            "quota": Denied("rate_limit_exceeded", "Rate Limit Exceeded", 429),
        }.get(rule.kind)
        return denied.reply() if denied else None


class TokenEndpoint(Endpoint):
    """``/youtube/token``."""

    def body(self, request: Request) -> dict[str, Any]:
        """Return a grant."""
        _check_form(request, FIELDS)
        _authenticate(request)
        kind = request.form.get("grant_type", "")
        if kind == "authorization_code":
            return self._from_code(request.form)
        if kind == "refresh_token":
            return self._from_refresh_token(request.form)
        raise Denied("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _from_code(self, form: dict[str, str]) -> dict[str, Any]:
        if not form.get("code"):
            raise Denied("invalid_request", "Missing required parameter: code")
        now = self.world.clock.now()
        code = self.codes.take(form["code"], now)
        if code is None:
            raise Denied("invalid_grant", "Bad Request")
        if form.get("redirect_uri") != code.redirect_uri:
            raise Denied("redirect_uri_mismatch", "Bad Request")
        _check_verifier(code, form.get("code_verifier"))
        consent = Consented(code.account, code.scope_mask, now)
        answer = self._access(consent)
        if code.offline:
            answer["refresh_token"] = self.grants.refresh_token(consent)
            if self.grants.testing:
                answer["refresh_token_expires_in"] = TESTING_SECONDS
        return answer

    def _from_refresh_token(self, form: dict[str, str]) -> dict[str, Any]:
        if not form.get("refresh_token"):
            raise Denied("invalid_request", "Missing required parameter: refresh_token")
        now, token = self.world.clock.now(), read_token(form["refresh_token"])
        if token is None or token.kind != "refresh" or not self.world.has(token.account):
            raise Denied("invalid_grant", "Bad Request")
        if self.grants.is_dead(token, now):
            raise Denied("invalid_grant", DEAD)
        self.grants.used_at[token.serial] = now
        return self._access(Consented(token.account, _narrowed(token, form), token.authorized_at))

    def _access(self, consent: Consented) -> dict[str, Any]:
        return {
            "access_token": self.grants.access_token(consent, self.world.clock.now()),
            "expires_in": ACCESS_SECONDS,
            "scope": " ".join(sorted(scopes_of(consent.scope_mask))),
            "token_type": "Bearer",
        }


class Revocation(Endpoint):
    """``/youtube/revoke``: either token of a grant takes back all that its person agreed to."""

    def body(self, request: Request) -> dict[str, Any]:
        """Revoke."""
        _check_form(request, {"token"}, query=True)
        text = request.form.get("token") or dict(request.query).get("token", "")
        token = read_token(text)
        if token is None or self.grants.is_dead(token, self.world.clock.now()):
            raise Denied("invalid_token", "Token expired or revoked")
        self.grants.revoke(token.account)
        return {}


def _check_form(request: Request, fields: set[str], *, query: bool = False) -> None:
    if request.method != "POST":
        raise Denied("invalid_request", "Method not allowed", 405)
    if request.query and not query:
        raise Denied("invalid_request", "Parameters belong into the body, not into the address.")
    if not request.headers.get("content-type", "").startswith(FORM_TYPE) and (request.body or not query):
        raise Denied("invalid_request", "The body must be a form.")
    if unknown := {*request.form, *dict(request.query)} - fields:
        raise Denied("invalid_request", f"Parameter not allowed for this message type: {min(unknown)}")


def _authenticate(request: Request) -> None:
    """Raise ``Denied`` where it is not the registered app with its secret."""
    basic = credentials.basic_credentials(request.headers)
    client_id = basic[0] if basic else request.form.get("client_id")
    secret = basic[1] if basic else request.form.get("client_secret")
    if not client_id:
        raise Denied("invalid_request", "Could not determine client ID from request.")
    if client_id != credentials.CLIENT_ID:
        raise Denied("invalid_client", "The OAuth client was not found.", 401)
    if secret is None:
        raise Denied("invalid_request", "client_secret is missing.")
    if not credentials.is_secret(secret):
        raise Denied("invalid_client", "Unauthorized", 401)


def _check_verifier(code: Code, verifier: str | None) -> None:
    if not code.challenge:
        if verifier:
            raise Denied("invalid_grant", "code_verifier or verifier is not needed.")
        return
    if not verifier:
        raise Denied("invalid_grant", "Missing code verifier.")
    shown = verifier
    if code.method == "S256":
        shown = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not hmac.compare_digest(shown.encode(), code.challenge.encode()):
        raise Denied("invalid_grant", "Invalid code verifier.")


def _narrowed(token: Token, form: dict[str, str]) -> int:
    """Return the scopes asked for, which must be among those granted; all of them where none are named."""
    wanted = set(form.get("scope", "").split())
    if not wanted <= token.scopes:
        raise Denied("invalid_scope", "Some requested scopes were not granted.")
    return mask_of(wanted or token.scopes)
