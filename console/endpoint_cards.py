"""Endpoints as the console shows them: what each state is called, how bad it is, and what to press."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from console.pages import Tone
from resources.backline import Backline
from resources.delivery.health import EndpointHealth, State, endpoint_health
from resources.schemas import PATHS

MOST_SHOWN = 50


class Words(NamedTuple):
    """One state in words; ``cure`` is what to do, empty where nothing is."""

    label: str
    tone: Tone
    cure: str = ""


WORDS: Mapping[State, Words] = {
    "open": Words(
        "Breaker open",
        "bad",
        "Mend the receiver and press Send test until it takes one. Events go on by themselves then; Replay "
        "failed asks at once.",
    ),
    "failing": Words(
        "Failing", "bad", "Press Send test and do what its verdict says, then press Replay failed."
    ),
    "late": Words(
        "Late",
        "warn",
        "See in Dagster that the sensor `event_delivery` runs. Where it does, the receiver is slower than "
        "what comes: speed it up, or raise its deliveries in flight.",
    ),
    "unset": Words(
        "No n8n yet",
        "warn",
        "Set `BACKLINE_N8N_URL` and start again, or press Disable if nobody wants these events.",
    ),
    "held": Words(
        "Asked to wait", "warn", "Nothing is to be done. Where it lasts, lower the endpoint's rate."
    ),
    "disabled": Words("Disabled", "plain"),
    "delivering": Words("Delivering", "ok"),
    "idle": Words("No events", "plain"),
}
DELIVERY_STATES: Mapping[str, Words] = {
    "pending": Words("Waiting", "plain"),
    "delivered": Words("Delivered", "ok"),
    "failed": Words("Given up", "bad"),
}
TROUBLES: frozenset[State] = frozenset({"open", "failing", "late"})


@dataclass(frozen=True)
class EndpointCard:
    """One endpoint with its health."""

    health: EndpointHealth

    @property
    def words(self) -> Words:
        """Its state in words."""
        unwanted = self.health.state == "unset" and not self.health.waiting.count
        return WORDS["unset"]._replace(tone="plain") if unwanted else WORDS[self.health.state]

    @property
    def is_broken(self) -> bool:
        """Whether somebody has to do something."""
        waits_in_vain = self.health.state == "unset" and self.health.waiting.count > 0
        return self.health.state in TROUBLES or waits_in_vain

    @property
    def title(self) -> str:
        """The name, with the org where it is one's own."""
        org = self.health.org
        return f"{self.health.endpoint.name} of {org}" if org else str(self.health.endpoint.name)

    @property
    def where(self) -> str:
        """Where its events go: an address, or n8n's path."""
        row = self.health.endpoint
        return row.url or "n8n /webhook/" + ", ".join(PATHS[one] for one in row.event_types)

    @property
    def anchor(self) -> str:
        """What links on the page point at."""
        return f"endpoint-{self.health.endpoint.id}"


def endpoint_cards(backline: Backline, orgs: frozenset[str] | None = None) -> Sequence[EndpointCard]:
    """Return the endpoints of some orgs, or all, those that need somebody first."""
    found = endpoint_health(backline)
    cards = [EndpointCard(one) for one in found if orgs is None or one.org in orgs]
    return sorted(cards, key=lambda card: not card.is_broken)
