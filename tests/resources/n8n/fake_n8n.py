"""An n8n in memory that answers through httpx's transport, as the real one was seen to."""

import json
from typing import Any

import httpx

KEY = "key-of-the-api"
FRONT_PAGE = (
    '<meta name="n8n:config:rest-endpoint" content="cmVzdA=="><meta name="n8n:config:sentry" '
    'content="eyJkc24iOiIiLCJlbnZpcm9ubWVudCI6ImRldmVsb3BtZW50IiwicmVsZWFzZSI6Im44bkAyLjQwLjcifQ==">'
)
UNKNOWN_WEBHOOK = 'The requested webhook "GET x" is not registered.'
OTHER_METHOD = "This webhook is not registered for GET requests. Did you mean to make a POST request?"


class FakeN8n:
    """Keeps workflows and credentials; ``asked`` are the requests it got, ``refused`` what it says no to."""

    def __init__(self) -> None:
        self.workflows: dict[str, dict[str, Any]] = {}
        self.credentials: dict[str, dict[str, Any]] = {}
        self.executions: list[dict[str, Any]] = []
        self.asked: list[httpx.Request] = []
        self.refused: dict[str, httpx.Response | Exception] = {}

    @property
    def changes(self) -> list[str]:
        """Every request that changes something."""
        return [f"{one.method} {one.url.path}" for one in self.asked if one.method != "GET"]

    def transport(self) -> httpx.MockTransport:
        """Return the way to it."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        for start, answer in self.refused.items():
            if f"{request.method} {path}".startswith(start):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        if path == "/healthz":
            return httpx.Response(200, json={"status": "ok"})
        if path == "/":
            return httpx.Response(200, text=FRONT_PAGE)
        if path.startswith("/webhook/"):
            return self._webhook(request, path.removeprefix("/webhook/"))
        if request.headers["x-n8n-api-key"] != KEY:
            return httpx.Response(401, json={"message": "unauthorized"})
        return self._api(request, path.removeprefix("/api/v1/").split("/"))

    def _webhook(self, request: httpx.Request, path: str) -> httpx.Response:
        paths = {
            node["parameters"]["path"]
            for one in self.workflows.values()
            if one["active"]
            for node in one["nodes"]
            if node["type"].endswith(".webhook")
        }
        if path not in paths:
            return httpx.Response(404, json={"code": 404, "message": UNKNOWN_WEBHOOK})
        if request.method == "GET":
            return httpx.Response(404, json={"code": 404, "message": OTHER_METHOD})
        return httpx.Response(401, json={"ok": False})

    def _api(self, request: httpx.Request, words: list[str]) -> httpx.Response:  # noqa: PLR0911 - an answer a way
        body = json.loads(request.content) if request.content else {}
        match request.method, words:
            case "GET", ["workflows" | "credentials" as kind]:
                return self._page(request, list(getattr(self, kind).values()))
            case "GET", ["executions"]:
                wanted = request.url.params["workflowId"]
                return self._page(request, [one for one in self.executions if one["workflowId"] == wanted])
            case "POST", ["credentials"]:
                made = {"id": f"cred{len(self.credentials)}", "name": body["name"], "type": body["type"]}
                self.credentials[made["id"]] = made
                return httpx.Response(200, json=made)
            case "PATCH", ["credentials", known]:
                return httpx.Response(200, json=self.credentials[known])
            case "POST", ["workflows"]:
                return self._write(f"w{len(self.workflows)}", body, active=False)
            case "PUT", ["workflows", known]:
                return self._write(known, body, active=self.workflows[known]["active"])
            case "POST", ["workflows", known, "publish"]:
                self.workflows[known]["active"] = True
                return httpx.Response(200, json=self.workflows[known])
        return httpx.Response(404, json={"message": "not found"})

    def _page(self, request: httpx.Request, rows: list[dict[str, Any]]) -> httpx.Response:
        """Answer two rows a page, so that whoever reads one page misses some."""
        start = int(request.url.params.get("cursor", "0"))
        cursor = str(start + 2) if start + 2 < len(rows) else None
        return httpx.Response(200, json={"data": rows[start : start + 2], "nextCursor": cursor})

    def _write(self, known: str, body: dict[str, Any], *, active: bool) -> httpx.Response:
        added = {"callerPolicy": "workflowsFromSameOwner", "availableInMCP": False}
        nodes = [{**node, "position": [1, 2], "notesInFlow": False} for node in body["nodes"]]
        self.workflows[known] = {
            **body,
            "id": known,
            "active": active,
            "nodes": nodes,
            "isArchived": False,
            "settings": {**added, **body["settings"]},
            "staticData": {"node:Every night": {}},
            "versionId": "v",
        }
        return httpx.Response(200, json=self.workflows[known])
