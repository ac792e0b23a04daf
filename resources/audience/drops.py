"""What was found of lists that came back short: the drops, and whether they are more than people explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

NAMED_DROPS = 100
HIGHEST_SHARE = 0.05


@dataclass(frozen=True)
class Drop:
    """A stream of an account whose last complete pass brought less than half of the usual."""

    org: str
    account: str
    provider: str
    stream: str
    records: int
    usual: float
    account_id: str


@dataclass
class Volume:
    """The accounts that could be judged and those with drops, by provider; the worst drops."""

    judged: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    drops: list[Drop] = field(default_factory=list)

    @property
    def is_widespread(self) -> bool:
        """Whether more accounts of a provider dropped than people who clear up would explain."""
        return any(
            dropped > max(HIGHEST_SHARE * self.judged[name], 1) for name, dropped in self.dropped.items()
        )

    def note(self, drops: Sequence[Drop]) -> None:
        """Count drops, and keep the worst."""
        self.dropped += Counter(name for name, _ in {(drop.provider, drop.account_id) for drop in drops})
        worst_first = sorted([*self.drops, *drops], key=lambda drop: drop.records / drop.usual)
        self.drops = worst_first[:NAMED_DROPS]
