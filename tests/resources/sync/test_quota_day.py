"""A day of YouTube channels that the quota hardly pays for: never over it, and nobody is left out.

250 channels and a twentieth of YouTube's quota; all 5,000 with::

    BACKLINE_QUOTA_CHANNELS=5000 .venv/bin/pytest -s tests/resources/sync/test_quota_day.py
"""

# ruff: noqa: T201  # the figures are the point

from __future__ import annotations

import os
import uuid

import pytest

from resources.budget import balances
from resources.providers import PROVIDERS
from resources.sync.engine import SyncEngine
from resources.sync.request import SyncRequest

pytestmark = [pytest.mark.providers, pytest.mark.timeout(1_800)]
YOUTUBE = PROVIDERS["youtube"]
CHANNELS = int(os.environ.get("BACKLINE_QUOTA_CHANNELS", "250"))
UNITS = CHANNELS * 2  # as 5,000 channels have of YouTube's 10,000
SYNCS_A_DAY = 4
OF_DATA_API = ("channels", "uploads", "videos", "video_statistics", "playlists")


@pytest.fixture
def database_url(migrated_sqlite, tmp_path):
    """One kind of database: which one makes no difference to the quota."""
    path = tmp_path / "backline.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def day(simulated, monkeypatch):
    monkeypatch.setenv("BACKLINE_YOUTUBE_QUOTA", f"main={UNITS},stats={UNITS}")
    simulated.world.accounts = CHANNELS
    simulated.control("youtube/mode", daily_units=UNITS, stats_units=UNITS)
    for first in range(0, CHANNELS, 250):
        count = min(250, CHANNELS - first)
        grants = simulated.control("grants", provider="youtube", account=first, count=count)["grants"]
        orgs = [(f"org-{(first + n) // 5}", [grant]) for n, grant in enumerate(grants)]
        simulated.import_grants(orgs, provider="youtube")
    return simulated


def sync(simulated):
    run = uuid.uuid4().hex
    request = SyncRequest(YOUTUBE, YOUTUBE.selected(OF_DATA_API), run, run)
    return simulated.run(SyncEngine(simulated.backline, request, transport=simulated.wire).run())


def one(simulated, statement):
    return next(iter(simulated.rows(statement)[0].values()))


def test_a_day_stays_within_its_quota_and_leaves_nobody_out(day):
    runs = [sync(day) for _ in range(SYNCS_A_DAY)]
    for number, report in enumerate(runs, 1):
        print(f"\nsync {number}: {report.plan}; spent {dict(report.paid)}, {report.deferred} wait", end="")
    quota = day.ask("GET", "/control/youtube/quota")
    print(f"\nby YouTube's own count of {CHANNELS:,} channels: {quota}")
    check_never_over(day, quota)
    check_everything_public_is_fresh(day, runs[0])
    assert not any(report.accounts["failed"] for report in runs)


def check_never_over(day, quota):
    assert quota["quota_exceeded"] == 0, "the provider never had to refuse"
    main, stats = balances(day.database, YOUTUBE, day.backline.quota(YOUTUBE))
    assert UNITS / 2 < main.spent <= UNITS - main.kept, "what is kept for people is still there"
    assert stats.spent <= UNITS - stats.kept
    assert (quota["used"]["default"], quota["used"]["stats"]) == (main.spent, stats.spent)


def check_everything_public_is_fresh(day, first):
    assert first.deferred == 0, "the first sync of the day reaches everybody"
    assert one(day, "SELECT count(*) FROM youtube_channels") == CHANNELS
    assert one(day, "SELECT count(*) FROM sync_results WHERE asset = 'youtube/uploads'") >= CHANNELS
    public = "FROM youtube_uploads u WHERE u.privacy_status <> 'private' AND NOT EXISTS "
    for stream in ("videos", "video_statistics"):
        same = "v.account_id = u.account_id AND v.video_id = u.video_id"
        missing = f"(SELECT 1 FROM youtube_{stream} v WHERE {same})"
        assert one(day, f"SELECT count(*) {public}{missing}") == 0, stream
