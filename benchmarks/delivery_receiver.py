"""A receiver that does next to nothing: ``python -m benchmarks.delivery_receiver PORT``.

It answers every POST with 204 and keeps when each ``webhook-id`` came first. ``GET /arrivals`` returns
those times, in Unix seconds by path and id, and forgets them. Paths that begin with ``/slow``, ``/fails``
and ``/hangs`` do so.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

import uvloop

LENGTH, ID = (
    re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE),
    re.compile(rb"\r\nwebhook-id: *(\S+)", re.IGNORECASE),
)
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
SLOW_SECONDS = 1.0

arrivals: dict[str, float] = {}


class Receiver(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is here whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        write = self._transport.write  # type: ignore[attr-defined]
        if head.startswith(b"GET"):
            body = json.dumps(arrivals).encode()
            arrivals.clear()
            write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            return
        path, name = head.split(b" ", 2)[1], ID.search(head)
        if name:
            arrivals.setdefault(f"{path.decode()} {name[1].decode()}", time.time())
        if path.startswith(b"/slow"):
            asyncio.get_running_loop().call_later(SLOW_SECONDS, write, TAKEN)
        elif not path.startswith(b"/hangs"):
            write(FAILED if path.startswith(b"/fails") else TAKEN)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
