"""``POST /control/youtube/push``: a video comes, changes or goes, and the hub tells who subscribed."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from simulator.exchange import Reply, Request, as_json
from simulator.platform import ControlRefused
from simulator.youtube import feed
from simulator.youtube.editing import add, remove, retitle
from simulator.youtube.hub import Hub, Signature, Told
from simulator.youtube.ids import SLOTS, video_id
from simulator.youtube.library import Library

Kind = Literal["published", "updated", "deleted"]


class PushOrder(msgspec.Struct, forbid_unknown_fields=True):
    """What happens; ``place`` counts public uploads, newest first, and ``times`` repeats the feed."""

    account: int
    kind: Kind = "published"
    times: Annotated[int, msgspec.Meta(ge=0, le=100)] = 1
    signature: Signature = "good"
    place: Annotated[int, msgspec.Meta(ge=0)] = 0


def push(shelf: Library, hub: Hub, request: Request) -> Reply:
    """Let it happen, and answer before the feeds are sent."""
    order = msgspec.json.decode(request.body, type=PushOrder)
    if not shelf.world.has(order.account):
        raise ControlRefused(f"account: {order.account} is not one of 0 to {shelf.world.accounts - 1}")
    number = _happen(shelf, order)
    body = feed.tombstone(shelf, number) if order.kind == "deleted" else feed.entry(shelf, number)
    told = [Told(order.kind, video_id(number), body, order.signature)] * order.times

    async def send() -> None:
        await hub.push(order.account, told)

    answer = {
        "account": order.account,
        "kind": order.kind,
        "video_id": video_id(number),
        "subscribers": len(hub.live(order.account)),
    }
    return as_json(answer)._replace(after=send)


def _happen(shelf: Library, order: PushOrder) -> int:
    """Publish, retitle or delete a video, and return its number."""
    if order.kind == "published":
        if shelf.next_slot(order.account) == SLOTS:
            raise ControlRefused(f"kind: a channel publishes {SLOTS} videos at most")
        return add(shelf, order.account, 1)[0]
    listed = shelf.listed(order.account, None)
    if order.place >= len(listed):
        raise ControlRefused(f"place: the channel has {len(listed)} public videos")
    number = listed[order.place]
    (retitle if order.kind == "updated" else remove)(shelf, [number])
    return number
