"""Numbers are cut to a few digits, as pages print them."""

from __future__ import annotations

import pytest

from simulator.sites.printing import compact

pytestmark = pytest.mark.providers


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (0, 3, "0"),
        (999, 2, "999"),
        (1_000, 3, "1K"),
        (22_795, 3, "22.7K"),
        (22_795, 2, "22K"),
        (5_049_999, 3, "5.04M"),
        (123_456, 1, "123K"),
        (698_079_524, 1, "698M"),
        (2_520_001, 2, "2.5M"),
        (1_009_000, 3, "1M"),
        (7_890_000_000, 2, "7.8B"),
    ],
)
def test_numbers_are_cut_and_not_rounded(number, digits, text):
    assert compact(number, digits) == text
