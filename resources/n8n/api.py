"""n8n's own public REST API, as far as we use it.

Source: https://docs.n8n.io/api/, and ``/api/v1/openapi.yml`` of an n8n that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from resources.errors import N8nError
from resources.n8n.faults import fault_of, unreachable
from resources.n8n.place import Place

KEY_HEADER = "X-N8N-API-KEY"
PAGE = 100
MOST_PAGES = 100
PATIENCE = httpx.Timeout(15.0, connect=5.0)
Answer = TypeVar("Answer")
Json = dict[str, Any]


class Version(msgspec.Struct, frozen=True):
    """The nodes of a published version, which are what n8n runs."""

    nodes: list[Json]
    connections: Json = {}


class RemoteWorkflow(msgspec.Struct, frozen=True, rename="camel"):
    """A workflow as n8n has it: what stands in the editor, and what is published of it."""

    id: str
    name: str
    active: bool
    nodes: list[Json]
    connections: Json
    is_archived: bool = False
    settings: Json | None = None
    active_version: Version | None = None


class RemoteCredential(msgspec.Struct, frozen=True):
    """A credential's name and type; its values are never read."""

    id: str
    name: str
    type: str


class RemoteExecution(msgspec.Struct, frozen=True, rename="camel"):
    """One run of a workflow; times are ISO 8601, UTC."""

    id: str | int
    workflow_id: str
    status: str
    mode: str = ""
    started_at: str | None = None
    stopped_at: str | None = None


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """One page of a list."""

    data: list[msgspec.Raw]
    next_cursor: str | None = None


class N8nApi:
    """Asks one n8n; every method raises ``N8nError`` with a cause and a cure."""

    def __init__(self, place: Place, client: httpx.AsyncClient) -> None:
        self.place, self._client = place, client

    async def workflows(self) -> tuple[RemoteWorkflow, ...]:
        """Return every workflow that is not archived."""
        found = await self._all("/workflows", RemoteWorkflow, {"excludePinnedData": "true"})
        return tuple(one for one in found if not one.is_archived)

    async def create(self, body: Mapping[str, Any]) -> RemoteWorkflow:
        """Make a workflow; n8n chooses its id."""
        return self._read(await self._ask("POST", "/workflows", body), RemoteWorkflow)

    async def update(self, workflow_id: str, body: Mapping[str, Any]) -> RemoteWorkflow:
        """Replace a workflow; one that is published is published anew."""
        return self._read(await self._ask("PUT", f"/workflows/{workflow_id}", body), RemoteWorkflow)

    async def publish(self, workflow_id: str) -> None:
        """Publish what stands in the editor: n8n registers its webhooks now."""
        try:
            await self._ask("POST", f"/workflows/{workflow_id}/publish", {})
        except N8nError as error:
            if error.status not in {httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}:
                raise
            await self._ask("POST", f"/workflows/{workflow_id}/activate", {})  # its name before 2026

    async def credentials(self) -> tuple[RemoteCredential, ...]:
        """Return the names of all credentials that the key's owner sees."""
        return await self._all("/credentials", RemoteCredential, {})

    async def create_credential(self, name: str, kind: str, values: Json) -> RemoteCredential:
        """Make a credential; n8n chooses its id."""
        body = {"name": name, "type": kind, "data": values}
        return self._read(await self._ask("POST", "/credentials", body), RemoteCredential)

    async def replace_credential(self, credential_id: str, values: Json) -> None:
        """Write other values into a credential, without reading those it has."""
        await self._ask("PATCH", f"/credentials/{credential_id}", {"data": values})

    async def executions(self, workflow_id: str, limit: int) -> tuple[RemoteExecution, ...]:
        """Return a workflow's last executions, newest first."""
        parameters = {"workflowId": workflow_id, "limit": str(limit)}
        page = self._read(await self._ask("GET", "/executions", parameters=parameters), Page)
        return tuple(self._read(raw, RemoteExecution) for raw in page.data)

    async def _all(self, path: str, kind: type[Answer], parameters: dict[str, str]) -> tuple[Answer, ...]:
        found: list[Answer] = []
        cursor: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            asked = {**parameters, "limit": str(PAGE), **cursor}
            page = self._read(await self._ask("GET", path, parameters=asked), Page)
            found += [self._read(raw, kind) for raw in page.data]
            if not page.next_cursor:
                break
            cursor = {"cursor": page.next_cursor}
        return tuple(found)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
    ) -> bytes:
        key = self.place.key.get_secret_value()
        headers = {KEY_HEADER: key, "accept": "application/json"}
        url = f"{self.place.url}/api/v1{path}"
        try:
            response = await self._client.request(
                method, url, json=body, params=parameters, headers=headers, timeout=PATIENCE
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise unreachable(self.place.url, error) from None  # a chained one may show the headers
        if not response.is_success:
            raise fault_of(self.place.url, response, secret=key)
        return response.content

    def _read(self, content: bytes | msgspec.Raw, kind: type[Answer]) -> Answer:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.MsgspecError as error:
            raise N8nError(
                self.place.url,
                f"does not answer as n8n's API does ({error})",
                "correct BACKLINE_N8N_URL, or tell us n8n's version where it is n8n",
            ) from error
