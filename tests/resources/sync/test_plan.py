"""What a sync will cost: guessed at first, learned then, and said in words."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.sync.plan import Plan, plan_of
from resources.tables import QuotaUsage, SyncResult

pytestmark = pytest.mark.providers


@pytest.fixture
def planned(simulated, on_youtube):
    """Return a function that plans a sync."""

    def plan(*streams, **more):
        quota = simulated.backline.quota(on_youtube.provider)
        return plan_of(simulated.database, on_youtube.request(*streams, **more), quota)

    return plan


@pytest.fixture
def learned(simulated, on_youtube):
    """Return a function that stores what some accounts cost."""

    def learn(stream, *requests, status="ok", ago=timedelta(hours=1)):
        moment = utc_now() - ago
        common = {"run_id": uuid.uuid4().hex, "root_run_id": "r", "org_id": uuid.uuid4(), "records": 0}
        with simulated.database.write() as connection:
            for number in requests:
                connection.execute(
                    sa.insert(SyncResult).values(
                        **common,
                        asset=f"youtube/{stream}",
                        account_id=uuid.uuid4(),
                        status=status,
                        requests=number,
                        started_at=moment,
                        finished_at=moment,
                    )
                )

    return learn


def connect(simulated, count):
    for number in range(count):
        simulated.connect("acme", number, provider="youtube")


def test_a_first_sync_is_guessed_a_request_a_stream_and_a_part_of_a_shared_one(simulated, planned):
    connect(simulated, 3)
    assert planned("channels", "uploads").costs == {"main": 4}, "3 of uploads, and 3 fiftieths"
    assert planned("video_statistics").costs == {"stats": 1}


def test_one_account_costs_something(simulated, planned):
    connect(simulated, 1)
    assert str(planned("channels")) == "this sync of 1 account will cost 1 of 9,000 units left"


def test_what_the_last_day_cost_is_learned(simulated, planned, learned):
    connect(simulated, 4)
    learned("uploads", 10, 20)
    assert planned("uploads").costs == {"main": 60}


@pytest.mark.parametrize("unlike", [{"status": "failed"}, {"ago": timedelta(days=2)}])
def test_what_failed_or_is_long_ago_teaches_nothing(simulated, planned, learned, unlike):
    connect(simulated, 4)
    learned("uploads", 10, 20, **unlike)
    assert planned("uploads").costs == {"main": 4}


def test_streams_that_nobody_asked_for_cost_nothing_until_they_do(simulated, planned, learned):
    connect(simulated, 4)
    assert planned("comment_threads").costs == {"main": 0}
    learned("comment_threads", 2)
    assert planned("comment_threads").costs == {"main": 8}


def test_streams_outside_the_quota_are_not_counted(simulated, planned):
    connect(simulated, 4)
    assert planned("channel_daily").costs == {}


def test_a_person_has_what_schedules_leave(simulated, planned):
    assert planned().left == {"main": 9_000, "stats": 9_000}
    assert planned(source="manual").left == {"main": 10_000, "stats": 10_000}


def test_what_is_spent_today_is_no_longer_left(simulated, on_youtube, planned):
    quota = simulated.backline.quota(on_youtube.provider)
    with simulated.database.write() as connection:
        values = {"provider": "youtube", "bucket": "main", "day": quota.day(utc_now()), "units": 8_999}
        connection.execute(sa.insert(QuotaUsage).values(**values))
    assert planned().left["main"] == 1


def test_what_may_wait_is_left_out_where_not_everything_can_be_paid_for(simulated, planned, learned):
    connect(simulated, 2)
    learned("playlists", 5_000)
    plan = planned("uploads", "playlists")
    assert plan.left_out == ("playlists",)
    assert plan.costs == {"main": 2}
    assert "playlists and what is private wait" in str(plan)


def test_the_words_name_every_bucket():
    plan = Plan(1_200, {"main": 1_300, "stats": 40}, {"main": 9_000, "stats": 30})
    assert str(plan) == (
        "this sync of 1,200 accounts will cost 1,300 of 9,000 units left and 40 of 30 units left for `stats`"
    )
    assert not plan.is_affordable
