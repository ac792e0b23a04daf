"""What can be ordered of public pages: which visits see what in place of a sound page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import msgspec

from simulator.platform import ControlRefused

Outcome = Literal[
    "blocked",
    "not_found",
    "gone",
    "wrong_page",
    "consent_wall",
    "login_wall",
    "soft_block",
    "next_layout",
    "old_layout",
    "disagree",
    "late_numbers",
    "slow",
    "endless",
    "cut",
    "server_error",
]
ON_EVERY_PAGE: frozenset[Outcome] = frozenset(
    {
        "blocked",
        "not_found",
        "wrong_page",
        "next_layout",
        "disagree",
        "slow",
        "endless",
        "cut",
        "server_error",
    }
)
Outcomes = Mapping[str, frozenset[Outcome]]
"""What each kind of page can be told to be."""
Count = Annotated[int, msgspec.Meta(ge=0)]
Status = Annotated[int, msgspec.Meta(ge=400, le=599)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]
Factor = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
Mebibytes = Annotated[int, msgspec.Meta(ge=1, le=4_096)]


class PageOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/<provider>/pages``: what the next ``times`` documents are, ``None`` for all to come.

    Without ``page`` it meets every kind that knows the outcome, without ``subject`` everybody's. ``status``
    is of a block or a server error, ``retry_after`` of a block, ``seconds`` of a slow page or of late
    numbers; ``mb`` is how much an endless page sends, ``factor`` what the numbers of one that disagrees are
    multiplied with, ``instead`` whose page a wrong one is.
    """

    outcome: Outcome
    page: str | None = None
    subject: str | None = None
    times: Count | None = 1
    status: Status | None = None
    retry_after: Count = 60
    seconds: Seconds = 5.0
    mb: Mebibytes = 64
    factor: Factor = 3.0
    instead: str | None = None
    hits: int = 0


class PageOrders:
    """The orders of one site that are in force; the first that fits counts."""

    def __init__(self, outcomes: Outcomes, knows: Callable[[str], bool]) -> None:
        self.outcomes, self.knows = outcomes, knows
        self.given: list[PageOrder] = []

    def add(self, order: PageOrder) -> PageOrder:
        """Let an order hold from now on; raise ``ControlRefused`` where it never could."""
        if order.page is not None and order.page not in self.outcomes:
            raise ControlRefused(f"page: {order.page} is not one of {', '.join(self.outcomes)}")
        pages = self.outcomes if order.page is None else (order.page,)
        known = frozenset[str]().union(*(self.outcomes[page] for page in pages))
        if order.outcome not in known:
            asked = order.page or "this site"
            raise ControlRefused(
                f"outcome: {asked} is never {order.outcome}; use one of {', '.join(sorted(known))}"
            )
        if order.outcome == "soft_block" and order.subject is not None:
            raise ControlRefused("subject: a soft block meets everybody; leave it out")
        for name in ("subject", "instead"):
            subject = getattr(order, name)
            if subject is not None and not self.knows(subject):
                raise ControlRefused(f"{name}: {subject} has no page; give it as the page's address does")
        self.given.append(order)
        return order

    def take(self, page: str, subject: str) -> PageOrder | None:
        """Return the order that a document meets, if any, and count it."""
        known = self.outcomes[page]
        for order in self.given:
            if order.times == 0 or order.page not in {None, page} or order.subject not in {None, subject}:
                continue
            if order.outcome in known:
                order.hits += 1
                order.times = None if order.times is None else order.times - 1
                return order
        return None

    def clear(self) -> dict[str, int]:
        """Take all orders back."""
        removed = len(self.given)
        self.given.clear()
        return {"removed": removed}
