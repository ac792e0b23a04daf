"""Numbers as pages print them: a few digits and a letter, cut off and not rounded."""

from __future__ import annotations

UNITS = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K"))


def compact(number: int, digits: int) -> str:
    """Return a number in at most ``digits`` significant digits, more where its whole part has more.

    22,795 in three digits is ``22.7K``, in two ``22K``; what is below 1,000 is whole.
    """
    for unit, letter in UNITS:
        if number >= unit:
            places = max(0, digits - len(str(number // unit)))
            parts = number * 10**places // unit
            whole, part = divmod(parts, 10**places)
            shown = f"{part:0{places}}".rstrip("0") if places else ""
            return f"{whole}.{shown}{letter}" if shown else f"{whole}{letter}"
    return str(number)
