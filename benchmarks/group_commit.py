"""What committing accounts together saves: ``python -m benchmarks.group_commit`` on BACKLINE_DATABASE_URL.

The accounts that the database holds are committed by the sync engine's own writer, once in groups of
each size, sizes interleaved; each brings ten rows. It prints milliseconds an account.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from resources.backline import Backline
from resources.provider import Provider, Stream
from resources.providers import find_provider
from resources.sync.passes import Account, AccountPass, StreamPass
from resources.sync.request import SyncRequest, candidates
from resources.sync.writer import Writer

SIZES = (1, 8, 64)
ACCOUNTS, ROWS, ROUNDS = 192, 10, 3


def main() -> None:
    backline, spotify = Backline(), find_provider("spotify")
    stream = spotify.stream("saved_tracks")
    accounts = [
        found.account for found in _first(candidates(backline.database, _request(spotify, stream, "")))
    ]
    best = dict.fromkeys(SIZES, float("inf"))
    for turn in range(ROUNDS):
        for size in SIZES:
            writer = Writer(backline.database, _request(spotify, stream, f"{turn}-{size}"))
            started = time.perf_counter()
            for first in range(0, len(accounts), size):
                writer.commit([(_read(account, stream), False) for account in accounts[first : first + size]])
            best[size] = min(best[size], (time.perf_counter() - started) / len(accounts) * 1000)
    print(json.dumps(best))


def _first(found: Iterator[object]) -> list:  # type: ignore[type-arg]
    return [next(found) for _ in range(ACCOUNTS)]


def _request(spotify: Provider, stream: Stream, run: str) -> SyncRequest:
    return SyncRequest(spotify, (stream,), run_id=run, root_run_id=run)


def _read(account: Account, stream: Stream) -> AccountPass:
    """Return a pass as a reader leaves it."""
    part = StreamPass(stream)
    names = [column.name for column in stream.reader.columns]
    for place in range(ROWS):
        values = {
            "added_at": datetime(2026, 11, 1, tzinfo=UTC),
            "track_id": f"{place:022d}",
            "name": "Invented",
        }
        part.rows.append(tuple(values.get(name) for name in names))
    return AccountPass(account, [part])


if __name__ == "__main__":
    main()
