"""A sync that tells of itself: what goes wrong with the telling does not reach the sync."""

from __future__ import annotations

import asyncio

import pytest

from resources.delivery import dispatcher
from resources.providers import PROVIDERS
from resources.sync.run import sync_and_deliver

pytestmark = pytest.mark.webhooks


def test_a_delivery_that_breaks_costs_the_committed_sync_nothing(simulated, syncing, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("the database went away")

    simulated.connect("acme", 1)
    monkeypatch.setattr(dispatcher, "due_endpoints", broken)
    work = sync_and_deliver(simulated.backline, syncing.request("profile"), transport=simulated.wire)
    report = simulated.run(work)
    assert report.accounts == {"ok": 1}
    assert "could not deliver its events; the sensor will" in caplog.text
    assert [event["status"] for event in syncing.events()] == ["pending"]


def test_a_run_tells_of_its_events_before_it_ends(simulated, syncing):
    assert PROVIDERS["spotify"] is syncing.request("profile").provider
    simulated.connect("acme", 1)
    work = sync_and_deliver(simulated.backline, syncing.request("profile"), transport=simulated.wire)
    assert asyncio.iscoroutine(work)
    simulated.run(work)
    assert [event["status"] for event in syncing.events()] == ["delivered"]
