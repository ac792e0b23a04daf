"""The pool of proxies: each with its own identity, rested when it fails, and never left out silently."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from resources.database import Clock, Database, insert_into, utc_now
from resources.errors import InputRefused
from resources.reading.verdict import Outcome
from resources.settings import Settings
from resources.tables import ProxyHealth

FIELD = "BACKLINE_SCRAPER_PROXIES"
CURE = "use http://user:password@host:port, several separated by commas"
FAILURES_BEFORE_REST = 3
FIRST_REST, LONGEST_REST = timedelta(minutes=1), timedelta(hours=6)
FAILURES = frozenset({Outcome.BLOCKED, Outcome.LOGIN_WALL, Outcome.TIMED_OUT})
SUCCESSES = frozenset({Outcome.READING, Outcome.NOT_FOUND, Outcome.GONE})


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy; ``name`` is its host and port, ``number`` its place in the setting, from 1."""

    name: str
    number: int
    server: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


class AllResting(Exception):
    """Every proxy failed too often and rests until ``until`` at least."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(f"Every proxy rests, the first until {until:%Y-%m-%d %H:%M:%S} UTC.")


def proxies_of(settings: Settings) -> tuple[Proxy, ...]:
    """Read the proxies that are set; raise ``InputRefused``, which quotes no address: it holds a password."""
    texts = [text.strip() for text in settings.scraper_proxies.get_secret_value().split(",")]
    seen: Counter[str] = Counter()
    return tuple(_parsed(text, number, seen) for number, text in enumerate(filter(None, texts), 1))


def _parsed(text: str, number: int, seen: Counter[str]) -> Proxy:
    parts = urlsplit(text)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:  # its message quotes what it took for the port
        host = port = None
    if parts.scheme not in {"http", "https"} or not host or not port:
        raise InputRefused(FIELD, f"number {number} is not the address of an HTTP proxy", CURE)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    seen[address] += 1
    name = address if seen[address] == 1 else f"{address}#{seen[address]}"
    username, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Proxy(name, number, f"{parts.scheme}://{address}", username, password)


class ProxyPool:
    """Gives out the proxies in turn, without those that rest; what they did is kept over all runs."""

    def __init__(self, database: Database, proxies: Sequence[Proxy], clock: Clock = utc_now) -> None:
        self._database, self._proxies, self._clock = database, proxies, clock
        self._turn = 0

    async def choose(self) -> Proxy | None:
        """Return the next proxy, ``None`` where none are set; raise :class:`AllResting`."""
        if not self._proxies:
            return None
        resting = await asyncio.to_thread(self._resting)
        for _ in self._proxies:
            proxy = self._proxies[self._turn % len(self._proxies)]
            self._turn += 1
            if proxy.name not in resting:
                return proxy
        raise AllResting(min(resting.values()))

    async def note(self, proxy: Proxy | None, outcome: Outcome, *, is_proxys_fault: bool = False) -> None:
        """Count an outcome for or against a proxy; one that does not work at all rests at once."""
        if proxy is not None and (is_proxys_fault or outcome in FAILURES | SUCCESSES):
            await asyncio.to_thread(self._note, proxy, outcome, is_proxys_fault)

    def _resting(self) -> dict[str, datetime]:
        names = [proxy.name for proxy in self._proxies]
        query = sa.select(ProxyHealth.name, ProxyHealth.resting_until).where(
            ProxyHealth.name.in_(names), ProxyHealth.resting_until > self._clock()
        )
        with self._database.read() as connection:
            return {row.name: row.resting_until for row in connection.execute(query)}

    def _note(self, proxy: Proxy, outcome: Outcome, is_proxys_fault: bool) -> None:
        now, mine = self._clock(), ProxyHealth.name == proxy.name
        with self._database.write() as connection:
            query = sa.select(ProxyHealth.failures).where(mine).with_for_update()
            before = connection.execute(query).scalar_one_or_none() or 0
            failures = 0 if outcome in SUCCESSES else before + 1
            if is_proxys_fault:
                failures = max(failures, FAILURES_BEFORE_REST)
            values = {"failures": failures, "last_outcome": outcome, "updated_at": now}
            values["resting_until"] = now + rest_of(failures) if failures >= FAILURES_BEFORE_REST else None
            insert = insert_into(connection, ProxyHealth).values(name=proxy.name, **values)
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))


def rest_of(failures: int) -> timedelta:
    """Return how long a proxy rests after that many failures in a row: twice as long after each."""
    doublings = min(max(failures - FAILURES_BEFORE_REST, 0), 12)
    return min(FIRST_REST * int(2**doublings), LONGEST_REST)
