"""The verdicts of a stream's checks, at their edges."""

from __future__ import annotations

import dagster as dg
import pytest

from assets.checks import check_specs, judge, success_rate
from resources.http import Usage
from resources.providers import PROVIDERS
from resources.sync.report import StreamReport, Trouble

STREAM = PROVIDERS["spotify"].stream("profile")
KEY = dg.AssetKey(["spotify", "profile"])


def verdicts(report):
    return {result.check_name: result for result in judge(KEY, STREAM, report)}


def answered(requests, refused=0, seconds=0.1):
    usage = Usage()
    for number in range(requests):
        usage.count(seconds, accepted=number >= refused)
    return StreamReport(usage=usage)


@pytest.mark.parametrize(
    ("requests", "refused", "passes"),
    [(100, 0, True), (101, 1, True), (100, 1, False), (1000, 10, False), (1001, 10, True), (1, 1, False)],
)
def test_more_than_99_percent_of_the_requests_must_be_answered(requests, refused, passes):
    verdict = verdicts(answered(requests, refused))["api_success_rate"]
    assert verdict.passed is passes
    assert verdict.severity is dg.AssetCheckSeverity.ERROR
    assert verdict.metadata["requests"].value == requests
    assert verdict.metadata["refused"].value == refused


def test_no_requests_at_all_are_no_failure():
    assert {name: one.passed for name, one in verdicts(StreamReport()).items()} == {
        "api_success_rate": True,
        "response_time": True,
        "schema": True,
    }


def test_an_account_that_could_not_even_ask_counts_as_a_refusal():
    report = answered(50)
    report.accounts["failed"] = 1
    assert success_rate(report) == pytest.approx(50 / 51)
    assert verdicts(report)["api_success_rate"].passed is False


def test_an_account_whose_request_was_refused_counts_once():
    report = answered(200, refused=1)
    report.accounts["failed"] = 1
    assert success_rate(report) == pytest.approx(199 / 200)


@pytest.mark.parametrize(("seconds", "passes"), [(1.999, True), (2.0, False), (2.001, False)])
def test_the_mean_answer_must_come_within_two_seconds(seconds, passes):
    verdict = verdicts(answered(4, seconds=seconds))["response_time"]
    assert verdict.passed is passes
    assert verdict.severity is dg.AssetCheckSeverity.WARN
    assert verdict.metadata["mean_ms"].value == pytest.approx(1000 * seconds)


def test_one_slow_answer_among_fast_ones_is_forgiven():
    report = answered(9, seconds=0.1)
    report.usage.count(15, accepted=True)
    assert verdicts(report)["response_time"].passed is True


def test_a_rejected_item_fails_the_schema_check_and_is_named():
    report = StreamReport(rejected=1, problems=["item 3: expected int at `$.followers`"])
    verdict = verdicts(report)["schema"]
    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert verdict.metadata["problems"].value == "- item 3: expected int at `$.followers`"


def test_a_reply_that_is_not_the_contract_fails_the_schema_check():
    trouble = Trouble("north", "Acme", "id", "contract", "the reply is not JSON")
    verdict = verdicts(StreamReport(troubles=[trouble]))["schema"]
    assert verdict.passed is False
    assert "the reply is not JSON" in verdict.metadata["problems"].value


def test_a_lost_grant_is_no_fault_of_the_schema():
    trouble = Trouble("north", "Acme", "id", "grant_expired", "reconnect")
    assert verdicts(StreamReport(troubles=[trouble]))["schema"].passed is True


def test_every_declared_check_gets_a_verdict_and_says_what_to_do_if_red():
    specs = check_specs(KEY)
    assert {spec.name for spec in specs} == set(verdicts(StreamReport()))
    assert all("If red: " in spec.description for spec in specs)
