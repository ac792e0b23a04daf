"""Wholes cut into parts that add up again, as breakdowns show them."""

from __future__ import annotations

import itertools
from typing import Any

from simulator.mixing import mix


def cut(total: int, keys: tuple[str, ...], seed: int) -> dict[str, int]:
    """Return the total by key, the first keys with the most, without the keys that got none."""
    left, parts = total, {}
    for place, key in enumerate(keys):
        last = place == len(keys) - 1
        part = left if last else left * (30 + mix(331, seed, place) % 40) // 100
        left -= part
        if part:
            parts[key] = part
    return parts


def breakdown(total: int, dimensions: dict[str, tuple[str, ...]], seed: int) -> dict[str, Any]:
    """Return one entry of ``breakdowns``: the total by every combination of the dimensions' values."""
    combinations = tuple("\n".join(each) for each in itertools.product(*dimensions.values()))
    results = [
        {"dimension_values": key.split("\n"), "value": value}
        for key, value in cut(total, combinations, seed).items()
    ]
    return {"dimension_keys": list(dimensions), "results": results}
