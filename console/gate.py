"""The gate: finds a request's route and its rule, who asks, and lets in or not, before anything is read.

It stands before the handlers and after the guard. What has no rule is closed.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import RouteContext, iter_route_contexts
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from console.actors import NOT_YOURS, Actor, actor_from
from console.faults import NO_DATABASE, NOT_FOUND, answer
from console.guard import SAFE_METHODS, has_own_origin
from console.pages import ACTOR, Link, Message, message_page, wants_json
from console.parts import Console
from console.problems import Problem, ProblemError, answer_problem, problem_type
from console.rules import RULES, Rule

LOGIN = "/login"
LOG_IN_FIRST = Message(
    "Log in first",
    "Your session has ended, or you were never logged in; nothing was done.",
    "Log in, and press the button again.",
    links=(Link("Log in", LOGIN),),
)


def routes_of(routes: Iterable[BaseRoute]) -> list[tuple[str, RouteContext]]:
    """Return every route with the name that its rule stands under: ``GET /healthz``."""
    found = []
    for route in iter_route_contexts(list(routes)):
        methods = (route.methods or {"GET"}) - {"HEAD", "OPTIONS"}
        found += [(f"{method} {route.path}", route) for method in sorted(methods)]
    return found


class Gate:
    """Wraps the application; ``routes`` gives its routes, some of which are added late."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        console: Console,
        routes: Callable[[], list[BaseRoute]],
        rules: Mapping[str, Rule] = RULES,
    ) -> None:
        self._app, self._console, self._routes, self._rules = app, console, routes, rules
        self._known: list[tuple[str, RouteContext]] = []
        self._counted = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            actor, refusal = await self._judged(request)
        except SQLAlchemyError:
            actor, refusal = None, answer(request, NO_DATABASE, HTTPStatus.SERVICE_UNAVAILABLE)
        ACTOR.set(actor)
        await (refusal or self._app)(scope, receive, send)

    async def _judged(self, request: Request) -> tuple[Actor | None, Response | None]:
        name = self._name_of(request.scope)
        if name is None:
            return None, None  # there is no such route, which is said to everybody alike
        rule = self._rules.get(name)
        if rule is None:
            return None, answer(request, NOT_FOUND, HTTPStatus.NOT_FOUND)
        if rule.is_open:
            return None, None
        program = is_program(request)
        actor = await asyncio.to_thread(actor_from, self._console, request, program=program)
        if actor is None:
            return None, None if rule.by_proof else _unknown(request)
        return actor, _forbidden(request, rule, actor) or self._forged(request, actor)

    def _name_of(self, scope: Scope) -> str | None:
        routes = self._routes()
        if len(routes) != self._counted:
            self._known, self._counted = routes_of(routes), len(routes)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        asked: dict[str, Any] = {**scope, "method": method}
        for name, route in self._known:
            if name.startswith(f"{method} ") and route.matches(asked)[0] is Match.FULL:
                return name
        return None

    def _forged(self, request: Request, actor: Actor) -> Response | None:
        """Refuse an order under a session that does not prove that one of our own pages sent it."""
        if request.method in SAFE_METHODS or actor.scopes is not None:
            return None
        if has_own_origin(request, self._console.public_url):
            return None
        text = "The browser did not say that a page of the console sent it; nothing was done."
        cure = "Use a browser of this decade; a program uses a token instead of a session."
        return answer(request, Message("This order may be forged", text, cure), HTTPStatus.FORBIDDEN)


def is_program(request: Request) -> bool:
    """Say whether the address is one of programs."""
    return wants_json(request) or request.url.path in {"/metrics", "/openapi.json"}


def _unknown(request: Request) -> Response:
    """Send a person to the login and back here, and tell a program what is missing."""
    if is_program(request):
        cure = "send `Authorization: Bearer` with a token; people make one at /admin/tokens"
        error = _problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "Nobody is logged in", cure)
        error.headers["www-authenticate"] = "Bearer"
        return answer_problem(request, error)
    if request.method not in SAFE_METHODS:
        return message_page(LOG_IN_FIRST, HTTPStatus.UNAUTHORIZED)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    after = "" if path == "/" else "?" + urlencode({"next": path})
    return RedirectResponse(LOGIN + after, HTTPStatus.SEE_OTHER, headers={"cache-control": "no-store"})


def _forbidden(request: Request, rule: Rule, actor: Actor) -> Response | None:
    if actor.scopes and rule.scope in actor.scopes:
        return None
    if rule.role is None or (actor.may(rule.role) if rule.everywhere else actor.may_somewhere(rule.role)):
        return None
    where = "over all orgs" if rule.everywhere else "in the org"
    cure = f"It takes the role {rule.role} {where}. An admin can give it to you."
    if is_program(request):
        cure = f"{cure} A token has no more rights than its scopes and its person."
        return answer_problem(request, _problem(HTTPStatus.FORBIDDEN, "forbidden", NOT_YOURS, cure))
    title = NOT_YOURS if actor.may_somewhere("viewer") else "Nothing is shown to you yet"
    return message_page(Message(title, f"You are logged in as {actor.name}.", cure), HTTPStatus.FORBIDDEN)


def _problem(status: HTTPStatus, reason: str, title: str, cure: str) -> ProblemError:
    detail = "Nothing was done."
    return ProblemError(
        Problem(type=problem_type(reason), title=title, status=status, detail=detail, cure=cure)
    )
