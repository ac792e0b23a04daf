"""Numbers that look random and are the same everywhere and every day: invented content follows from them."""

from __future__ import annotations

MASK64 = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """Return 64 bits that look random and depend on the numbers and their order alone."""
    state = 0x6A09E667F3BCC909
    for number in numbers:
        state = (state ^ number) * 0xBF58476D1CE4E5B9 & MASK64
        state = (state ^ state >> 29) * 0x94D049BB133111EB & MASK64
        state ^= state >> 32
    return state
