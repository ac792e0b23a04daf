"""Google's consent screen, where a person lets the app read a channel, and may untick a part of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from simulator.consenting import (
    Codes,
    account_options,
    asked_of,
    chosen_account,
    hidden_fields,
    redirect_fault,
)
from simulator.credentials import CLIENT_ID
from simulator.exchange import Reply, Request, as_text
from simulator.world import World
from simulator.youtube.library import Library
from simulator.youtube.tokens import SCOPES, Grants, mask_of, scopes_of

CODE_SECONDS = 600
CALLBACK_PATH = "/connect/youtube/callback"
CHALLENGE = re.compile(r"[A-Za-z0-9_.~-]{43,128}")
CARRIED = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "access_type", "prompt"),
    *("include_granted_scopes", "login_hint", "code_challenge", "code_challenge_method"),
)
ANSWERS = ("account", "decision", "ticks", "granted")
PROMPTS = {"none", "consent", "select_account"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Google</title>
<style>body{{font:16px system-ui;max-width:36rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1.5rem;margin-right:1rem}}</style></head>
<body><h1>Simulated Google</h1>
<p>This is a local stand-in; no real account is involved.</p>
<form method="post" action="/youtube/o/oauth2/v2/auth">{hidden}
<input type="hidden" name="ticks" value="shown">
<p><label>Choose a channel <select name="account">{options}</select></label></p>
<p>The app asks to:</p>{scopes}
<p><button name="decision" value="agree">Continue</button>
<button name="decision" value="cancel">Cancel</button></p></form></body></html>
"""


class Code(NamedTuple):
    """What an authorization code stands for until it is used or 10 minutes old."""

    account: int
    scope_mask: int
    redirect_uri: str
    challenge: str
    method: str
    offline: bool
    given_at: float


def problem_of(asked: Mapping[str, str]) -> str | None:
    """Return what Google's error page would say of such a request, or ``None`` where it is in order."""
    if unknown := set(asked) - {*CARRIED, *ANSWERS}:
        return f"Error 400: invalid_request: Parameter not allowed for this message type: {min(unknown)}"
    if asked.get("client_id") != CLIENT_ID:
        return "Error 401: invalid_client: The OAuth client was not found."
    if redirect_fault(asked.get("redirect_uri", ""), CALLBACK_PATH):
        return "Error 400: redirect_uri_mismatch"
    if asked.get("response_type") != "code":
        return "Error 400: unsupported_response_type"
    return _scope_problem(asked.get("scope", "").split()) or _option_problem(asked)


def _scope_problem(scopes: list[str]) -> str | None:
    if not scopes:
        return "Error 400: invalid_request: Missing required parameter: scope"
    known = set(scopes) <= set(SCOPES)
    return None if known else "Error 400: invalid_scope: Some requested scopes were invalid."


def _option_problem(asked: Mapping[str, str]) -> str | None:
    prompts = asked.get("prompt", "").split()
    if asked.get("access_type", "online") not in {"online", "offline"}:
        return "Error 400: invalid_request: Invalid parameter value for access_type"
    if not set(prompts) <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        return "Error 400: invalid_request: Invalid parameter value for prompt"
    if asked.get("include_granted_scopes", "false") not in {"true", "false"}:
        return "Error 400: invalid_request: Invalid parameter value for include_granted_scopes"
    challenge, method = asked.get("code_challenge"), asked.get("code_challenge_method", "plain")
    if method not in {"S256", "plain"} or (challenge is None and "code_challenge_method" in asked):
        return "Error 400: invalid_request: Invalid code_challenge_method"
    if challenge is not None and not CHALLENGE.fullmatch(challenge):
        return "Error 400: invalid_request: Invalid code_challenge"
    return None


class Consent:
    """``/youtube/o/oauth2/v2/auth``."""

    faulty = True

    def __init__(self, world: World, library: Library, grants: Grants, codes: Codes[Code]) -> None:
        self.world, self.library, self.grants, self.codes = world, library, grants, codes

    def account(self, request: Request) -> int | None:
        """Return the account chosen on the screen."""
        return chosen_account(request)

    def answer(self, request: Request) -> Reply:
        """Show the screen, or act on its decision."""
        asked, account = asked_of(request), self.account(request)
        problem = problem_of(asked)
        if problem is None and (account is None or not self.world.has(account)):
            problem = "There is no such account"
        if problem is not None or account is None:
            return as_text(str(problem), 400)
        if request.method == "GET":
            if asked.get("prompt") == "none":
                return _redirect(asked, {"error": "interaction_required"})
            return as_text(self._screen(asked, account), content_type="text/html; charset=utf-8")
        if request.method == "POST":
            return self._decide(request, asked, account)
        return as_text("Method not allowed", 405)

    def _screen(self, asked: Mapping[str, str], account: int) -> str:
        return PAGE.format(
            hidden=hidden_fields(asked, CARRIED),
            options=account_options(self.world, account, self.library.title),
            scopes="".join(
                f'<p><label><input type="checkbox" name="granted" value="{escape(scope)}" checked> '
                f"{escape(scope)}</label></p>"
                for scope in asked["scope"].split()
            ),
        )

    def _decide(self, request: Request, asked: Mapping[str, str], account: int) -> Reply:
        granted = _granted(request, asked)
        if asked.get("decision") != "agree" or not granted:
            return _redirect(asked, {"error": "access_denied"})
        mask, before = mask_of(granted), self.grants.agreed.get(account, 0)
        shown = "consent" in asked.get("prompt", "").split() or mask & ~before != 0
        if asked.get("include_granted_scopes") == "true":
            mask |= before
        self.grants.agree(account, mask)
        code = Code(
            account,
            mask,
            asked["redirect_uri"],
            asked.get("code_challenge", ""),
            asked.get("code_challenge_method", "plain"),
            offline=asked.get("access_type") == "offline" and shown,
            given_at=self.world.clock.now(),
        )
        scope = " ".join(sorted(scopes_of(mask)))
        more = {"authuser": "0", "prompt": "consent" if shown else "none"}
        return _redirect(asked, {"code": self.codes.give(code), "scope": scope, **more})


def _granted(request: Request, asked: Mapping[str, str]) -> list[str]:
    """Return the scopes left ticked; all of them where the form shows no ticks."""
    scopes = asked["scope"].split()
    if "ticks" not in asked and "granted" not in asked:
        return scopes
    fields = parse_qsl(request.body.decode(errors="replace"))
    ticked = {value for name, value in fields if name == "granted"}
    return [scope for scope in scopes if scope in ticked]


def _redirect(asked: Mapping[str, str], parameters: Mapping[str, str]) -> Reply:
    state = {"state": asked["state"]} if "state" in asked else {}
    address = f"{asked['redirect_uri']}?{urlencode({**state, **parameters})}"
    return Reply(302, b"", headers=(("location", address),))
