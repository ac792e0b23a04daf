"""The consent screen, where a person lets the app read an account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

import msgspec

from simulator import credentials
from simulator.consenting import (
    LOOPBACK_ADDRESSES,
    Codes,
    account_options,
    asked_of,
    chosen_account,
    hidden_fields,
    redirect_fault,
)
from simulator.exchange import Reply, Request, as_text
from simulator.spotify.library import display_name
from simulator.spotify.tokens import SCOPES, mask_of
from simulator.world import World

CODE_SECONDS = 600
CALLBACK_PATH = "/connect/spotify/callback"
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
CARRIED = (
    *("client_id", "redirect_uri", "response_type", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Spotify</title>
<style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1.5rem;margin-right:1rem}}</style></head>
<body><h1>Simulated Spotify</h1>
<p>This is a local stand-in; no real account is involved.</p>
<form method="post" action="/spotify/authorize">{hidden}
<p><label>Sign in as <select name="account">{options}</select></label></p>
<p>The app asks to read:</p><ul>{scopes}</ul>
<button name="decision" value="agree">Agree</button>
<button name="decision" value="cancel">Cancel</button></form></body></html>
"""


class Code(msgspec.Struct, frozen=True):
    """What an authorization code stands for until it is used or 10 minutes old."""

    account: int
    scope_mask: int
    redirect_uri: str
    challenge: str
    given_at: float


def problem_of(asked: Mapping[str, str]) -> str | None:
    """Return what Spotify's error page would say of such a request, or ``None`` where it is in order."""
    if asked.get("client_id") != credentials.CLIENT_ID:
        return "INVALID_CLIENT: Invalid client"
    if fault := redirect_fault(asked.get("redirect_uri", ""), CALLBACK_PATH, LOOPBACK_ADDRESSES):
        return f"INVALID_CLIENT: {fault} redirect URI"
    if asked.get("response_type") != "code":
        return "response_type must be code"
    if not set(asked.get("scope", "").split()) <= set(SCOPES):
        return "INVALID_SCOPE: Invalid scope"
    return _challenge_problem(asked.get("code_challenge"), asked.get("code_challenge_method"))


def _challenge_problem(challenge: str | None, method: str | None) -> str | None:
    if challenge is None and method is None:
        return None
    if method != "S256":
        return "code_challenge_method must be S256"
    return None if CHALLENGE.fullmatch(challenge or "") else "code_challenge must be 43 base64url characters"


class Consent:
    """``/spotify/authorize``."""

    faulty = True

    def __init__(self, world: World, codes: Codes[Code]) -> None:
        self.world, self.codes = world, codes

    def account(self, request: Request) -> int | None:
        """Return the account chosen on the screen."""
        return chosen_account(request)

    def answer(self, request: Request) -> Reply:
        """Show the screen, or act on its decision."""
        asked = asked_of(request)
        account = self.account(request)
        problem = problem_of(asked)
        if problem is None and (account is None or not self.world.has(account)):
            problem = "There is no such account"
        if problem is not None or account is None:
            return as_text(str(problem), 400)
        if request.method == "GET":
            return as_text(self._screen(asked, account), content_type="text/html; charset=utf-8")
        if request.method == "POST":
            return self._decide(asked, account)
        return as_text("Method not allowed", 405)

    def _screen(self, asked: Mapping[str, str], account: int) -> str:
        return PAGE.format(
            hidden=hidden_fields(asked, CARRIED),
            options=account_options(self.world, account, lambda one: display_name(self.world, one)),
            scopes="".join(f"<li>{escape(scope)}</li>" for scope in asked.get("scope", "").split()),
        )

    def _decide(self, asked: Mapping[str, str], account: int) -> Reply:
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("decision") != "agree":
            return _redirect(asked["redirect_uri"], {"error": "access_denied", **state})
        code = Code(
            account,
            mask_of(asked.get("scope", "").split()),
            asked["redirect_uri"],
            asked.get("code_challenge", ""),
            self.world.clock.now(),
        )
        return _redirect(asked["redirect_uri"], {"code": self.codes.give(code), **state})


def _redirect(address: str, parameters: Mapping[str, str]) -> Reply:
    return Reply(302, b"", headers=(("location", f"{address}?{urlencode(parameters)}"),))
