"""The limit: 50 aiohttp tasks into one COPY, ``python -m benchmarks.raw_loop API_URL DATABASE_URL NUMBER``.

No schema, no types, no cursor, no state, no retry, no limit, one transaction: what none of the peers,
and nothing of ours, can be faster than with the same parts.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import msgspec
import psycopg
import uvloop

from benchmarks.peer_dlt import rows_of

TASKS = 50
CREATE = """
CREATE TABLE saved_tracks (
    account_id text, added_at timestamptz, track_id text, name text, uri text, artists jsonb,
    album_id text, album_name text, album_release_date text, duration_ms bigint, disc_number bigint,
    track_number bigint, explicit boolean, is_local boolean, isrc text, popularity bigint
)
"""


async def load(api_url: str, database_url: str, number: int) -> None:
    """Read every page of all accounts and copy the rows as they come."""
    accounts = iter(range(number))
    limits = aiohttp.TCPConnector(limit=TASKS)
    async with await psycopg.AsyncConnection.connect(database_url) as database:
        await database.execute(CREATE)
        cursor = database.cursor()
        async with (
            aiohttp.ClientSession(connector=limits) as session,
            cursor.copy("COPY saved_tracks FROM STDIN") as copy,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(TASKS):
                tasks.create_task(_read(session, api_url, accounts, copy))


async def _read(session: aiohttp.ClientSession, api_url: str, accounts: Any, copy: Any) -> None:
    for account in accounts:
        token, offset = f"{account:010d}", 0
        headers = {"authorization": f"Bearer {token}"}
        while offset >= 0:
            async with session.get(f"{api_url}/me/tracks?limit=50&offset={offset}", headers=headers) as reply:
                page = msgspec.json.decode(await reply.read())
            for row in rows_of(token, page):
                row["artists"] = msgspec.json.encode(row["artists"]).decode()
                await copy.write_row(row.values())
            offset = offset + 50 if page["next"] else -1


if __name__ == "__main__":
    uvloop.run(load(sys.argv[1], sys.argv[2], int(sys.argv[3])))
