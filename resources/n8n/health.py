"""How an n8n stands: reachable, its workflows against git, its webhooks, its last executions.

Without a key of its API only the first and the webhooks can be told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from resources.errors import N8nError
from resources.n8n import credential
from resources.n8n.api import N8nApi, RemoteExecution, RemoteWorkflow
from resources.n8n.declared import FOLDER, Declared, declared, found, ids_in
from resources.n8n.drift import differences
from resources.n8n.faults import NEW_KEY
from resources.n8n.knocking import NOT_THIS, REGISTERED, STRANGER, UNKNOWN, Door, version_of
from resources.n8n.links import execution_link, workflow_link
from resources.n8n.place import Place, place_of
from resources.n8n.pushing import UNLISTABLE, matching
from resources.settings import Settings
from resources.transport import open_client

CONNECTIONS = 4
LAST_EXECUTIONS = 5
PUSH = "run `backline n8n push`"
IN_STEP, MISSING, INACTIVE, DIFFERS, YOURS = "in step", "missing", "inactive", "differs", "yours"
NO_KEY = f"BACKLINE_N8N_API_KEY is not set: whether workflows differ from git is not known; {NEW_KEY}"
KEY_SET, KEY_MISSING, KEY_REFUSED = "set", "missing", "refused"


@dataclass(frozen=True)
class Execution:
    """One run of a workflow, as n8n tells it; ``link`` shows it in n8n."""

    id: str
    status: str
    mode: str
    started_at: str | None
    link: str


@dataclass(frozen=True)
class WorkflowHealth:
    """One workflow of git in this n8n; ``cause`` and ``cure`` are empty where nothing is wrong.

    ``state`` is `in step`, `missing`, `inactive`, `differs`, `yours` or `unknown`; ``webhook`` is
    `registered`, `missing`, `broken`, `unknown` or `none` (it has none).
    """

    name: str
    state: str
    webhook: str
    differences: tuple[str, ...] = ()
    executions: tuple[Execution, ...] = ()
    link: str | None = None
    cause: str = ""
    cure: str = ""

    @property
    def last_failed(self) -> bool:
        """Whether its last execution that ended did so with an error."""
        ended = [one for one in self.executions if one.status not in {"running", "new", "waiting"}]
        return bool(ended) and ended[0].status in {"error", "crashed", "canceled"}


@dataclass(frozen=True)
class Health:
    """How n8n stands; ``key`` is `set`, `missing` or `refused`.

    ``reachable`` says that something answers at the address, ``is_n8n`` that it does so as n8n does.
    """

    url: str
    editor_url: str
    reachable: bool
    is_n8n: bool = False
    key: str = KEY_MISSING
    version: str | None = None
    credential: str = "unknown"
    workflows: tuple[WorkflowHealth, ...] = ()
    cause: str = ""
    cure: str = ""
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing stops events from being taken as git says; without a key, as far as is known."""
        return self.reachable and not self.cause and not any(one.cause for one in self.workflows)


