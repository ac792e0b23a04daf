"""What documents were drawn as, so that the queries which their scripts make agree with them."""

from __future__ import annotations

from simulator.sites.orders import PageOrder


class Drawn:
    """The order that the last document of each subject met, where it met one."""

    def __init__(self) -> None:
        self.orders: dict[str, PageOrder] = {}

    def remember(self, subject: str, order: PageOrder | None) -> None:
        """Let the queries about a subject meet what its document met."""
        self.orders.pop(subject, None)
        if order is not None:
            self.orders[subject] = order

    def order(self, subject: str) -> PageOrder | None:
        """Return what a query about a subject meets."""
        return self.orders.get(subject)

    def factor(self, subject: str) -> float:
        """Return what a subject's numbers are multiplied with."""
        order = self.order(subject)
        return order.factor if order is not None and order.outcome == "disagree" else 1.0
