"""YouTube Analytics: reports on the channel of the token."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from simulator.exchange import Reply, Request, encode
from simulator.faults import Rule
from simulator.world import World
from simulator.youtube import library
from simulator.youtube.data_api import caller, refusal
from simulator.youtube.errors import (
    Refused,
    bad_credentials,
    forbidden,
    missing_scope,
    not_simulated,
    unknown_parameter,
)
from simulator.youtube.figures import EPOCH_DAY, Figures
from simulator.youtube.ids import SLOT_BITS, channel_id, read_video
from simulator.youtube.library import Library
from simulator.youtube.parameters import STANDARD, STANDARD_NOT_SIMULATED
from simulator.youtube.reports import MONETARY, Question, bad, headers
from simulator.youtube.tokens import ANALYTICS, FULL, READONLY, Grants, Token, read_token
from simulator.youtube.tokens import MONETARY as MONETARY_SCOPE

PREFIX = "/youtube/analytics/v2"
SERVICE = "youtubeAnalytics.googleapis.com"
REQUIRED = ("ids", "startDate", "endDate", "metrics")
OPTIONAL = ("dimensions", "filters", "sort", "maxResults", "startIndex", "currency")
ELSEWHERE = ("includeHistoricalChannelData",)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NAMES = re.compile(r"[0-9A-Za-z]+(,[0-9A-Za-z]+)*")
SORTING = re.compile(r"-?[0-9A-Za-z]+(,-?[0-9A-Za-z]+)*")
FILTER = re.compile(r"([0-9A-Za-z]+)==([0-9A-Za-z_,-]+)")
COUNTRY = re.compile(r"[A-Z]{2}")
MOST_FILTERED = 500


class Analytics:
    """``/youtube/analytics/v2``."""

    faulty = True

    def __init__(self, world: World, shelf: Library, grants: Grants) -> None:
        self.world, self.shelf, self.grants = world, shelf, grants

    def account(self, request: Request) -> int | None:
        """Return whose token the request carries, even where it has expired."""
        token = read_token(request.headers.get("authorization", "").removeprefix("Bearer "))
        return token.account if token else None

    def refusal(self, rule: Rule, request: Request) -> Reply | None:  # noqa: ARG002  # the same for all
        """Word a fault as Google's APIs do."""
        return refusal(rule)

    def answer(self, request: Request) -> Reply:
        """Answer as Analytics does, errors included."""
        try:
            return Reply(200, self._body(request), "application/json; charset=UTF-8")
        except Refused as refused:
            return refused.reply()

    def _body(self, request: Request) -> bytes:
        path = request.path.removeprefix(PREFIX)
        if path in {"/groups", "/groupItems"}:
            raise not_simulated("groups")
        if path != "/reports" or request.method != "GET":
            raise Refused(404, "notFound", "Not Found")
        token = caller(self.world, self.grants, request)
        if token is None:
            raise bad_credentials()
        _check_scopes(token)
        texts = read_texts(request.query)
        account = _account(texts["ids"], token)
        question = question_of(texts)
        question.check()
        self._check_rights(question, token)
        rows = Figures(self.shelf, account, question).rows()
        return encode(_table(question, rows, account))

    def _check_rights(self, question: Question, token: Token) -> None:
        if MONETARY & set(question.metrics):
            if MONETARY_SCOPE not in token.scopes:
                text = "Insufficient permission to access this report."
                raise Refused(403, "insufficientPermissions", text, status="PERMISSION_DENIED")
            if not library.is_monetized(token.account):
                raise forbidden()
        for name in dict(question.filters).get("video", "").split(","):
            number = read_video(name) if name else None
            if name and (number is None or number >> SLOT_BITS != token.account):
                raise forbidden()


