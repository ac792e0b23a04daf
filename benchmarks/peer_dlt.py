"""The same work done by dlt: ``python peer_dlt.py API_URL DATABASE_URL FIRST LAST SETTING``.

It runs in dlt's own environment (``dlt.lock``) and imports nothing of Backline. Items come to dlt with
the columns of Backline's table, so that no setting pays for child tables. The settings:

- ``default``: dlt as it comes;
- ``threads-N``: accounts read by N threads, loaded as CSV (COPY);
- ``async-N``: accounts read by N asyncio tasks on aiohttp, loaded as CSV;
- ``arrow-N``: as ``async-N``, given to dlt as an Arrow table an account, so that it looks at no item;
- ``merge``: ``threads-20`` with ``merge`` on the key, as a second load needs it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

Shape = Callable[[list[dict[str, Any]]], Any]
KEY = ("account_id", "track_id")
TEXT, NUMBER, TRUTH = {"data_type": "text"}, {"data_type": "bigint"}, {"data_type": "bool"}
COLUMNS = {
    "account_id": TEXT,
    "added_at": {"data_type": "timestamp"},
    "track_id": TEXT,
    "name": TEXT,
    "uri": TEXT,
    "artists": {"data_type": "json"},
    "album_id": TEXT,
    "album_name": TEXT,
    "album_release_date": TEXT,
    "duration_ms": NUMBER,
    "disc_number": NUMBER,
    "track_number": NUMBER,
    "explicit": TRUTH,
    "is_local": TRUTH,
    "isrc": TEXT,
    "popularity": NUMBER,
}


def rows_of(account: str, page: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a page's items in the columns of the table."""
    return [
        {
            "account_id": account,
            "added_at": item["added_at"],
            "track_id": (track := item["track"])["id"],
            "name": track["name"],
            "uri": track["uri"],
            "artists": [{"id": artist["id"], "name": artist["name"]} for artist in track["artists"]],
            "album_id": (album := track["album"])["id"],
            "album_name": album["name"],
            "album_release_date": album["release_date"],
            "duration_ms": track["duration_ms"],
            "disc_number": track["disc_number"],
            "track_number": track["track_number"],
            "explicit": track["explicit"],
            "is_local": track["is_local"],
            "isrc": track["external_ids"]["isrc"],
            "popularity": track["popularity"],
        }
        for item in page["items"]
    ]


def main(api_url: str, database_url: str, first: int, last: int, setting: str) -> None:
    kind, _, width = setting.partition("-")
    workers = int(width or 20)
    home = tempfile.mkdtemp(prefix="bench-dlt-")
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "DLT_DATA_DIR": home}
    if kind != "default":
        os.environ |= {"EXTRACT__WORKERS": str(workers), "EXTRACT__MAX_PARALLEL_ITEMS": str(workers)}
        os.environ |= {"LOAD__WORKERS": "20", "DATA_WRITER__BUFFER_MAX_ITEMS": "50000"}
    import dlt  # noqa: PLC0415  # its configuration is read at import

    accounts = [f"{account:010d}" for account in range(first, last)]
    reader = {"async": _read_async, "arrow": _read_async}.get(kind, _read_threads)
    tracks = dlt.transformer(
        reader(api_url, _arrow_table if kind == "arrow" else list),
        name="saved_tracks",
        max_table_nesting=0,
        columns={name: dict(hint) for name, hint in COLUMNS.items()},
        write_disposition="merge" if kind == "merge" else "append",
        primary_key=KEY,
        parallelized=kind in {"threads", "merge"},
    )
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=home,
        destination=dlt.destinations.postgres(database_url),
        dataset_name="bench",
    )
    source = dlt.resource(accounts, name="accounts") | tracks
    info = pipeline.run(source, loader_file_format=None if kind == "default" else "csv")
    info.raise_on_failed_jobs()


def _read_threads(api_url: str, shape: Shape) -> Callable[[str], Iterator[Any]]:
    from dlt.sources.helpers import requests  # noqa: PLC0415

    def saved_tracks(account: str) -> Iterator[Any]:
        offset: int | None = 0
        while offset is not None:
            address = f"{api_url}/me/tracks?limit=50&offset={offset}"
            page = requests.get(address, headers={"authorization": f"Bearer {account}"}).json()
            yield shape(rows_of(account, page))
            offset = offset + 50 if page["next"] else None

    return saved_tracks


def _read_async(api_url: str, shape: Shape) -> Callable[[str], Any]:
    import aiohttp  # noqa: PLC0415

    sessions: dict[Any, aiohttp.ClientSession] = {}

    async def saved_tracks(account: str) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in sessions:
            sessions[loop] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        rows: list[dict[str, Any]] = []
        offset: int | None = 0
        while offset is not None:
            address = f"{api_url}/me/tracks?limit=50&offset={offset}"
            async with sessions[loop].get(address, headers={"authorization": f"Bearer {account}"}) as reply:
                page = await reply.json()
            rows += rows_of(account, page)
            offset = offset + 50 if page["next"] else None
        yield shape(rows)

    return saved_tracks


def _arrow_table(rows: list[dict[str, Any]]) -> Any:
    import json  # noqa: PLC0415

    import pyarrow as pa  # noqa: PLC0415

    kinds = {"text": pa.string(), "json": pa.string(), "bigint": pa.int64(), "bool": pa.bool_()}
    columns = {}
    for name, hint in COLUMNS.items():
        values, kind = [row[name] for row in rows], hint["data_type"]
        if kind == "timestamp":
            columns[name] = pa.array(values, pa.string()).cast(pa.timestamp("us", tz="UTC"))
        else:
            columns[name] = pa.array(map(json.dumps, values) if kind == "json" else values, kinds[kind])
    return pa.table(columns)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
