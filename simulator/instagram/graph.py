"""The API's door: checks token, budget, path, scope and parameters, and finds what answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simulator.exchange import Reply, Request, encode
from simulator.faults import Rule
from simulator.instagram import endpoints, errors, refusals, tokens
from simulator.instagram.asked import PREFIX, Asked
from simulator.instagram.errors import Headers, Refused
from simulator.instagram.ids import Node, read_id
from simulator.instagram.media_insights import media_insights
from simulator.instagram.state import State
from simulator.instagram.tokens import Token, read_token
from simulator.instagram.usage import Usage
from simulator.instagram.user_insights import user_insights

BEARER = "Bearer "
PAGE = ("fields", "limit", "after", "before")
USER_INSIGHTS = ("metric", "period", "metric_type", "breakdown", "timeframe", "since", "until")


class Endpoint(NamedTuple):
    """What one kind of thing, or one of its lists, answers; every parameter not named is refused."""

    answer: Callable[[Asked], dict[str, Any]]
    parameters: tuple[str, ...] = ()
    scope: str = tokens.BASIC


ENDPOINTS: Mapping[tuple[str, str, str], Endpoint] = {
    ("GET", "user", ""): Endpoint(endpoints.user, ("fields",)),
    ("GET", "user", "media"): Endpoint(endpoints.media_list, (*PAGE, "since", "until")),
    ("GET", "user", "stories"): Endpoint(endpoints.story_list, PAGE),
    ("GET", "user", "insights"): Endpoint(user_insights, USER_INSIGHTS, tokens.INSIGHTS),
    ("GET", "user", "subscribed_apps"): Endpoint(endpoints.subscriptions),
    ("POST", "user", "subscribed_apps"): Endpoint(endpoints.subscribe, ("subscribed_fields",)),
    ("DELETE", "user", "subscribed_apps"): Endpoint(endpoints.unsubscribe),
    ("GET", "media", ""): Endpoint(endpoints.media_object, ("fields",)),
    ("GET", "media", "children"): Endpoint(endpoints.children, ("fields",)),
    ("GET", "media", "comments"): Endpoint(endpoints.comment_list, PAGE, tokens.COMMENTS),
    ("GET", "media", "insights"): Endpoint(
        media_insights, ("metric", "period", "breakdown"), tokens.INSIGHTS
    ),
    ("GET", "story", ""): Endpoint(endpoints.story, ("fields",)),
    ("GET", "story", "insights"): Endpoint(
        media_insights, ("metric", "period", "breakdown"), tokens.INSIGHTS
    ),
    ("GET", "comment", ""): Endpoint(endpoints.comment, ("fields",), tokens.COMMENTS),
}
NOT_SIMULATED = {
    ("user", "tags"),
    ("user", "live_media"),
    ("user", "content_publishing_limit"),
    ("user", "conversations"),
    ("user", "media_publish"),
    ("user", "mentions"),
    ("user", "messages"),
    ("story", "comments"),
    ("comment", "replies"),
}
KINDS = {"scoped": "user"}


class Graph:
    """``/instagram/v25.0``."""

    faulty = True

    def __init__(self, state: State) -> None:
        self.state, self.usage = state, Usage(state.mode)

    def account(self, request: Request) -> int | None:
        """Return whose token the request carries, even where it has expired."""
        token = read_token(_token_text(request) or "")
        return token.account if token else None

    def refusal(self, rule: Rule, request: Request) -> Reply | None:
        """Word a fault's refusal as a Graph error."""
        return refusals.reply(rule, self.account(request))

    def answer(self, request: Request) -> Reply:
        """Answer as the Graph API does, errors included, with the usage on many of the replies."""
        headers: Headers = ()
        try:
            token = self._token(request)
            now = self.state.now
            self.usage.admit(token.account, now)
            headers = self.usage.headers(token.account, now)
            return Reply(200, encode(self._body(request, token)), headers=headers)
        except Refused as refused:
            refused.headers = refused.headers or headers
            return refused.reply()

    def _token(self, request: Request) -> Token:
        text = _token_text(request)
        if text is None:
            message = "An access token is required to request this resource."
            raise Refused(message, 104, kind=errors.OAUTH)
        if not text:
            raise errors.dead_token(errors.UNPARSED)
        return self.state.token(text)

    def _body(self, request: Request, token: Token) -> dict[str, Any]:
        name, _, edge = request.path.removeprefix(f"{PREFIX}/").partition("/")
        node = self._node(request.method, name, token)
        kind = KINDS.get(node.kind, node.kind)
        endpoint = _endpoint(request.method, kind, edge, name)
        if not {tokens.BASIC, endpoint.scope} <= token.scopes:
            raise errors.no_permission()
        values = _values(request, endpoint.parameters)
        text = _token_text(request) or ""
        listed = Node("user", node.account) if kind == "user" else node
        asked = Asked(self.state, request.origin, token, text, request.method, listed, edge, values)
        return endpoint.answer(asked)

    def _node(self, method: str, name: str, token: Token) -> Node:
        """Return what the path names; raise ``Refused`` (100/33) where it is not this token's to see."""
        node = Node("user", token.account) if name == "me" else read_id(name)
        if node is None or node.account != token.account or not endpoints.exists(self.state, node):
            raise errors.missing(method, name)
        return node


def _endpoint(method: str, kind: str, edge: str, name: str) -> Endpoint:
    endpoint = ENDPOINTS.get((method, kind, edge))
    if endpoint is not None:
        return endpoint
    if (kind, edge) in NOT_SIMULATED:
        raise errors.not_simulated(edge)
    if any((kind, edge) == known[1:] for known in ENDPOINTS):
        raise errors.missing(method, name)
    raise Refused(f"(#100) Tried accessing nonexisting field ({edge}) on node type ({kind.title()})")


def _parameters(request: Request) -> list[tuple[str, str]]:
    return [*request.query, *request.form.items()]


def _token_text(request: Request) -> str | None:
    """Return the token of the header or of the parameter, ``None`` for neither, empty for two that differ."""
    header = request.headers.get("authorization", "")
    texts = {value for name, value in _parameters(request) if name == "access_token"}
    if header:
        texts.add(header.removeprefix(BEARER) if header.startswith(BEARER) else "")
    return None if not texts else texts.pop() if len(texts) == 1 else ""


def _values(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters; raise ``Refused`` for one that is repeated, empty or unknown.

    Instagram overlooks names it does not know. A client that sends one has a bug, so it is refused here.
    """
    values: dict[str, str] = {}
    for name, value in _parameters(request):
        if name == "access_token" or (name == "pretty" and value in {"0", "1"}):
            continue
        if name not in known:
            raise Refused(f"(#100) Unsupported parameter: {name}")
        if name in values or not value:
            raise Refused(f"(#100) Param {name} must be given once, and not empty")
        values[name] = value
    return values
