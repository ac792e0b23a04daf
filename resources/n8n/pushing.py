"""Brings the workflows of git into an n8n that runs: `backline n8n push`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import httpx

from resources.errors import N8nError, SettingMissing
from resources.n8n import credential
from resources.n8n.api import N8nApi, RemoteCredential, RemoteWorkflow
from resources.n8n.declared import FOLDER, Declared, declared, found, ids_in
from resources.n8n.drift import differences
from resources.n8n.knocking import NOT_THIS, STRANGER, Door
from resources.n8n.place import Place, place_of
from resources.settings import Settings
from resources.transport import open_client

CONNECTIONS = 4
UNLISTABLE = {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}


@dataclass(frozen=True)
class Step:
    """What was done about one thing: `created`, `updated`, `published`, `unchanged`, `kept`, or `by hand`."""

    what: str
    done: str
    detail: str = ""


@dataclass
class PushReport:
    """What a push did, or with ``dry_run`` would do."""

    url: str
    dry_run: bool
    steps: list[Step] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, changed."""
        return any(step.done in {"created", "updated", "published"} for step in self.steps)

    @property
    def by_hand(self) -> tuple[Step, ...]:
        """What a person has to do."""
        return tuple(step for step in self.steps if step.done == "by hand")


async def push(
    settings: Settings,
    *,
    dry_run: bool = False,
    renew_secret: bool = False,
    folder: Path = FOLDER,
    transport: httpx.AsyncBaseTransport | None = None,
) -> PushReport:
    """Make n8n's workflows what git says, and publish them; a second push changes nothing.

    Raises ``SettingMissing`` without an address or a key, and ``N8nError`` where n8n says no.
    """
    place = needed_place(settings)
    async with open_client(CONNECTIONS, transport) as client:
        if await Door(place.url, client).front_page() is None:  # the key is shown to n8n alone
            raise N8nError(place.url, STRANGER, NOT_THIS)
        pushing = Pushing(settings, N8nApi(place, client), PushReport(place.url, dry_run))
        await pushing.workflows(declared(folder), await pushing.credential(renew=renew_secret))
        return pushing.report


def needed_place(settings: Settings) -> Place:
    """Return where n8n is, with a key."""
    place = place_of(settings)
    if place is None:
        raise SettingMissing(
            "BACKLINE_N8N_URL", "reaching n8n", "set it, or start an n8n of your own with `make n8n`"
        )
    if not place.key.get_secret_value():
        cure = "make a key in n8n under Settings, n8n API, and set BACKLINE_N8N_API_KEY"
        raise SettingMissing("BACKLINE_N8N_API_KEY", f"asking n8n at {place.url}", cure)
    return place


def matching(credentials: tuple[RemoteCredential, ...]) -> RemoteCredential | None:
    """Return our credential: the one with its id, else the one with its name."""
    fitting = [one for one in credentials if one.type == credential.TYPE]
    by_id = (one for one in fitting if one.id == credential.ID)
    by_name = (one for one in fitting if one.name == credential.NAME)
    return next(by_id, None) or next(by_name, None)


class Pushing:
    """One push under way."""

    def __init__(self, settings: Settings, api: N8nApi, report: PushReport) -> None:
        self.settings, self.api, self.report = settings, api, report

    async def credential(self, *, renew: bool) -> str | None:
        """See to the credential; return n8n's id of it, or None where it is not known."""
        try:
            there = matching(await self.api.credentials())
        except N8nError as error:
            if error.status not in UNLISTABLE:
                raise
            detail = f"n8n does not list credentials for this key; unless there is one, {credential.BY_HAND}"
            self._note(credential.NAME, "by hand", detail)
            return None
        if there and not renew:
            self._note(
                credential.NAME, "unchanged", "n8n shows nobody its secret; --renew-secret writes it anew"
            )
            return there.id
        values = credential.crypto_values(self.settings)
        self._note(credential.NAME, "updated" if there else "created")
        if self.report.dry_run:
            return there.id if there else None
        if there:
            await self.api.replace_credential(there.id, values)
            return there.id
        return (await self.api.create_credential(credential.NAME, credential.TYPE, values)).id

    async def workflows(self, wanted: tuple[Declared, ...], credential_id: str | None) -> None:
        """See to each workflow, those first that others call."""
        remote = await self.api.workflows()
        ids = ids_in(wanted, remote, credential_id)
        for one in wanted:
            ids[one.id] = await self._workflow(one, found(one, remote), ids)

    async def _workflow(self, one: Declared, there: RemoteWorkflow | None, ids: dict[str, str]) -> str:
        body = one.written(self.api.place.console_url, ids, there)
        if there and one.is_yours:
            self._note(one.name, "kept", "it is yours: a push leaves it alone")
            return there.id
        drift = differences(body, there) if there else ()
        if there and not drift and there.active:
            self._note(one.name, "unchanged")
            return there.id
        self._note(one.name, _deed(there, drift), "; ".join(drift))
        if self.report.dry_run:
            return there.id if there else one.id
        return await self._write(body, there, drift)

    async def _write(
        self, body: dict[str, object], there: RemoteWorkflow | None, drift: tuple[str, ...]
    ) -> str:
        if there is None:
            there = await self.api.create(body)
        elif drift:
            kept = there.settings or {}
            ours = body["settings"]
            settings = {**kept, **ours} if isinstance(ours, dict) else kept
            await self.api.update(there.id, {**body, "settings": settings})
        await self.api.publish(there.id)
        return there.id

    def _note(self, what: str, done: str, detail: str = "") -> None:
        self.report.steps.append(Step(what, done, detail))


def _deed(there: RemoteWorkflow | None, drift: tuple[str, ...]) -> str:
    if there is None:
        return "created"
    return "updated" if drift else "published"
