"""What a run knows of an account, and what one pass over its streams brought."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from resources.database import utc_now
from resources.errors import BudgetSpent, ContractChanged, ProviderError
from resources.http import Usage
from resources.provider import FromStream, Stream
from resources.replies import NAMED_REJECTIONS
from resources.sync.rows import RowBuffer


@dataclass(frozen=True)
class Account:
    """One account as a run reads it."""

    id: uuid.UUID
    org_id: uuid.UUID
    org_slug: str
    name: str
    external_id: str
    sync_status: str
    config: Mapping[str, Any]
    scopes: Sequence[str]
    cursors: Mapping[str, dict[str, Any]]


@dataclass
class ParentsRead:
    """The parents of a stream as one pass found them: all there are, and those read whole."""

    current: list[str]
    whole: list[str] = field(default_factory=list)


@dataclass
class StreamPass:
    """What one pass over one stream of one account brought.

    ``complete`` says that every page was read and nothing was left out, so that a stored row that did
    not appear is gone. ``unchanged`` are the parents whose rows were not read again because they did
    not change. ``problems`` tells of items that were left out and of pages that contradict each other.
    """

    stream: Stream
    started_at: datetime = field(default_factory=utc_now)
    finished_at: datetime = field(default_factory=utc_now)
    rows: RowBuffer = field(default_factory=RowBuffer)
    cursor: dict[str, Any] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    rejected: int = 0
    deleted: int = 0
    problems: list[str] = field(default_factory=list)
    complete: bool = True
    unchanged: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    parents: ParentsRead | None = None
    error: ProviderError | None = None

    @property
    def status(self) -> str:
        """``ok``, ``partial`` where something was left out, ``failed`` where the stream broke off."""
        if self.error is not None:
            return "failed"
        return "partial" if self.problems else "ok"

    @property
    def trouble(self) -> tuple[str, str] | None:
        """The class of what went wrong and a message that ends with its cure; ``None`` where nothing did."""
        if self.error is not None:
            return self.error.code, str(self.error)
        if not self.problems:
            return None
        return ContractChanged.code, f"{self.problems[0].rstrip('.')}. {ContractChanged.cure}"

    @property
    def brought_anything(self) -> bool:
        """Whether it was asked for, by this account or, in a request that accounts share, by another."""
        return bool(self.error or self.usage.requests or len(self.rows) or self.problems)

    @property
    def has_progress(self) -> bool:
        """Whether the cursor may move: the stream was read, or what was read of it is listed."""
        lists_parts = isinstance(self.stream.each, FromStream) or self.stream.days is not None
        return self.error is None or (lists_parts and bool(self.cursor))

    def complain(self, problems: Sequence[str]) -> None:
        """Note what is wrong with a reply; with it the pass is not complete."""
        self.complete = self.complete and not problems
        self.problems += problems[: max(NAMED_REJECTIONS - len(self.problems), 0)]


@dataclass
class AccountPass:
    """What one run brought of one account: its streams in declared order.

    A ``deferred`` account was not asked for, because the provider has to be left alone; it stays as it is.
    """

    account: Account
    streams: list[StreamPass]
    deferred: bool = False

    @property
    def status(self) -> str:
        """``ok``, ``partial`` or ``failed``, over the streams that had anything to ask."""
        states = {stream.status for stream in self.streams if stream.brought_anything}
        if states <= {"ok"}:
            return "ok"
        return "failed" if states == {"failed"} else "partial"

    @property
    def error(self) -> ProviderError | None:
        """The first error met, the account's own before a stream's."""
        errors = [stream.error for stream in self.streams if stream.error]
        return next((error for error in errors if error.whole_account), errors[0] if errors else None)

    @property
    def trouble(self) -> tuple[str, str] | None:
        """The class and the message of what an operator should see first, ``None`` where all went well."""
        if self.error is not None:
            return self.error.code, str(self.error)
        return next((stream.trouble for stream in self.streams if stream.trouble), None)

    def paid_for(self) -> AccountPass:
        """Return what was read before the budget was spent; what was not waits for a later run."""
        kept = []
        for stream in self.streams:
            if not isinstance(stream.error, BudgetSpent):
                kept.append(stream)
            elif (stream.usage.requests or len(stream.rows)) and stream.has_progress:
                stream.error, stream.complete = None, False
                kept.append(stream)
        return self if len(kept) == len(self.streams) else AccountPass(self.account, kept, deferred=not kept)

    def close(self) -> None:
        """Give the buffers back."""
        for stream in self.streams:
            stream.rows.close()
