"""Acme, the invented provider of the tutorial: consent, tokens and API, on a local server."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

CLIENT_ID, CLIENT_SECRET, REFRESH = "acme-client", "acme-secret", "acme-refresh"
SCOPES, STATIONS, PAGE, LONGEST_WINDOW = {"stations", "plays"}, 60, 50, 30


@dataclass
class Acme:
    """What Acme knows: who agreed to what, and the tokens that hold; ``asked`` are the API's requests."""

    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def consent(self, asked: dict[str, str]) -> str:
        """Agree at once, and return where the person is sent back to."""
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert set(asked["scope"].split()) == SCOPES
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Give tokens for a code, once, or for the refresh token."""
        if base64.b64decode(authorization.removeprefix("Basic ")).decode() != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            consent = self.codes.pop(form["code"], {})
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            expected = (challenge, form["redirect_uri"])
            if (consent.get("code_challenge"), consent.get("redirect_uri")) != expected:
                return 400, {"error": "invalid_grant"}
        elif form["refresh_token"] != REFRESH:
            return 400, {"error": "invalid_grant"}
        token = f"acme-access-{len(self.tokens)}"
        self.tokens.add(token)
        return 200, {"access_token": token, "refresh_token": REFRESH, "expires_in": 3600}

    def answer(self, path: str, asked: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Answer a request to the API."""
        if authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": {"message": "no such token"}}
        self.asked.append(path)
        match path.split("/")[2:]:
            case ["me"]:
                return 200, {"id": "a1", "name": "Radio One"}
            case ["stations"]:
                return 200, self._stations(asked)
            case ["stations", station, "cities"] if station.startswith("s"):
                return 200, {
                    "data": [{"city": city, "listeners": int(station[1:])} for city in ("Oslo", "Rome")]
                }
            case ["plays"]:
                return self._plays(date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"]))
        return 404, {"error": {"message": "there is nothing here"}}

    @staticmethod
    def _stations(asked: dict[str, str]) -> dict[str, Any]:
        assert asked["limit"] == str(PAGE)
        start = int(asked.get("after", "0"))
        end = min(start + PAGE, STATIONS)
        data = [{"id": f"s{n}", "name": f"Station {n}", "genre": None} for n in range(start, end)]
        return {"data": data} | ({"next_cursor": str(end)} if end < STATIONS else {})

    @staticmethod
    def _plays(first: date, last: date) -> tuple[int, Any]:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if not 0 < len(days) <= LONGEST_WINDOW or last >= datetime.now(UTC).date():
            return 400, {"error": {"message": "no such window"}}
        numbers = [{"day": d.isoformat(), "plays": d.day, "listened": {"minutes": 3 * d.day}} for d in days]
        return 200, {"days": numbers}


def _handler(acme: Acme) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = dict(parse_qsl(address.query))
            if address.path == "/oauth/authorize":
                self.send_response(303)
                self.send_header("location", acme.consent(asked))
                self.end_headers()
                return
            self._send(*acme.answer(address.path, asked, self.headers["authorization"] or ""))

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
            self._send(*acme.exchange(form, self.headers["authorization"] or ""))

        def _send(self, status: int, reply: Any) -> None:
            body = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def serving() -> Iterator[Acme]:
    """Serve Acme on a free port until the end of the block."""
    acme = Acme()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(acme)) as server:
        acme.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield acme
        finally:
            server.shutdown()
            thread.join()
