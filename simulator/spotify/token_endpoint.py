"""The token endpoint: codes become grants, refresh tokens become access tokens."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from simulator import credentials
from simulator.consenting import Codes
from simulator.exchange import Reply, Request, as_json
from simulator.spotify.consent import Code
from simulator.spotify.tokens import ACCESS_SECONDS, Consented, Grants, Token, read_token, scopes_of
from simulator.world import World

FORM_TYPE = "application/x-www-form-urlencoded"


class Denied(Exception):  # an answer, not a fault of ours
    """The request is answered with an OAuth error."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        self.error, self.description, self.status = error, description, status
        super().__init__(description)


class TokenEndpoint:
    """``/spotify/api/token``."""

    faulty = True

    def __init__(self, world: World, grants: Grants, codes: Codes[Code]) -> None:
        self.world, self.grants, self.codes = world, grants, codes

    def account(self, request: Request) -> int | None:
        """Return whose grant is asked for."""
        token = read_token(request.form.get("refresh_token", ""))
        code = self.codes.open.get(request.form.get("code", ""))
        return token.account if token else code.account if code else None

    def answer(self, request: Request) -> Reply:
        """Answer as RFC 6749 and Spotify have it, errors included."""
        no_store = (("cache-control", "no-store"),)
        try:
            return as_json(self._grant(request), headers=no_store)
        except Denied as denied:
            body = {"error": denied.error, "error_description": denied.description}
            return as_json(body, denied.status, no_store)

    def _grant(self, request: Request) -> dict[str, Any]:
        if request.method != "POST":
            raise Denied("invalid_request", "Method not allowed", 405)
        if not request.headers.get("content-type", "").startswith(FORM_TYPE):
            raise Denied("unsupported_media_type", "content-type must be a form", 415)
        has_secret = _authenticate(request)
        kind = request.form.get("grant_type", "")
        if kind == "authorization_code":
            return self._from_code(request.form, has_secret=has_secret)
        if kind == "refresh_token":
            return self._from_refresh_token(request.form, has_secret=has_secret)
        if not kind:
            raise Denied("unsupported_grant_type", "grant_type parameter is missing")
        raise Denied("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")

    def _from_code(self, form: dict[str, str], *, has_secret: bool) -> dict[str, Any]:
        if not form.get("code"):
            raise Denied("invalid_request", "code must be supplied")
        now = self.world.clock.now()
        code = self.codes.take(form["code"], now)
        if code is None:
            raise Denied("invalid_grant", "Invalid authorization code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise Denied("invalid_grant", "Invalid redirect URI")
        _check_verifier(code, form.get("code_verifier", ""), has_secret=has_secret)
        return self._issue(Consented(code.account, code.scope_mask, now, bool(code.challenge)))

    def _from_refresh_token(self, form: dict[str, str], *, has_secret: bool) -> dict[str, Any]:
        if not form.get("refresh_token"):
            raise Denied("invalid_request", "refresh_token must be supplied")
        token = read_token(form["refresh_token"])
        if token is None or token.kind != "refresh" or not self.world.has(token.account):
            raise Denied("invalid_grant", "Invalid refresh token")
        if not token.single_use and not has_secret:
            raise Denied("invalid_client", "Invalid client")
        self._check_life(token)
        if not self.grants.spend(token):
            raise Denied("invalid_grant", "Refresh token revoked")
        answer = self._issue(
            Consented(token.account, token.scope_mask, token.authorized_at, token.single_use)
        )
        if not token.single_use:
            del answer["refresh_token"]  # the old one goes on
        return answer

    def _check_life(self, token: Token) -> None:
        if self.grants.is_revoked(token):
            raise Denied("invalid_grant", "Refresh token revoked")
        if token.expires_at <= self.world.clock.now():
            raise Denied("invalid_grant", "Refresh token expired")

    def _issue(self, consent: Consented) -> dict[str, Any]:
        pair = self.grants.issue(consent, self.world.clock.now())
        return {
            "access_token": pair.access_token,
            "token_type": "Bearer",
            "scope": " ".join(sorted(scopes_of(consent.scope_mask))),
            "expires_in": ACCESS_SECONDS,
            "refresh_token": pair.refresh_token,
        }


def _authenticate(request: Request) -> bool:
    """Return whether the app showed its secret; raise ``Denied`` where it is not the registered app."""
    basic = credentials.basic_credentials(request.headers)
    client_id = basic[0] if basic else request.form.get("client_id", "")
    secret = basic[1] if basic else request.form.get("client_secret")
    if client_id != credentials.CLIENT_ID:
        raise Denied("invalid_client", "Invalid client")
    if secret is None:
        return False
    if not credentials.is_secret(secret):
        raise Denied("invalid_client", "Invalid client secret")
    return True


def _check_verifier(code: Code, verifier: str, *, has_secret: bool) -> None:
    if not code.challenge:
        if not has_secret:
            raise Denied("invalid_client", "Invalid client")
        if verifier:
            raise Denied("invalid_grant", "code_verifier was incorrect")
        return
    digest = hashlib.sha256(verifier.encode()).digest()
    if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge:
        raise Denied("invalid_grant", "code_verifier was incorrect")
