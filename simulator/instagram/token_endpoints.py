"""The three token endpoints: codes become tokens of an hour, those become tokens of 60 days, which renew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator import credentials
from simulator.consenting import Codes
from simulator.exchange import Reply, Request, as_json
from simulator.faults import Rule
from simulator.instagram import errors, refusals
from simulator.instagram.consent import Code
from simulator.instagram.errors import Refused
from simulator.instagram.ids import scoped_id
from simulator.instagram.state import State
from simulator.instagram.tokens import (
    BASIC,
    LONG_SECONDS,
    YOUNGEST_REFRESHED_SECONDS,
    Token,
    issue,
    read_token,
    write_token,
)

FORM_TYPE = "application/x-www-form-urlencoded"
CODE_PATH = "/instagram/oauth/access_token"
EXCHANGE_PATH, REFRESH_PATH = "/instagram/access_token", "/instagram/refresh_access_token"
CODE_FIELDS = ("client_id", "client_secret", "grant_type", "redirect_uri", "code")
USED = "Matching code was not found or was already used"


class Denied(Exception):  # an answer, not a fault of ours
    """The code is not exchanged; this endpoint has errors of a shape of its own."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.message, self.status = message, status
        super().__init__(message)

    def reply(self) -> Reply:
        """Return the error as the endpoint sends it."""
        body = {"error_type": "OAuthException", "code": self.status, "error_message": self.message}
        return as_json(body, self.status)


class CodeEndpoint:
    """``POST /instagram/oauth/access_token``."""

    faulty = True

    def __init__(self, state: State, codes: Codes[Code]) -> None:
        self.state, self.codes = state, codes

    def account(self, request: Request) -> int | None:
        """Return whose code is exchanged."""
        code = self.codes.open.get(request.form.get("code", ""))
        return code.account if code else None

    def answer(self, request: Request) -> Reply:
        """Exchange a code for a token that lasts an hour."""
        try:
            return as_json(self._exchange(request))
        except Denied as denied:
            return denied.reply()

    def refusal(self, rule: Rule, request: Request) -> Reply | None:  # noqa: ARG002  # the same for all
        """Word a fault's refusal in this endpoint's shape."""
        refused = refusals.refused(rule)
        if refused is None:
            return None
        status = rule.status or refused.status
        return Denied(USED if rule.kind == "revoked" else refused.message, status).reply()

    def _exchange(self, request: Request) -> dict[str, Any]:
        _check_form(request)
        code = self.codes.take(request.form["code"], self.state.now)
        if code is None:
            raise Denied(USED)
        if request.form["redirect_uri"] != code.redirect_uri:
            raise Denied(
                "Error validating verification code. Please make sure your redirect_uri is identical to the "
                "one you used in the OAuth dialog request"
            )
        return self._body(code)

    def _body(self, code: Code) -> dict[str, Any]:
        now = self.state.now
        token = issue("short", code.account, code.scope_mask, authorized_at=now, issued_at=now)
        account, text = scoped_id(code.account), write_token(token)
        if self.state.mode.token_shape == "flat":  # noqa: S105  # a shape, not a token
            permissions = token.permissions.split(",")
            return {"access_token": text, "user_id": int(account), "permissions": permissions}
        return {"data": [{"access_token": text, "user_id": account, "permissions": token.permissions}]}


def _check_form(request: Request) -> None:
    """Raise ``Denied`` where the form is not this app's, or not whole."""
    if request.path != CODE_PATH or request.method != "POST" or request.query:
        raise Denied("Unsupported request", 405 if request.method != "POST" else 400)
    if not request.headers.get("content-type", "").startswith(FORM_TYPE):
        raise Denied("You must provide a form")
    form = request.form
    if form.get("client_id") != credentials.CLIENT_ID:
        raise Denied("Invalid platform app")
    if not credentials.is_secret(form.get("client_secret", "")):
        raise Denied("Invalid client_secret")
    if form.get("grant_type") != "authorization_code":
        raise Denied("Invalid grant_type")
    if absent := [name for name in CODE_FIELDS if not form.get(name)]:
        raise Denied(f"You must include a valid {absent[0]}")
    if unknown := sorted(set(form) - set(CODE_FIELDS)):
        raise Denied(f"Unsupported parameter: {unknown[0]}")


class LongTokens:
    """``GET /instagram/access_token`` and ``GET /instagram/refresh_access_token``, neither with a version."""

    faulty = True

    def __init__(self, state: State) -> None:
        self.state = state

    def account(self, request: Request) -> int | None:
        """Return whose token is exchanged."""
        token = read_token(dict(request.query).get("access_token", ""))
        return token.account if token else None

    def answer(self, request: Request) -> Reply:
        """Return a token of 60 days for one of an hour, or for an older one of 60 days."""
        try:
            return as_json(self._body(request))
        except Refused as refused:
            return refused.reply()

    def refusal(self, rule: Rule, request: Request) -> Reply | None:
        """Word a fault's refusal as a Graph error."""
        return refusals.reply(rule, self.account(request))

    def _body(self, request: Request) -> dict[str, Any]:
        if request.method != "GET":
            raise Refused(f"Unsupported request - method type: {request.method.lower()}")
        if request.path == EXCHANGE_PATH:
            return self._exchange(request)
        if request.path == REFRESH_PATH:
            return self._refresh(request)
        raise errors.missing("get", request.path.rpartition("/")[2])

    def _exchange(self, request: Request) -> dict[str, Any]:
        asked = _parameters(request, "ig_exchange_token", "client_secret")
        if not credentials.is_secret(asked["client_secret"]):
            raise Refused("Error validating client secret.", 1, kind=errors.OAUTH)
        token = self.state.token(asked["access_token"])
        if token.kind != "short":
            raise Refused("Only a short-lived access token can be exchanged")
        return self._long(token)

    def _refresh(self, request: Request) -> dict[str, Any]:
        asked = _parameters(request, "ig_refresh_token")
        token = self.state.token(asked["access_token"])
        if token.kind != "long":
            raise Refused("Only a long-lived access token can be refreshed")
        if BASIC not in token.scopes:
            raise errors.no_permission()
        if self.state.now - token.issued_at < YOUNGEST_REFRESHED_SECONDS:
            raise Refused("The access token must be at least 24 hours old to be refreshed")
        return {**self._long(token), "permissions": token.permissions}

    def _long(self, token: Token) -> dict[str, Any]:
        renewed = issue(
            "long",
            token.account,
            token.scope_mask,
            authorized_at=token.authorized_at,
            issued_at=self.state.now,
        )
        return {"access_token": write_token(renewed), "token_type": "bearer", "expires_in": LONG_SECONDS}


def _parameters(request: Request, grant_type: str, *more: str) -> Mapping[str, str]:
    """Return the query where it is whole and has nothing else; raise ``Refused`` otherwise."""
    asked = dict(request.query)
    for name in ("grant_type", "access_token", *more):
        if not asked.get(name):
            raise Refused(f"The parameter {name} is required")
    if asked["grant_type"] != grant_type:
        raise Refused("Invalid grant_type")
    if unknown := sorted(set(asked) - {"grant_type", "access_token", *more}):
        raise Refused(f"Unsupported parameter: {unknown[0]}")
    return asked
