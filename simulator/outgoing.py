"""Requests that the simulated providers make themselves: pushes, and the verification of who takes them."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

TIMEOUT_SECONDS = 10.0


class Outgoing:
    """Sends what providers send; ``transport`` replaces the network."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.transport = transport

    async def send(
        self, method: str, address: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> httpx.Response | None:
        """Send one request; return the answer, or ``None`` where none came."""
        async with httpx.AsyncClient(transport=self.transport, timeout=TIMEOUT_SECONDS) as client:
            try:
                return await client.request(method, address, headers=headers, content=body)
            except (httpx.HTTPError, httpx.InvalidURL):
                return None
