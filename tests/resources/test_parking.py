"""Parking a provider, on both databases."""

from datetime import timedelta

import pytest

from resources import parking
from resources.database import utc_now
from resources.errors import QuotaExhausted, RateLimited
from resources.providers import PROVIDERS

SPOTIFY = PROVIDERS["spotify"]


def wait(kind, **span):
    return kind("spotify", "enough", retry_at=utc_now() + timedelta(**span))


@pytest.mark.parametrize("kind", [RateLimited, QuotaExhausted])
def test_a_parked_provider_says_why_and_until_when(database, kind):
    error = wait(kind, hours=1)
    parking.park(database, SPOTIFY, error)
    found = parking.current(database, SPOTIFY)
    assert type(found) is kind
    assert (found.retry_at, found.reason, str(found)) == (error.retry_at, "enough", str(error))


def test_one_that_was_never_parked_is_free(database):
    assert parking.current(database, SPOTIFY) is None


def test_parking_ends_by_itself(database):
    parking.park(database, SPOTIFY, wait(RateLimited, seconds=-1))
    assert parking.current(database, SPOTIFY) is None


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_the_later_time_counts_whichever_came_first(database, first, second):
    for hours in (first, second):
        parking.park(database, SPOTIFY, wait(RateLimited, hours=hours))
    assert parking.current(database, SPOTIFY).retry_at > utc_now() + timedelta(minutes=119)
