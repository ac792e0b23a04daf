"""What a refresh of the orgs' numbers is told and what it reports; without pandas, which computes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from resources.provider import Provider

Snapshots = frozenset[tuple[str, str]]


@dataclass
class OrgReport:
    """What a refresh wrote: how many rows of how many orgs, and the newest of them."""

    rows: int = 0
    orgs: int = 0
    preview: list[dict[str, Any]] = field(default_factory=list)


def snapshots_of(providers: Iterable[Provider]) -> Snapshots:
    """Return the metrics, each with its provider, that say what is now."""
    pairs = ((provider.name, metric) for provider in providers for metric in provider.audience)
    return frozenset((name, metric.name) for name, metric in pairs if metric.is_snapshot)