async def health(
    settings: Settings,
    *,
    knock: bool = False,
    folder: Path = FOLDER,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Health | None:
    """Look at the n8n of these settings; None where they name none. Raises nothing that n8n does.

    With ``knock``, each webhook is sent an unsigned request, which it must refuse with 401. That proves
    that it verifies, and leaves an execution in n8n; without it, webhooks are asked for in a way that
    runs nothing.
    """
    place = place_of(settings)
    if place is None:
        return None
    async with open_client(CONNECTIONS, transport) as client:
        return await Looking(settings, place, client, knock=knock).look(declared(folder))


class Looking:
    """One look at one n8n."""

    def __init__(self, settings: Settings, place: Place, client: httpx.AsyncClient, *, knock: bool) -> None:
        self.settings, self.place = settings, place
        self.api, self.door = N8nApi(place, client), Door(place.url, client)
        self.has_key = bool(place.key.get_secret_value())
        key = KEY_SET if self.has_key else KEY_MISSING
        self.nothing_seen = Health(place.url, place.editor_url, reachable=False, key=key)
        self.knocks = knock or not self.has_key  # without a key nothing else tells that it verifies

    async def look(self, wanted: tuple[Declared, ...]) -> Health:
        """Look at everything that can be seen."""
        try:
            page = await self.door.front_page()
        except N8nError as error:
            return replace(self.nothing_seen, cause=error.cause, cure=error.cure)
        reached = replace(self.nothing_seen, reachable=True)
        if page is None:
            return replace(reached, cause=STRANGER, cure=NOT_THIS)
        reached = replace(reached, is_n8n=True, version=version_of(page))
        try:
            if self.has_key:
                return await self._through_api(wanted, reached)
        except N8nError as error:
            key = KEY_REFUSED if error.status in {401, 403} else KEY_SET
            reached = replace(reached, key=key, cause=error.cause, cure=error.cure)
        else:
            reached = replace(reached, notes=(NO_KEY,))
        return replace(reached, workflows=await self._from_outside(wanted))

    async def _through_api(self, wanted: tuple[Declared, ...], reached: Health) -> Health:
        remote = await self.api.workflows()
        credential_id, there = await self._credential()
        ids = ids_in(wanted, remote, credential_id)
        looks = (self._workflow(one, found(one, remote), ids) for one in wanted)
        cause, cure = _of_credential(there)
        workflows = tuple(await asyncio.gather(*looks))
        return replace(reached, workflows=workflows, credential=there, cause=cause, cure=cure)

    async def _credential(self) -> tuple[str | None, str]:
        try:
            there = matching(await self.api.credentials())
        except N8nError as error:
            if error.status not in UNLISTABLE:
                raise
            return None, "unknown"
        return (there.id, "there") if there else (None, MISSING)

    async def _workflow(
        self, one: Declared, there: RemoteWorkflow | None, ids: dict[str, str]
    ) -> WorkflowHealth:
        if there is None:
            return WorkflowHealth(one.name, MISSING, "none", cause="is not in n8n", cure=PUSH)
        ran = await self._executions(there.id)
        webhook = await self._webhook(one)
        drift = () if one.is_yours else differences(one.written(self.place.console_url, ids, there), there)
        state = _state(one, there, drift)
        cause, cure = _words(state, webhook, drift)
        cure = "publish it in n8n; a push leaves it alone" if cause and one.is_yours else cure
        link = workflow_link(self.place.editor_url, there.id)
        return WorkflowHealth(one.name, state, webhook, drift, ran, link, cause, cure)

    async def _executions(self, workflow_id: str) -> tuple[Execution, ...]:
        try:
            ran = await self.api.executions(workflow_id, LAST_EXECUTIONS)
        except N8nError as error:
            if error.status != httpx.codes.FORBIDDEN:
                raise
            return ()  # the key may not see them, all else is told nevertheless
        return tuple(self._execution(one) for one in ran)

    def _execution(self, one: RemoteExecution) -> Execution:
        link = execution_link(self.place.editor_url, one.workflow_id, one.id)
        return Execution(str(one.id), one.status, one.mode, one.started_at, link)

    async def _webhook(self, one: Declared) -> str:
        if one.webhook is None:
            return "none"
        return await self.door.knock(one.webhook) if self.knocks else await self.door.ask(one.webhook)

    async def _from_outside(self, wanted: Sequence[Declared]) -> tuple[WorkflowHealth, ...]:
        """Look at the webhooks alone."""
        looked = []
        for one in wanted:
            if one.webhook is not None:
                webhook = await self._webhook(one)
                cause, cure = _words(UNKNOWN, webhook, ())
                looked.append(WorkflowHealth(one.name, UNKNOWN, webhook, cause=cause, cure=cure))
        return tuple(looked)


def _of_credential(there: str) -> tuple[str, str]:
    if there == MISSING:
        return f"has no credential `{credential.NAME}`", f"{PUSH}; or {credential.BY_HAND}"
    return "", ""


def _state(one: Declared, there: RemoteWorkflow, drift: tuple[str, ...]) -> str:
    if not there.active:
        return INACTIVE
    if one.is_yours:
        return YOURS
    return DIFFERS if drift else IN_STEP


def _words(state: str, webhook: str, drift: tuple[str, ...]) -> tuple[str, str]:
    if state == INACTIVE:
        return "is not published", PUSH
    if state == DIFFERS:
        return (
            f"differs from git: {'; '.join(drift)}",
            f"{PUSH} to put git's back, or bring the change into git",
        )
    if webhook == MISSING:
        return "its webhook is not registered", f"{PUSH}; if it stays so, publish the workflow in n8n again"
    if webhook not in {REGISTERED, UNKNOWN, "none"}:
        return f"its webhook does not refuse an unsigned request: {webhook}", "look at its executions in n8n"
    return "", ""
