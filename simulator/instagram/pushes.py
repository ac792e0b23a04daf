"""What Instagram sends by itself: the check of who takes its pushes, and the pushes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec

from simulator.credentials import CLIENT_SECRET
from simulator.exchange import Reply, Request, as_json, encode
from simulator.instagram import comments, media
from simulator.instagram.ids import Node, user_id
from simulator.instagram.state import State
from simulator.outgoing import Outgoing
from simulator.platform import ControlRefused

COMMENT_FIELDS = ("comments", "live_comments", "mentions")
MOST_KEPT = 10_000
OK = 200


class WebhookOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/instagram/webhook``: what the app's dashboard would be told."""

    callback_url: str
    verify_token: str


class PushOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/instagram/push``; ``media`` is the place among the account's media.

    ``shape`` is where the field and its value stand: in the entry itself, or in its list of changes.
    """

    account: int
    field: str = "comments"
    shape: Literal["entry", "changes"] = "entry"
    times: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    signature: Literal["good", "bad"] = "good"
    media: int | None = None


class Webhook(msgspec.Struct):
    """The app's subscription and how its check went."""

    callback_url: str
    verify_token: str
    state: Literal["pending", "verified", "failed"] = "pending"
    detail: str = ""


class Push(msgspec.Struct):
    """One push sent; ``status`` is the answer's, ``None`` where none came."""

    account: int
    field: str
    shape: str
    signature: str
    body: Any
    sent_at: float
    status: int | None = None


class Pushes:
    """The app's one webhook, and what was sent to it."""

    def __init__(self, state: State, outgoing: Outgoing) -> None:
        self.state, self.outgoing = state, outgoing
        self.webhook: Webhook | None = None
        self.sent: list[Push] = []

    def subscribe(self, request: Request) -> Reply:
        """Take a callback, and check it once the reply is sent."""
        order = msgspec.json.decode(request.body, type=WebhookOrder)
        webhook = Webhook(order.callback_url, order.verify_token)
        self.webhook = webhook
        return as_json(self.subscription(request))._replace(after=lambda: self._verify(webhook))

    def subscription(self, _: Request) -> dict[str, Any]:
        """Return the subscription without its verify token."""
        if self.webhook is None:
            return {"callback_url": None, "state": "none", "detail": ""}
        webhook = self.webhook
        return {"callback_url": webhook.callback_url, "state": webhook.state, "detail": webhook.detail}

    def push(self, request: Request) -> Reply:
        """Send a push, once the reply is sent; refuse where the real one would not come."""
        order = msgspec.json.decode(request.body, type=PushOrder)
        if self.webhook is None or self.webhook.state != "verified":
            raise ControlRefused("webhook: none is verified; POST /control/instagram/webhook first")
        if not self.state.world.has(order.account):
            raise ControlRefused(f"account: {order.account} is not one of ours")
        if order.field not in self.state.subscribed.get(order.account, ()):
            raise ControlRefused(f"field: account {order.account} has not subscribed {order.field}")
        body = self._body(order)
        address = self.webhook.callback_url
        planned = {"body": body, "times": order.times, "callback_url": address}
        return as_json(planned)._replace(after=lambda: self._send(order, address, body))

    def listed(self, _: Request) -> dict[str, Any]:
        """Return what was sent, oldest first."""
        return {"total": len(self.sent), "pushes": self.sent}

    async def _verify(self, webhook: Webhook) -> None:
        challenge = str(secrets.randbelow(10**10))
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": webhook.verify_token,
        }
        join = "&" if "?" in webhook.callback_url else "?"
        answer = await self.outgoing.send("GET", f"{webhook.callback_url}{join}{urlencode(query)}")
        if answer is not None and answer.status_code == OK and answer.text.strip() == challenge:
            webhook.state = "verified"
            return
        webhook.state = "failed"
        webhook.detail = "No answer" if answer is None else f"HTTP {answer.status_code}, challenge not echoed"

    def _body(self, order: PushOrder) -> dict[str, Any]:
        node = self._comment(order)
        if order.field == "mentions":
            value = comments.mention_value(node)
        else:
            value = comments.webhook_value(self.state, node)
        change = {"field": order.field, "value": value}
        entry: dict[str, Any] = {"id": user_id(order.account), "time": int(self.state.now)}
        entry |= change if order.shape == "entry" else {"changes": [change]}
        return {"object": "instagram", "entry": [entry]}

    def _comment(self, order: PushOrder) -> Node:
        """Return the newest comment under the media named, or under the newest that has any."""
        if order.field not in COMMENT_FIELDS:
            raise ControlRefused(f"field: only {', '.join(COMMENT_FIELDS)} are pushed here")
        slots = media.slots(self.state, order.account)
        if order.media is not None and not 0 <= order.media < len(slots):
            raise ControlRefused(f"media: the account has media 0 to {len(slots) - 1}")
        places = slots if order.media is None else slots[order.media : order.media + 1]
        for slot in places:
            found = comments.nodes(self.state, Node("media", order.account, slot))
            if found:
                return found[0][1]
        raise ControlRefused("media: there is no comment under it")

    async def _send(self, order: PushOrder, address: str, body: dict[str, Any]) -> None:
        raw = encode(body)
        secret = CLIENT_SECRET if order.signature == "good" else "another secret"
        signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        for _ in range(order.times):
            push = Push(order.account, order.field, order.shape, order.signature, body, self.state.now)
            self.sent.append(push)
            answer = await self.outgoing.send("POST", address, headers, raw)
            push.status = answer.status_code if answer else None
        del self.sent[:-MOST_KEPT]
