"""Test sends: a sample of any type to any endpoint, and all that was said meanwhile; nothing is stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from resources.backline import Backline
from resources.database import AnyRow
from resources.delivery.endpoints import signing_secrets, unsealed
from resources.delivery.lanes import address_of
from resources.delivery.wire import Answer, Letter, Wire, headers_of
from resources.errors import SettingMissing
from resources.events import CROCKFORD, ID_CHARACTERS
from resources.schemas import kind_of


@dataclass(frozen=True)
class Verdict:
    """What was sent where, what was answered, and what to do about it.

    ``headers`` shows an endpoint's own headers by name alone.
    """

    id: str
    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    answer: Answer

    @property
    def advice(self) -> str:
        """What the answer means and what mends it, for people."""
        status = self.answer.status_code
        if status is None:
            return f"Nothing answered: {self.answer.error}. Check the address, and that the receiver runs."
        return next(
            (words for statuses, words in ADVICE if status in statuses),
            f"The receiver answered {status}; its own log says why.",
        )


ADVICE = (
    (range(200, 300), "The receiver took it."),
    (range(300, 400), "It redirects, and redirects are not followed: enter the address it names."),
    ((401, 403), "It refused the signature: give it this endpoint's secret, and check its clock."),
    ((404, 410), "Nobody listens at that path: publish the workflow, or correct the address."),
    ((413,), "It takes no body of this size: raise its limit to 64 KiB."),
    ((429,), "It asks for a slower pace: lower the endpoint's rate or its events in flight."),
)


async def send_sample(
    backline: Backline,
    event_type: str,
    endpoint: AnyRow,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Verdict:
    """Send a sample of a type, signed, under an id of its own; raise ``SealBroken``, ``InputRefused``."""
    if endpoint.url is None and not backline.settings.n8n_url:
        raise SettingMissing("BACKLINE_N8N_URL", "sending to n8n's own paths")
    event_id = "evt_" + "".join(secrets.choice(CROCKFORD) for _ in range(ID_CHARACTERS))
    body = {**kind_of(event_type).example, "id": event_id}
    kept = unsealed(backline, endpoint)
    letter = Letter(
        address_of(backline, endpoint, event_type),
        event_id,
        msgspec.json.encode(body, order="sorted"),
        signing_secrets(backline, kept),
        kept.headers,
    )
    async with Wire(backline.settings, transport) as wire:
        answer = await wire.post(letter)
    shown = headers_of(letter, int(answer.started_at.timestamp())) | dict.fromkeys(kept.headers, "••••")
    return Verdict(event_id, letter.url, shown, body, answer)
