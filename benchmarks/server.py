"""A Spotify that costs almost nothing: bare asyncio on uvloop, pages rendered beforehand, 5 ms late.

It answers ``GET /v1/me/tracks?limit=50&offset=N``: three pages an account, 150 tracks of its own, told
apart by the bearer token, which is ten digits. ``GET /requests`` tells how many pages were served.
Run it with ``python -m benchmarks.server PORT``.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

import msgspec
import uvloop

PAGES, PER_PAGE = 3, 50
LATENCY_SECONDS = 0.005
HEAD_END = b"\r\n\r\n"
ACCOUNT = b"@@ACCOUNT@"  # as long as a token, so that lengths are known beforehand
TOKEN = re.compile(rb"\nauthorization: bearer (\d{10})\r", re.IGNORECASE)
OFFSET = re.compile(rb"[?&]offset=(\d+)")


def track_id(account: str, place: int) -> str:
    """Return the id of an account's track: 22 characters, as Spotify's."""
    return f"{account}{place:012d}"


def _artist(seed: int) -> dict[str, object]:
    artist_id = f"{seed % 997:022d}"
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/artist/{artist_id}"},
        "id": artist_id,
        "name": f"Invented Artist {seed % 997}",
        "type": "artist",
        "uri": f"spotify:artist:{artist_id}",
    }


def _item(place: int) -> dict[str, object]:
    own_id, album_id = track_id(ACCOUNT.decode(), place), f"{place % 61:022d}"
    track = {
        "album": {
            "album_type": "album",
            "artists": [_artist(place)],
            "id": album_id,
            "name": f"Invented Album {place % 61}",
            "release_date": f"20{10 + place % 15}-{1 + place % 12:02d}-{1 + place % 28:02d}",
            "release_date_precision": "day",
            "total_tracks": 12,
            "type": "album",
            "uri": f"spotify:album:{album_id}",
        },
        "artists": [_artist(place)] if place % 4 else [_artist(place), _artist(place + 7)],
        "disc_number": 1,
        "duration_ms": 120_000 + place * 937,
        "explicit": place % 5 == 0,
        "external_ids": {"isrc": f"QZZZZ{place:07d}"},
        "id": own_id,
        "is_local": False,
        "name": f"Invented Title {place}",
        "popularity": place % 101,
        "preview_url": None,
        "track_number": 1 + place % 12,
        "type": "track",
        "uri": f"spotify:track:{own_id}",
    }
    return {
        "added_at": f"2026-{1 + place % 10:02d}-{1 + place % 28:02d}T13:28:{place % 60:02d}Z",
        "track": track,
    }


def _page(number: int) -> bytes:
    here = "https://api.spotify.com/v1/me/tracks"
    following = f"{here}?offset={(number + 1) * PER_PAGE}&limit={PER_PAGE}"
    first = number * PER_PAGE
    return msgspec.json.encode(
        {
            "href": f"{here}?offset={first}&limit={PER_PAGE}",
            "items": [_item(place) for place in range(first, first + PER_PAGE)],
            "limit": PER_PAGE,
            "next": following if number + 1 < PAGES else None,
            "offset": first,
            "previous": None,
            "total": PAGES * PER_PAGE,
        }
    )


def _reply(body: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


REPLIES = {str(number * PER_PAGE).encode(): _reply(_page(number)) for number in range(PAGES)}
NO_TOKEN = _reply(b'{"error":{"status":401,"message":"No token provided"}}', b"401 Unauthorized")
NO_PAGE = _reply(b'{"error":{"status":404,"message":"Not found"}}', b"404 Not Found")


class Spotify(asyncio.Protocol):
    """One connection; requests follow each other on it."""

    served = 0

    def __init__(self) -> None:
        self._heard = b""

    def connection_made(self, transport: Any) -> None:
        """Remember where to answer."""
        self._transport, self._loop = transport, asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Answer each request whose head is complete; none has a body."""
        self._heard += data
        while (end := self._heard.find(HEAD_END)) >= 0:
            head, self._heard = self._heard[: end + 2], self._heard[end + 4 :]
            self._loop.call_later(LATENCY_SECONDS, self._transport.write, self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        target = head[: head.find(b"\r\n")]
        if target.startswith(b"GET /requests "):
            return _reply(b"%d" % Spotify.served)
        found = TOKEN.search(head)
        if found is None:
            return NO_TOKEN
        offset = OFFSET.search(target)
        reply = REPLIES.get(offset[1] if offset else b"0")
        if reply is None or not target.startswith(b"GET /v1/me/tracks?"):
            return NO_PAGE
        Spotify.served += 1
        return reply.replace(ACCOUNT, found[1])


async def serve(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Spotify, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
