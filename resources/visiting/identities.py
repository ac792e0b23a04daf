"""The identities of a provider's visits, one for each proxy, as they stand in ``browser_profiles``."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import asdict
from urllib.parse import urlsplit

import sqlalchemy as sa

from resources.backline import Backline
from resources.database import insert_into, utc_now
from resources.errors import InputRefused, SealBroken
from resources.provider import Provider
from resources.settings import Settings
from resources.tables import BrowserProfile
from resources.vault import Sealed
from resources.visiting.binary import find_browser, version_of
from resources.visiting.identity import Agent, Identity, Trait, product_of
from resources.visiting.proxies import Proxy

SAVED_EVERY_SECONDS = 30.0
log = logging.getLogger(__name__)


class Identities:
    """Gives each proxy its identity, ``provider/number``; 0 is the one without a proxy.

    They are loaded when first needed. Their cookies are sealed to the row, and saved now and then and at the
    end: a process that is killed forgets the last of them, which costs nothing but a consent asked again.
    """

    def __init__(self, backline: Backline, provider: Provider, origin: str) -> None:
        self._backline, self._provider, self._host = backline, provider, urlsplit(origin).hostname or ""
        self._known: dict[str, Identity] = {}
        self._stored: dict[str, str] = {}
        self._loading, self._saved_at = asyncio.Lock(), time.monotonic()

    async def of(self, proxy: Proxy | None) -> Identity:
        """Return the identity that goes through a proxy."""
        number = proxy.number if proxy else 0
        name = f"{self._provider.name}/{number}"
        async with self._loading:
            if name not in self._known:
                self._known[name] = await asyncio.to_thread(self._load, name, number)
        return self._known[name]

    async def save_where_due(self) -> None:
        """Store what changed, where that was not done for a while."""
        if time.monotonic() - self._saved_at > SAVED_EVERY_SECONDS:
            await self.save()

    async def save(self) -> None:
        """Store what changed."""
        self._saved_at = time.monotonic()
        for identity in list(self._known.values()):
            text = json.dumps(identity.cookies(), sort_keys=True)
            if self._stored.get(identity.name) != text:
                await asyncio.to_thread(self._save, identity, text)
                self._stored[identity.name] = text

    def _load(self, name: str, number: int) -> Identity:
        """Return an identity as it was last saved, or a new one; cookies that do not open are let go."""
        settings = self._backline.settings
        agent = Agent(_version(settings), product_of(settings))
        query = sa.select(BrowserProfile).where(BrowserProfile.name == name)
        with self._backline.database.read() as connection:
            row = connection.execute(query).one_or_none()
        identity = Identity(name, Trait.of(number) if row is None else Trait(**row.identity), agent)
        if row is not None and row.sealed is not None:
            try:
                plain = self._backline.vault.unseal(Sealed(row.sealed, row.key_id), _subject(name))
            except SealBroken as error:
                log.warning("%s Its cookies are forgotten.", error, extra={"action": "identity.reset"})
            else:
                identity.take(json.loads(plain))
        if self._provider.site is not None:
            identity.prefer(self._provider.site.cookies, self._host)
        return identity

    def _save(self, identity: Identity, text: str) -> None:
        sealed = self._backline.vault.seal(text.encode(), _subject(identity.name))
        values = {
            "identity": asdict(identity.trait),
            "sealed": sealed.value,
            "key_id": sealed.key_id,
            "updated_at": utc_now(),
        }
        with self._backline.database.write() as connection:
            insert = insert_into(connection, BrowserProfile).values(name=identity.name, **values)
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))


def _subject(name: str) -> str:
    return f"browser_profiles/{name}"


def _version(settings: Settings) -> str:
    """Return the engine's version; a wrong setting is told of when a browser is needed."""
    try:
        return version_of(find_browser(settings))
    except InputRefused:
        return version_of(None)
