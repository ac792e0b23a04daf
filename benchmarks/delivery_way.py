"""One way to bring events to a receiver: ``python -m benchmarks.delivery_way WAY ORIGIN [EVENTS]``.

``write`` stores that many due events in the database of ``BACKLINE_DATABASE_URL``. ``backline`` delivers
what is due there, ``aiohttp`` signs and posts as many bodies of that size and keeps nothing: 64 in flight.
``prompt`` writes one event after the other and delivers each as a run does after its commit; ``neighbours``
does so to a good endpoint, first alone, then beside those that are slow, fail and hang. Each prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Iterator

import aiohttp
import sqlalchemy as sa
import uvloop

from resources.backline import Backline
from resources.database import utc_now
from resources.delivery import endpoints
from resources.delivery.dispatcher import LONGEST_ROUND_SECONDS, Dispatcher
from resources.delivery.endpoints import Draft
from resources.events import Event, event_id, write_events
from resources.migrations import upgrade
from resources.schemas import kind_of
from resources.signing import SigningSecret, signed_headers
from resources.tables import Org, WebhookEvent

IN_FLIGHT, AT_ONCE = 64, 1_000
ORG = uuid.UUID(int=1)
STREAMS = {f"stream_{number}": {"records": 640, "rejected": 0, "deleted": 3} for number in range(12)}
PAYLOAD = {**kind_of("data.synced").example["payload"], "streams": STREAMS}
PROMPT, BUSY_EVENTS, SETTLING_SECONDS = 200, 400, 3


def events(first: int, count: int) -> Iterator[Event]:
    """Yield events, about 1.2 KB each."""
    for number in range(first, first + count):
        yield Event(event_id("bench", number), "data.synced", "spotify", ORG, PAYLOAD, utc_now())


def write(backline: Backline, first: int, count: int) -> None:
    """Store events, a thousand a transaction."""
    for begin in range(first, first + count, AT_ONCE):
        with backline.database.write() as connection:
            write_events(connection, events(begin, min(AT_ONCE, first + count - begin)))


async def deliver_all(backline: Backline) -> dict[str, float]:
    """Deliver what is due; return how many, and in how many seconds."""
    started, total = time.perf_counter(), 0
    while report := await Dispatcher(backline).deliver_due(LONGEST_ROUND_SECONDS):
        total += report.delivered
        if not report.attempts:
            break
    return {"events": total, "seconds": time.perf_counter() - started}


async def post_all(origin: str, count: int) -> dict[str, float]:
    """Sign and post, and keep nothing."""
    secret, numbers = SigningSecret.new(), iter(range(count))
    body = json.dumps({**kind_of("data.synced").example, "payload": PAYLOAD}).encode()
    started = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def work() -> None:
            for number in numbers:
                headers = signed_headers([secret], f"evt_{number:026d}", int(time.time()), body)
                headers["content-type"] = "application/json"
                url = f"{origin}/webhook/data-sync"
                async with session.post(url, data=body, headers=headers, allow_redirects=False) as reply:
                    await reply.read()
                    assert reply.status == 204

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return {"events": count, "seconds": time.perf_counter() - started}


async def prompt(backline: Backline, first: int, count: int) -> dict[str, float]:
    """Write and deliver one event at a time; return when each was committed, by its id."""
    committed = {}
    for number in range(first, first + count):
        await asyncio.to_thread(write, backline, number, 1)
        committed[event_id("bench", number)] = time.time()
        await Dispatcher(backline).deliver_due(1)
    return committed


async def neighbours(backline: Backline, origin: str) -> dict[str, dict[str, float]]:
    """Deliver to a good endpoint alone, then beside bad ones that hundreds of events are due for."""
    now = utc_now()
    with backline.database.write() as connection:
        connection.execute(sa.insert(Org).values(id=ORG, slug="acme", name="acme", created_at=now))
    endpoints.add(backline, "bench", "acme", Draft("good", f"{origin}/good"))
    alone = await _committed_under_way(backline, 0)
    for name in ("slow", "fails", "hangs"):
        for number in range(3):
            endpoints.add(backline, "bench", "acme", Draft(f"{name} {number}", f"{origin}/{name}/{number}"))
    return {"alone": alone, "beside": await _committed_under_way(backline, BUSY_EVENTS)}


async def _committed_under_way(backline: Backline, first: int) -> dict[str, float]:
    """Write events while a dispatcher is at work; return when each was committed, by its id."""
    at_work = asyncio.create_task(_at_work(backline))
    committed = {}
    for number in range(first, first + BUSY_EVENTS):
        await asyncio.to_thread(write, backline, number, 1)
        committed[event_id("bench", number)] = time.time()
        await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLING_SECONDS)
    at_work.cancel()
    await asyncio.gather(at_work, return_exceptions=True)
    return committed


async def _at_work(backline: Backline) -> None:
    while True:
        await Dispatcher(backline).deliver_due(LONGEST_ROUND_SECONDS)
        await asyncio.sleep(0.05)


def main() -> None:
    way, origin, count = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0
    if way == "aiohttp":
        print(json.dumps(uvloop.run(post_all(origin, count))))
        return
    backline = Backline()
    if way == "write":
        upgrade(backline.database)
        write(backline, int(sys.argv[4]) if len(sys.argv) > 4 else 0, count)
        with backline.database.read() as connection:
            print(connection.execute(sa.select(sa.func.count()).select_from(WebhookEvent)).scalar_one())
        return
    work = {
        "backline": lambda: deliver_all(backline),
        "prompt": lambda: prompt(backline, 10_000_000, PROMPT),
        "neighbours": lambda: neighbours(backline, origin),
    }[way]
    print(json.dumps(uvloop.run(work())))


if __name__ == "__main__":
    main()
