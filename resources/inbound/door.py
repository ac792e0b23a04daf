"""The door that n8n's calls come through: the cheapest question first.

1. The announced size, 2. the address, 3. the pace of the address, 4. the headers, 5. the timestamp:
until then nothing of the body was read. 6. The size and speed of what comes, 7. the signature, 8. the pace
of the secret, 9. the JSON, 10. its schema, 11. whether it came before, 12. whether what it names exists.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from resources.backline import Backline
from resources.errors import InputRefused
from resources.inbound import refusals
from resources.inbound.calls import CallConflicts, Receipt, Sender, take
from resources.inbound.orders import Call
from resources.inbound.pace import CallPace, name_of
from resources.inbound.reading import NotACall, NotJson, read
from resources.inbound.refusal_log import Kind, RefusalLog
from resources.inbound.refusals import CallRefused
from resources.inbound.source import Address, caller, is_in, networks, shared_name
from resources.signing import SignatureRefused, SigningSecret, TimestampRefused, signed_at, signer

WEBHOOK_ID = re.compile(r"[\x21-\x7e]{1,128}")
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Knock:
    """A request that has not been let in: the other end of its connection, its headers, its body to come.

    ``forwarded`` are its ``X-Forwarded-For`` headers, which may be several.
    """

    peer: str | None
    headers: Mapping[str, str]
    forwarded: Sequence[str]
    chunks: AsyncIterator[bytes]


class Door:
    """Lets calls in; made once a process, because it counts."""

    def __init__(self, backline: Backline, clock: Callable[[], float] = time.time) -> None:
        settings = backline.settings
        self._backline, self._clock = backline, clock
        self._allowed = networks(settings.inbound_allowed_ips, "BACKLINE_INBOUND_ALLOWED_IPS")
        self._trusted = networks(settings.trusted_proxies, "BACKLINE_TRUSTED_PROXIES")
        self._pace = CallPace(settings.inbound_rate_limit, settings.redis_url)
        self.log = RefusalLog(backline)

    async def aclose(self) -> None:
        """Write down what was only counted, and close the connections to the shared counts."""
        await asyncio.to_thread(self.log.flush)
        await self._pace.aclose()

    async def receive(self, knock: Knock) -> Receipt:
        """Take one call; raise ``CallRefused``, which is in the audit log then."""
        address = caller(knock.peer, knock.forwarded, self._trusted)
        source, actor = shared_name(address), "unknown"
        try:
            webhook_id, timestamp = await self._let_near(knock, address)
            body = await _body(knock.chunks)
            secret = self._signer(knock, webhook_id, timestamp, body)
            actor = "n8n"
            await self._count(name_of(secret))
            receipt = await self._take(_call(body), Sender(webhook_id, str(address or source)))
        except CallRefused as refusal:
            await asyncio.to_thread(self.log.note, Kind(actor, refusal.reason, source))
            raise
        if receipt.repeated:
            await asyncio.to_thread(self.log.note, Kind(actor, "repeated", source))
        return receipt

    async def _let_near(self, knock: Knock, address: Address | None) -> tuple[str, int]:
        """Return the id and the time of a call whose body may be read; raise ``CallRefused``."""
        _check_announced_size(knock.headers.get("content-length", ""))
        if self._allowed and (address is None or not is_in(address, self._allowed)):
            raise refusals.not_allowed()
        await self._count(shared_name(address))
        wrong = [name for name in HEADERS if not knock.headers.get(name)]
        if not wrong and not WEBHOOK_ID.fullmatch(knock.headers["webhook-id"]):
            wrong = ["webhook-id"]
        if wrong:
            raise refusals.bad_headers(wrong)
        try:
            return signed_at(knock.headers, self._clock())
        except TimestampRefused:
            raise refusals.wrong_time() from None
        except SignatureRefused:
            raise refusals.bad_headers(["webhook-timestamp"]) from None

    async def _count(self, name: str) -> None:
        if wait_seconds := await self._pace.wait_seconds(name):
            raise refusals.too_many(wait_seconds)

    def _signer(self, knock: Knock, webhook_id: str, timestamp: int, body: bytes) -> SigningSecret:
        try:
            return signer(self._backline.signing_secrets, knock.headers, webhook_id, timestamp, body)
        except SignatureRefused:
            raise refusals.not_signed() from None

    async def _take(self, call: Call, sender: Sender) -> Receipt:
        try:
            return await asyncio.to_thread(take, self._backline.database, call, sender)
        except CallConflicts:
            raise refusals.conflict() from None
        except InputRefused as error:
            raise refusals.not_there(error) from None


def _check_announced_size(length: str) -> None:
    if length.isascii() and length.isdecimal() and int(length[:12]) > refusals.LARGEST_BODY_BYTES:
        raise refusals.too_large()


async def _body(chunks: AsyncIterator[bytes]) -> bytes:
    """Read the body; raise ``CallRefused`` as soon as it is too large or takes too long."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(refusals.BODY_SECONDS):
            async for chunk in chunks:
                size += len(chunk)
                if size > refusals.LARGEST_BODY_BYTES:
                    raise refusals.too_large()
                parts.append(chunk)
    except (TimeoutError, ConnectionError):
        raise refusals.too_slow() from None
    return b"".join(parts)


def _call(body: bytes) -> Call:
    try:
        return read(body)
    except NotJson:
        raise refusals.not_json() from None
    except NotACall as error:
        raise refusals.not_a_call(error.problems) from None