def _table(question: Question, rows: list[list[Any]], account: int) -> dict[str, Any]:
    """Return the table; where there is nothing, every second channel has no ``rows`` at all."""
    begin = question.start - 1
    end = None if question.rows is None else begin + question.rows
    shown = rows[begin:end]
    table: dict[str, Any] = {"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers(question)}
    return table if not shown and account % 2 == 0 else {**table, "rows": shown}


def _check_scopes(token: Token) -> None:
    """Raise ``Refused`` where the token lacks one of the two scopes that every report needs."""
    if not token.scopes & {READONLY, FULL}:
        raise missing_scope(READONLY, SERVICE)
    if not token.scopes & {ANALYTICS, MONETARY_SCOPE}:
        raise missing_scope(ANALYTICS, SERVICE)


def read_texts(query: list[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters; raise ``Refused`` for one that is missing, repeated, empty or unknown."""
    texts: dict[str, str] = {}
    for name, value in query:
        if name in STANDARD or (name == "alt" and value == "json"):
            continue
        if name in STANDARD_NOT_SIMULATED or name in ELSEWHERE or name == "alt":
            raise not_simulated(f"the parameter {name}")
        if name not in REQUIRED and name not in OPTIONAL:
            raise unknown_parameter(name)
        if name in texts or not value:
            raise bad(f"Invalid value '{value}' for {name}.", name)
        texts[name] = value
    for name in REQUIRED:
        if name not in texts:
            raise Refused(400, "required", f"Required parameter: {name}", location=name)
    if texts.get("currency", "USD") != "USD":
        raise not_simulated("currencies other than USD")
    return texts


def _account(ids: str, token: Token) -> int:
    kind, _, name = ids.partition("==")
    if kind not in {"channel", "contentOwner"} or not name:
        raise bad(f"Invalid value '{ids}' for ids.", "ids")
    if kind == "contentOwner" or name not in {"MINE", channel_id(token.account)}:
        raise forbidden()
    return token.account


def question_of(texts: dict[str, str]) -> Question:
    """Return what is asked; raise ``Refused`` for what cannot be read."""
    first, last = _day(texts, "startDate"), _day(texts, "endDate")
    if last < first:
        raise bad("Invalid value: endDate is before startDate.", "endDate")
    sort = tuple(
        (name.removeprefix("-"), -1 if name.startswith("-") else 1) for name in _list(texts, "sort", SORTING)
    )
    return Question(
        first,
        last,
        _list(texts, "metrics", NAMES),
        _list(texts, "dimensions", NAMES),
        _filters(texts.get("filters", "")),
        sort,
        _positive(texts, "maxResults"),
        _positive(texts, "startIndex") or 1,
    )


def _day(texts: dict[str, str], name: str) -> int:
    text = texts[name]
    try:
        if DATE.fullmatch(text):
            return date.fromisoformat(text).toordinal() - EPOCH_DAY
    except ValueError:
        pass
    raise bad(f"Invalid value '{text}' for {name}: it must be a date, YYYY-MM-DD.", name)


def _list(texts: dict[str, str], name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    text = texts.get(name)
    if text is None:
        return ()
    if not pattern.fullmatch(text):
        raise bad(f"Invalid value '{text}' for {name}.", name)
    return tuple(text.split(","))


def _filters(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in text.split(";") if text else ():
        match = FILTER.fullmatch(part)
        if match is None:
            raise bad(f"Invalid value '{part}' for filters.", "filters")
        found.append((match[1], match[2]))
    for name, value in found:
        if name == "country" and not COUNTRY.fullmatch(value):
            raise bad(f"Invalid value '{value}' for the filter country.", "filters")
        if name == "video" and value.count(",") >= MOST_FILTERED:
            raise bad(f"At most {MOST_FILTERED} videos can be filtered by.", "filters")
    return tuple(found)


def _positive(texts: dict[str, str], name: str) -> int | None:
    text = texts.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):  # noqa: PLR2004  # int32
        raise bad(f"Invalid value '{text}'. Values must be at least 1.", name)
    return int(text)
