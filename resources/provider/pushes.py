"""What a declaration says of a provider's pushes: how they are asked for, proven, and understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True)
class News:
    """One thing that a push tells: whose account, what happened to what, and when by the provider's word.

    ``account`` is an id by which the provider knows the account, ``mark`` tells repeats of the same
    news from news.
    """

    account: str
    kind: str
    subject: str
    mark: str


class PushUnreadable(ValueError):  # an answer to whoever pushed, never a fault of ours
    """The body is not what the provider sends."""


@dataclass(frozen=True)
class Pushes:
    """How a provider pushes.

    ``way`` is ``websub`` (a hub verifies each subscription, which ends with its lease) or ``app`` (one
    address for the app, verified with a word that its owner chose). ``signature`` is the header that
    holds ``algorithm=hex`` of the HMAC over the raw body. ``read`` turns a body into its news.
    ``streams`` are those that the news make worth reading. An account is subscribed at ``path`` of the
    API's ``host``: for ``websub`` to its ``topic``, for ``app`` with ``params``. Both may name its
    ``external_id``. It is subscribed again ``renew_ahead`` of the end of its ``lease``.
    """

    way: Literal["websub", "app"]
    signature: str
    algorithm: Literal["sha1", "sha256"]
    read: Callable[[bytes], list[News]]
    streams: tuple[str, ...]
    host: str = ""
    path: str = ""
    topic: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    lease: timedelta = timedelta(days=5)
    renew_ahead: timedelta = timedelta(days=1)
