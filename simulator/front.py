"""The ASGI front: reads each request, lets faults meet it, sends the reply and logs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from simulator.exchange import Reply, Request, as_json
from simulator.faults import redirected, refusal, spoiled
from simulator.journal import Entry
from simulator.service import Service
from simulator.world import World

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
DRIPS, FILLINGS = 20, 4_096
LARGEST_BODY_BYTES = 1024 * 1024


class Front:
    """One ASGI app over several services, each under its prefix; the first prefix that fits answers."""

    def __init__(self, world: World, services: Sequence[tuple[str, Service]]) -> None:
        self.world, self.services = world, tuple(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; the lifespan protocol is accepted and does nothing."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        request = await _read(scope, receive)
        if request is None:
            await _send(as_json({"error": "The body is too large"}, 413), receive, send)
            return
        service = self._service(request.path)
        if service is None:
            await _send(as_json({"error": "Nothing is simulated here"}, 404), receive, send)
            return
        if service.faulty and self.world.latency_ms:
            await asyncio.sleep(self.world.latency_ms / 1000)
        reply = self._answer(service, request)
        await _send(reply, receive, send)
        if reply.after is not None:
            await reply.after()

    def _service(self, path: str) -> Service | None:
        return next((service for prefix, service in self.services if path.startswith(prefix)), None)

    def _answer(self, service: Service, request: Request) -> Reply:
        if not service.faulty:
            return service.answer(request)
        account = service.account(request)
        rule = self.world.faults.take(request, account) if self.world.faults.rules else None
        if rule is None:
            reply = service.answer(request)
        else:
            refuse = getattr(service, "refusal", refusal)
            reply = refuse(rule, request) or spoiled(rule, service.answer(redirected(rule, request)))
        self.world.journal.add(
            Entry(
                request.method,
                request.path,
                request.query_text,
                reply.status,
                account,
                self.world.clock.now(),
                rule.kind if rule else reply.fault,
            )
        )
        return reply


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """Read the whole request; return ``None`` where its body is larger than any that is meant."""
    chunks: list[bytes] = []
    more, size = scope["method"] not in {"GET", "HEAD"}, 0
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_BODY_BYTES:
            return None
        more = message.get("more_body", False)
    return Request(
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        b"".join(chunks),
    )


async def _send(reply: Reply, receive: Receive, send: Send) -> None:
    if reply.spoil == "slow":
        await asyncio.sleep(reply.spoil_seconds)
    await send({"type": "http.response.start", "status": reply.status, "headers": _headers(reply)})
    if reply.spoil == "cut":
        await send(
            {"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True}
        )
        return  # the server closes the connection, because the promised length was not sent
    if reply.spoil == "slow_drip":
        await _drip(reply, send)
        return
    if reply.spoil == "endless":
        await _go_on(reply, receive, send)
        return
    await send({"type": "http.response.body", "body": reply.body})


def _headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", reply.content_type.encode())]
    if reply.spoil != "endless":
        headers.append((b"content-length", str(len(reply.body)).encode()))
    headers.extend((name.encode(), value.encode()) for name, value in reply.headers)
    return headers


async def _drip(reply: Reply, send: Send) -> None:
    step = max(1, -(-len(reply.body) // DRIPS))
    for start in range(0, len(reply.body), step):
        await asyncio.sleep(reply.spoil_seconds / DRIPS)
        part = reply.body[start : start + step]
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _go_on(reply: Reply, receive: Receive, send: Send) -> None:
    """Send half the body and never its end: the same filling until the client leaves, or has had enough."""
    left = asyncio.ensure_future(_leaving(receive))
    body, filling = reply.body[: len(reply.body) // 2], b"<!-- and so on -->\n" * FILLINGS
    await send({"type": "http.response.body", "body": body, "more_body": True})
    sent = len(body)
    while not left.done() and sent < reply.spoil_bytes:
        await send({"type": "http.response.body", "body": filling, "more_body": True})
        sent += len(filling)
        await asyncio.sleep(0)
    left.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _leaving(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
