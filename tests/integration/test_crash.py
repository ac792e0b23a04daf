"""A sync that is killed at any instant leaves nothing half done, and is taken up where it was.

``BACKLINE_CRASH_KILLS`` says how often to kill it (3 where it is not set): once between
an event's commit and its delivery, then at work, each time in a later part of a sync.
"""

# ruff: noqa: D102, T201  # a test's name states the fact; the figures are for whoever runs it with -s

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter, defaultdict

import pytest

from resources.providers import PROVIDERS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1_800)]
KILLS = int(os.environ.get("BACKLINE_CRASH_KILLS", "3"))
ORGS = {number: f"org-{number % 4}" for number in range(12)}
STREAMS = [stream.name for stream in PROVIDERS["spotify"].streams]
SYNC = ("sync", "spotify", "--full", "--json")
ENDED_BY_KILL = -signal.SIGKILL


class Observed:
    """What the database says after a kill, or at the end."""

    def __init__(self, installed):
        self.rows = installed.rows

    def check_that_nothing_is_half_done(self):
        """No row without its cursor, no event without all its accounts' results."""
        cursors = {(row["account_id"], row["stream"]) for row in self.rows("SELECT * FROM stream_cursors")}
        for stream in STREAMS:
            for row in self.rows(f"SELECT DISTINCT account_id FROM spotify_{stream}"):
                assert (row["account_id"], stream) in cursors, f"rows of {stream} without their cursor"
        results = self.results()
        for account, asset in {(account, asset) for _, account, asset in results}:
            assert (account, asset.partition("/")[2]) in cursors, f"a result of {asset} without its cursor"
        for root, accounts in self.accounts_of_roots().items():
            for account in accounts:
                whole = [asset for one, who, asset in results if one == root and who == account]
                assert len(whole) >= len(STREAMS), f"{account} has {len(whole)} results of {root}"
        for event in self.rows("SELECT * FROM webhook_events WHERE event_type = 'data.synced'"):
            assert len(self.accounts_of_roots()[event["run_id"]] & self.members(event["org_id"])) == 3

    def results(self):
        rows = self.rows("SELECT root_run_id, account_id, asset, status, error_message FROM sync_results")
        assert {row["error_message"] for row in rows if row["status"] != "ok"} == set()
        return [(row["root_run_id"], row["account_id"], row["asset"]) for row in rows]

    def accounts_of_roots(self):
        found = defaultdict(set)
        for root, account, _ in self.results():
            found[root].add(account)
        return found

    def members(self, org):
        rows = self.rows("SELECT id FROM connected_accounts WHERE org_id = :org", org=org)
        return {row["id"] for row in rows}

    def check_that_every_run_is_whole(self):
        """Each root run told each org once, and has every account's every stream once."""
        events = self.rows("SELECT * FROM webhook_events")
        assert {event["event_type"] for event in events} == {"data.synced"}
        told = Counter((event["run_id"], event["org_id"]) for event in events)
        roots = self.accounts_of_roots()
        orgs = {row["id"] for row in self.rows("SELECT id FROM orgs")}
        assert set(told.values()) == {1}
        assert set(told) == {(root, org) for root in roots for org in orgs}
        assert {len(accounts) for accounts in roots.values()} == {len(ORGS)}
        repeated = [key for key, times in Counter(self.results()).items() if times > 1]
        assert repeated == [], "what was committed was repeated"
        return events


def kill_at_work(installed, simulator, seconds):
    """Sync, kill it ``seconds`` after its first request, and return whether it was still at work."""
    before = asked(simulator)
    program = installed.start(*SYNC)
    installed.wait_for(program, lambda: asked(simulator) > before)
    time.sleep(seconds)
    program.send_signal(signal.SIGKILL)
    program.communicate()
    return program.returncode == ENDED_BY_KILL


def asked(simulator):
    return simulator.ask("GET", "/control/requests?path_prefix=/spotify&last=1")["total"]


def kill_between_commit_and_delivery(installed, simulator):
    """Sync while the receiver hangs, kill it once an event stands in the database; return how long it took.

    That is seconds from the first request on: a measure of work for the other kills, whatever the machine.
    """
    simulator.fault("slow", "/receiver/webhook", times=None, seconds=60)
    before = asked(simulator)
    program = installed.start(*SYNC)
    installed.wait_for(program, lambda: asked(simulator) > before)
    began = time.monotonic()
    leased = "SELECT event_id FROM webhook_deliveries WHERE lease_until IS NOT NULL"
    installed.wait_for(program, lambda: installed.rows(leased))
    took = time.monotonic() - began
    program.send_signal(signal.SIGKILL)
    program.communicate()
    simulator.ask("DELETE", "/control/faults")
    events = installed.rows("SELECT status, attempts FROM webhook_events")
    assert events
    assert all(event == {"status": "pending", "attempts": 0} for event in events)
    return took


def deliver_all(installed, simulator):
    """Deliver what is due, as though the minute had passed for which the killed hold their leases."""
    with installed.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE webhook_deliveries SET lease_until = NULL, next_attempt_at = created_at "
            "WHERE status = 'pending'"
        )
    installed.run("events", "deliver")
    return simulator.received()


def test_killed_syncs_leave_nothing_half_done(installed, simulator):
    installed.connect(simulator, ORGS)
    simulator.control("mode", latency_ms=15)
    chance, observed = random.Random(KILLS), Observed(installed)
    work_seconds = kill_between_commit_and_delivery(installed, simulator)
    observed.check_that_nothing_is_half_done()
    killed = 1
    for number in range(KILLS - 1):
        seconds = (number + chance.random()) * work_seconds / (KILLS - 1)
        killed += kill_at_work(installed, simulator, seconds)
        observed.check_that_nothing_is_half_done()
    installed.run(*SYNC)
    observed.check_that_nothing_is_half_done()
    events = observed.check_that_every_run_is_whole()
    received = deliver_all(installed, simulator)
    assert set(received) == {event["id"] for event in events}
    assert {event["status"] for event in installed.rows("SELECT status FROM webhook_events")} == {"delivered"}
    assert all(received[event["id"]]["body"]["payload"]["accounts"]["synced"] == 3 for event in events)
    roots, runs = observed.accounts_of_roots(), installed.rows("SELECT DISTINCT run_id FROM sync_results")
    repeated = sum(event["count"] - 1 for event in received.values())
    print(
        f"\n{installed.database.url.get_backend_name()}: {killed} of {KILLS} kills hit a sync at work, "
        f"{len(runs)} runs committed under {len(roots)} roots, {len(events)} events, "
        f"{repeated} sent again under the same id"
    )
