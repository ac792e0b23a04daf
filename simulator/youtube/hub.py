"""The WebSub hub: who is told when a channel's videos come, change or go."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from simulator.clock import timestamp
from simulator.exchange import Reply, Request, as_text
from simulator.faults import Rule
from simulator.outgoing import Outgoing
from simulator.world import World
from simulator.youtube.ids import read_channel

TOPIC = re.compile(r"https://www\.youtube\.com/(?:xml/)?feeds/videos\.xml\?channel_id=(UC[A-Za-z0-9_-]{22})")
FORM_TYPE = "application/x-www-form-urlencoded"
FIELDS = {
    *("hub.mode", "hub.topic", "hub.callback", "hub.secret", "hub.lease_seconds", "hub.verify"),
    "hub.verify_token",
}
LEASE_SECONDS, LONGEST_LEASE_SECONDS = 432_000, 828_000
SECRET_BYTES = 200
HUB_ADDRESS = "https://pubsubhubbub.appspot.com/"
GONE = 410
Signature = Literal["good", "bad", "none"]


class Subscription(msgspec.Struct, frozen=True):
    """Who is told of a channel until when, Unix seconds."""

    account: int
    topic: str
    callback: str
    secret: str
    lease_seconds: int
    expires_at: float


class Push(msgspec.Struct, frozen=True):
    """One feed sent, and how it was answered; ``status`` is ``None`` where no answer came."""

    account: int
    kind: str
    video_id: str
    callback: str
    signature: Signature
    status: int | None
    at: str


class Told(msgspec.Struct, frozen=True):
    """One feed to send."""

    kind: str
    video_id: str
    body: bytes
    signature: Signature


class Verification(msgspec.Struct, frozen=True):
    """One question whether a subscription is meant, and whether it was confirmed."""

    mode: str
    topic: str
    callback: str
    status: int | None
    confirmed: bool
    at: str


class Malformed(ValueError):  # an answer, not a fault of ours
    """The hub cannot read the request; the message says why."""


class Hub:
    """``/youtube/hub/subscribe``."""

    faulty = True

    def __init__(self, world: World, outgoing: Outgoing) -> None:
        self.world, self.outgoing = world, outgoing
        self.subscriptions: dict[tuple[str, str], Subscription] = {}
        self.pushes: list[Push] = []
        self.verifications: list[Verification] = []

    def account(self, request: Request) -> int | None:
        """Return whose channel the topic is."""
        return account_of(request.form.get("hub.topic", ""))

    def refusal(self, rule: Rule, request: Request) -> Reply | None:  # noqa: ARG002  # the same for all
        """Word a fault as the hub does: in a line of text."""
        statuses = {"rate_limit": 429, "quota": 429, "server_error": 503, "forbidden": 403, "revoked": 403}
        status = statuses.get(rule.kind)
        return None if status is None else as_text("Error trying to subscribe\n", rule.status or status)

    def answer(self, request: Request) -> Reply:
        """Accept a request, and ask its callback afterwards whether it is meant."""
        try:
            mode, wanted = self._read(request)
        except Malformed as problem:
            return as_text(f"{problem}\n", 400)

        async def verify() -> None:
            await self._verify(mode, wanted, request.form.get("hub.verify_token"))

        return Reply(202, b"", "text/plain; charset=utf-8", after=verify)

    def live(self, account: int | None = None) -> list[Subscription]:
        """Return the subscriptions whose lease has not ended, of one channel or of all."""
        now = self.world.clock.now()
        found = [one for one in self.subscriptions.values() if one.expires_at > now]
        return [one for one in found if account is None or one.account == account]

    def _read(self, request: Request) -> tuple[str, Subscription]:
        form = request.form
        if request.method != "POST" or not request.headers.get("content-type", "").startswith(FORM_TYPE):
            raise Malformed("A subscription is a POST of a form")
        if unknown := set(form) - FIELDS:
            raise Malformed(f"Unknown parameter: {min(unknown)}")
        mode = form.get("hub.mode", "")
        if mode not in {"subscribe", "unsubscribe"}:
            raise Malformed(f"Invalid value for hub.mode: {mode}")
        account, topic = account_of(form.get("hub.topic", "")), form.get("hub.topic", "")
        if account is None or not self.world.has(account):
            raise Malformed(f"Invalid value for hub.topic: {topic}")
        if not _is_address(form.get("hub.callback", "")):
            raise Malformed("Invalid parameter: hub.callback; must be valid URI with no fragment")
        if len(form.get("hub.secret", "").encode()) >= SECRET_BYTES:
            raise Malformed(f"Invalid parameter: hub.secret; must be less than {SECRET_BYTES} bytes")
        if not set(form.get("hub.verify", "async").split(",")) <= {"async", "sync"}:
            raise Malformed("Invalid values for hub.verify")
        lease = _lease(form)
        ends = self.world.clock.now() + lease
        secret = form.get("hub.secret", "")
        return mode, Subscription(account, topic, form["hub.callback"], secret, lease, ends)

    async def _verify(self, mode: str, wanted: Subscription, verify_token: str | None) -> None:
        challenge = secrets.token_urlsafe(24)
        asked = {"hub.mode": mode, "hub.topic": wanted.topic, "hub.challenge": challenge}
        if mode == "subscribe":
            asked["hub.lease_seconds"] = str(wanted.lease_seconds)
        if verify_token is not None:
            asked["hub.verify_token"] = verify_token
        joint = "&" if urlsplit(wanted.callback).query else "?"
        reply = await self.outgoing.send("GET", f"{wanted.callback}{joint}{urlencode(asked)}")
        confirmed = reply is not None and reply.is_success and reply.text == challenge
        status, at = None if reply is None else reply.status_code, timestamp(int(self.world.clock.now()))
        self.verifications.append(Verification(mode, wanted.topic, wanted.callback, status, confirmed, at))
        if confirmed and mode == "subscribe":
            self.subscriptions[wanted.topic, wanted.callback] = wanted
        elif confirmed:
            self.subscriptions.pop((wanted.topic, wanted.callback), None)

    async def push(self, account: int, told: Iterable[Told]) -> None:
        """Send feeds to all who subscribed to a channel."""
        for one in told:
            for subscription in self.live(account):
                await self._send(subscription, one)

    async def _send(self, subscription: Subscription, told: Told) -> None:
        headers = {
            "content-type": "application/atom+xml",
            "link": f'<{subscription.topic}>; rel="self", <{HUB_ADDRESS}>; rel="hub"',
            "user-agent": "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
            **_signed(subscription.secret, told),
        }
        reply = await self.outgoing.send("POST", subscription.callback, headers, told.body)
        status = None if reply is None else reply.status_code
        if status == GONE:
            self.subscriptions.pop((subscription.topic, subscription.callback), None)
        self.pushes.append(
            Push(
                subscription.account,
                told.kind,
                told.video_id,
                subscription.callback,
                told.signature,
                status,
                timestamp(int(self.world.clock.now())),
            )
        )

    def show(self) -> dict[str, Any]:
        """Return who is subscribed, without their secrets, and what they answered when asked."""
        return {
            "subscriptions": [
                {
                    "account": one.account,
                    "topic": one.topic,
                    "callback": one.callback,
                    "has_secret": bool(one.secret),
                    "lease_seconds": one.lease_seconds,
                    "expires_at": timestamp(int(one.expires_at)),
                }
                for one in self.live()
            ],
            "verifications": self.verifications,
        }


def account_of(topic: str) -> int | None:
    """Return whose feed a topic is; both of its spellings count."""
    match = TOPIC.fullmatch(topic)
    return read_channel(match[1]) if match else None


def _is_address(text: str) -> bool:
    if not text.isascii() or not text.isprintable():
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.fragment


def _lease(form: Mapping[str, str]) -> int:
    text = form.get("hub.lease_seconds") or str(LEASE_SECONDS)
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text)):  # noqa: PLR2004
        raise Malformed("Invalid value for hub.lease_seconds")
    return min(int(text), LONGEST_LEASE_SECONDS)


def _signed(secret: str, told: Told) -> dict[str, str]:
    if told.signature == "none" or (not secret and told.signature == "good"):
        return {}
    key = secret if told.signature == "good" else f"not {secret}"
    return {"x-hub-signature": f"sha1={hmac.new(key.encode(), told.body, hashlib.sha1).hexdigest()}"}
