"""The consent screen, where a person lets the app read a professional account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

import msgspec

from simulator import credentials
from simulator.consenting import (
    Codes,
    account_options,
    asked_of,
    chosen_account,
    hidden_fields,
    redirect_fault,
)
from simulator.exchange import Reply, Request, as_text
from simulator.faults import Rule
from simulator.instagram import refusals
from simulator.instagram.profile import username
from simulator.instagram.state import State
from simulator.instagram.tokens import BASIC, SCOPES, mask_of

PATH = "/instagram/oauth/authorize"
CODE_SECONDS = 3_600
CALLBACK_PATH = "/connect/instagram/callback"
CARRIED = ("client_id", "redirect_uri", "response_type", "scope", "state")
SWITCHES = ("enable_fb_login", "force_authentication", "force_reauth")
ANSWERED = ("account", "decision")  # fields of the screen itself
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Instagram</title>
<style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1.5rem;margin-right:1rem}}</style></head>
<body><h1>Simulated Instagram</h1>
<p>This is a local stand-in; no real account is involved.</p>
<form method="post" action="/instagram/oauth/authorize">{hidden}
<p><label>Sign in as <select name="account">{options}</select></label></p>
<p>The app asks for:</p><ul>{scopes}</ul>
<button name="decision" value="agree">Allow</button>
<button name="decision" value="cancel">Cancel</button></form></body></html>
"""


class Code(msgspec.Struct, frozen=True):
    """What an authorization code stands for until it is used or an hour old."""

    account: int
    scope_mask: int
    redirect_uri: str
    given_at: float


def scopes_in(text: str) -> list[str]:
    """Return the scopes of a request, which may be separated by commas or spaces."""
    return [scope for scope in re.split(r"[,\s]+", text) if scope]


def problem_of(asked: Mapping[str, str]) -> str | None:
    """Return what Instagram's error page would say of such a request, or ``None`` where it is in order.

    Instagram wants https everywhere; http is let through to this machine, so that the demo needs no
    certificate.
    """
    unknown = sorted(set(asked) - {*CARRIED, *SWITCHES, *ANSWERED})
    switched = [name for name in SWITCHES if asked.get(name, "0") not in {"0", "1", "true", "false"}]
    scopes = set(scopes_in(asked.get("scope", "")))
    fault = redirect_fault(asked.get("redirect_uri", ""), CALLBACK_PATH)
    problems = (
        f"Unsupported parameter: {unknown[0]}" if unknown else None,
        None if asked.get("client_id") == credentials.CLIENT_ID else "Invalid platform app",
        f"{fault} redirect_uri" if fault else None,
        None if asked.get("response_type") == "code" else "Invalid response_type",
        None if BASIC in scopes and scopes <= set(SCOPES) else "Invalid scopes",
        f"Invalid {switched[0]}" if switched else None,
    )
    problem = next((problem for problem in problems if problem), None)
    return f"Invalid Request: {problem}" if problem else None


class Consent:
    """``/instagram/oauth/authorize``."""

    faulty = True

    def __init__(self, state: State, codes: Codes[Code]) -> None:
        self.state, self.codes = state, codes

    def account(self, request: Request) -> int | None:
        """Return the account chosen on the screen."""
        return chosen_account(request)

    def answer(self, request: Request) -> Reply:
        """Show the screen, or act on its decision."""
        if request.path != PATH:
            return as_text("Sorry, this page isn't available.", 404)
        asked, account = asked_of(request), self.account(request)
        problem = problem_of(asked)
        if problem is None and (account is None or not self.state.world.has(account)):
            problem = "There is no such account"
        if problem is not None or account is None:
            return as_text(str(problem), 400)
        if request.method == "GET":
            return as_text(self._screen(asked, account), content_type="text/html; charset=utf-8")
        if request.method == "POST":
            return self._decide(asked, account)
        return as_text("Method not allowed", 405)

    def refusal(self, rule: Rule, request: Request) -> Reply | None:  # noqa: ARG002  # a page has no token
        """Show the error page that a fault puts in the screen's place."""
        refused = refusals.refused(rule)
        return None if refused is None else as_text(refused.message, rule.status or refused.status)

    def _screen(self, asked: Mapping[str, str], account: int) -> str:
        return PAGE.format(
            hidden=hidden_fields(asked, CARRIED),
            options=account_options(self.state.world, account, lambda one: username(self.state, one)),
            scopes="".join(f"<li>{escape(scope)}</li>" for scope in scopes_in(asked.get("scope", ""))),
        )

    def _decide(self, asked: Mapping[str, str], account: int) -> Reply:
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("decision") != "agree":
            denied = {
                "error": "access_denied",
                "error_reason": "user_denied",
                "error_description": "The user denied your request.",
            }
            return _redirect(asked["redirect_uri"], {**denied, **state})
        mask = mask_of(scopes_in(asked["scope"]))
        code = self.codes.give(Code(account, mask, asked["redirect_uri"], self.state.now))
        # Instagram appends "#_", which belongs to neither the code nor the state.
        return _redirect(asked["redirect_uri"], {"code": code, **state}, "#_")


def _redirect(address: str, parameters: Mapping[str, str], end: str = "") -> Reply:
    return Reply(302, b"", headers=(("location", f"{address}?{urlencode(parameters)}{end}"),))
