"""Faults on demand: which requests meet one, and what it does to their replies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from simulator.exchange import Reply, Request, as_json, encode

Kind = Literal[
    "rate_limit",
    "quota",
    "server_error",
    "slow",
    "slow_drip",
    "cut",
    "malformed_json",
    "revoked",
    "forbidden",
    "null_items",
    "missing_field",
    "wrong_types",
    "repeat_page",
]
SPOILING_JSON = {"null_items", "missing_field", "wrong_types"}
POSITION_PARAMETERS = ("offset", "after", "before", "pageToken", "startIndex")
LISTS = ("items", "rows", "data")  # what providers call the list in a reply
QUOTA_SECONDS, RATE_SECONDS, DRIP_SECONDS = 86_400, 5, 5.0


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests; what is left out matches all. A path may stand with or without its provider."""

    path_prefix: str = "/"
    account: int | None = None
    method: str | None = None

    def covers(self, request: Request, account: int | None) -> bool:
        """Tell whether the request is one of these."""
        if self.account is not None and self.account != account:
            return False
        if self.method is not None and self.method.upper() != request.method:
            return False
        without_provider = "/" + request.path.lstrip("/").partition("/")[2]
        return request.path.startswith(self.path_prefix) or without_provider.startswith(self.path_prefix)


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """One fault; ``times`` counts down, ``None`` never ends. Seconds for ``retry_after`` and ``seconds``."""

    kind: Kind
    match: Match = msgspec.field(default_factory=Match)
    times: Annotated[int, msgspec.Meta(ge=0)] | None = 1
    retry_after: int | None = None
    status: int | None = None
    field: str | None = None
    seconds: float = DRIP_SECONDS
    hits: int = 0


class Faults:
    """The rules in force, in the order they were added; the first that matches is the one that counts."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def take(self, request: Request, account: int | None) -> Rule | None:
        """Return the rule this request meets, if any, and count it."""
        for rule in self.rules:
            if rule.times != 0 and rule.match.covers(request, account):
                rule.hits += 1
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None


def refusal(rule: Rule, request: Request) -> Reply | None:
    """Return the reply that stands in for the real one, or ``None`` where the real one is needed.

    It is worded as Spotify does; a service with a ``refusal`` of its own words it as its provider would.
    """
    if rule.kind == "rate_limit":
        return _error(429, "API rate limit exceeded", rule, RATE_SECONDS)
    if rule.kind == "quota":
        return _error(429, "Quota exceeded", rule, QUOTA_SECONDS, reason="QUOTA_EXCEEDED")
    if rule.kind == "server_error":
        return _error(rule.status or 500, "Server error.", rule)
    if rule.kind == "forbidden":
        return _error(rule.status or 403, "Forbidden", rule)
    if rule.kind == "revoked":
        return _revoked(request)
    return None


def _error(status: int, message: str, rule: Rule, retry_after: int | None = None, **more: str) -> Reply:
    wait = rule.retry_after if rule.retry_after is not None else retry_after
    headers = () if wait is None else (("retry-after", str(wait)),)
    return as_json({"error": {"status": status, "message": message, **more}}, status, headers)


def _revoked(request: Request) -> Reply:
    if request.path.endswith("/token"):
        return as_json({"error": "invalid_grant", "error_description": "Refresh token revoked"}, 400)
    return as_json({"error": {"status": 401, "message": "Invalid access token"}}, 401)


def redirected(rule: Rule, request: Request) -> Request:
    """Return the request to answer instead: ``repeat_page`` gives the first page for every page."""
    if rule.kind != "repeat_page":
        return request
    kept = "&".join(
        part for part in request.query_text.split("&") if part.partition("=")[0] not in POSITION_PARAMETERS
    )
    return Request(request.method, request.path, kept, request.headers, request.body)


def spoiled(rule: Rule, reply: Reply) -> Reply:
    """Return the reply as the fault leaves it."""
    if rule.kind in {"cut", "slow", "slow_drip"}:
        return reply._replace(spoil=rule.kind, spoil_seconds=rule.seconds)
    if rule.kind == "malformed_json":
        return reply._replace(body=reply.body[: max(1, len(reply.body) // 2)])
    if rule.kind in SPOILING_JSON and reply.status == 200 and "json" in reply.content_type:  # noqa: PLR2004
        body = msgspec.json.decode(reply.body)
        if rule.kind == "null_items":
            _null_every_second(body)
        elif rule.kind == "missing_field":
            _remove(body, rule.field)
        else:
            _turn_to_lists(body)
        return reply._replace(body=encode(body))
    return reply


def _list_name(envelope: dict[str, Any]) -> str | None:
    return next((name for name in LISTS if isinstance(envelope.get(name), list)), None)


def _envelope(body: dict[str, Any]) -> dict[str, Any]:
    """Return the object that holds the list, which some replies keep one level down."""
    if _list_name(body):
        return body
    return next((part for part in body.values() if isinstance(part, dict) and _list_name(part)), body)


def _null_every_second(body: dict[str, Any]) -> None:
    envelope = _envelope(body)
    name = _list_name(envelope)
    if name is not None:
        items = envelope[name]
        items[::2] = [None] * len(items[::2])


def _turn_to_lists(body: dict[str, Any]) -> None:
    """Let every text and number of the items be a list of itself, however deep it stands."""
    envelope = _envelope(body)
    name = _list_name(envelope)
    for item in envelope[name] if name else [body]:
        _listed(item)


def _listed(item: Any) -> Any:
    if isinstance(item, dict):
        item |= {key: _listed(value) for key, value in item.items()}
    return [item] if isinstance(item, str | int) else item


def _remove(body: dict[str, Any], path: str | None) -> None:
    """Remove ``path`` from every item, or from the envelope, or from the object itself."""
    envelope = _envelope(body)
    name = _list_name(envelope)
    if path is None:
        envelope.pop(name or "id", None)
        return
    if path in envelope:
        del envelope[path]
        return
    for item in envelope[name] if name else [body]:
        _remove_at(item, path)


def _remove_at(item: Any, path: str) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        item = item.get(parent) if isinstance(item, dict) else None
    if isinstance(item, dict):
        item.pop(last, None)
