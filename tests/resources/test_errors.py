"""The tree of errors: its drawing, its messages, and what they never hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from resources import errors
from resources.errors import (
    BacklineError,
    InputRefused,
    ParkingError,
    ProviderError,
    SealBroken,
    SettingMissing,
)

RETRY_AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CLASSES = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BacklineError)
]
PROVIDER_CLASSES = [kind for kind in CLASSES if issubclass(kind, ProviderError)]


TIMED = (ParkingError, errors.AccountThrottled)


def drawn_parents() -> dict[str, str | None]:
    """Return each class drawn in the module's docstring and the one it hangs from."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─ ]*)([A-Z]\w+)(?:$|  )", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            parents[found[2]] = path[depth - 1] if depth else None
    return parents


def example(kind: type[ProviderError]) -> ProviderError:
    evidence: dict[str, Any] = {"retry_at": RETRY_AT} if issubclass(kind, TIMED) else {}
    return kind("acme", "it said no", status=418, path="/me", **evidence)


def test_drawn_tree_is_the_real_one():
    real = {kind.__name__: None if kind is BacklineError else kind.__bases__[0].__name__ for kind in CLASSES}
    assert drawn_parents() == real


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_says_what_fault_it_is(kind):
    assert kind.__doc__


@pytest.mark.parametrize("kind", PROVIDER_CLASSES)
def test_provider_error_names_provider_place_problem_and_cure(kind):
    error = example(kind)
    assert str(error).startswith("acme at /me: it said no")
    assert str(error).endswith(kind.cure)
    assert (error.provider, error.status, error.path) == ("acme", 418, "/me")


@pytest.mark.parametrize("kind", PROVIDER_CLASSES)
def test_every_fault_has_a_cure_of_a_sentence(kind):
    assert re.fullmatch(r"[A-Z].+\.", kind.cure)
    assert re.fullmatch(r"[a-z_]+", kind.code)


def test_faults_of_different_meaning_have_different_codes():
    codes = [kind.code for kind in PROVIDER_CLASSES if "code" in vars(kind)]
    assert len(set(codes)) == len(codes)


def test_provider_error_without_a_path_names_none():
    assert str(errors.Transient("acme", "it is down")).startswith("acme: it is down. ")


@pytest.mark.parametrize("kind", [errors.QuotaExhausted, errors.BudgetSpent, errors.RateLimited])
def test_parking_error_says_until_when_and_keeps_its_reason(kind):
    error = example(kind)
    assert "it said no until 2026-11-23 10:00:00 UTC" in str(error)
    assert (error.retry_at, error.reason) == (RETRY_AT, "it said no")


def test_what_parks_a_provider_stops_every_account_of_it():
    stops_all = {kind for kind in PROVIDER_CLASSES if kind.whole_provider}
    assert stops_all == {ParkingError, errors.QuotaExhausted, errors.BudgetSpent, errors.RateLimited}
    assert all(kind.whole_account for kind in stops_all)


def test_refused_input_names_the_field_the_problem_and_the_cure():
    error = InputRefused("grant.expires_at", "has no zone", "write it as 2026-11-23T10:00:00Z")
    assert str(error) == "grant.expires_at: has no zone; write it as 2026-11-23T10:00:00Z"
    assert error.field == "grant.expires_at"


def test_missing_setting_names_itself_and_where_to_set_it():
    error = SettingMissing("BACKLINE_N8N_URL", "delivering events")
    assert str(error) == (
        "BACKLINE_N8N_URL: is not set, but is needed for delivering events; "
        "set BACKLINE_N8N_URL in the environment or .env"
    )


def test_broken_seal_names_whose_it_is():
    error = SealBroken("grants/7", "it was changed", "connect again")
    assert str(error) == "The sealed value of grants/7 does not open: it was changed; connect again"
