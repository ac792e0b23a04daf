"""Pushes end to end: subscribed, verified, pushed, synced, with the simulated platforms and the console."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import dagster as dg
import httpx
import pytest
import sqlalchemy as sa

from console.app import create_app as create_console
from pipelines.jobs import sync_job
from resources import parking
from resources.accounts import disconnect
from resources.database import utc_now
from resources.errors import QuotaExhausted
from resources.providers import PROVIDERS
from resources.pushes.proof import verify_token
from resources.pushes.subscriptions import obstacle
from resources.sync.engine import SyncEngine
from resources.sync.request import SyncRequest
from resources.tables import ProviderPush, PushSubscription
from sensors.pushes import push_sensor, push_subscriptions
from simulator.app import create_app as create_simulator
from simulator.outgoing import Outgoing

pytestmark = pytest.mark.providers
CONSOLE = "http://console.test"
SENSOR = push_sensor({name: sync_job(provider) for name, provider in PROVIDERS.items()})


class Pushing:
    """The simulated platforms, a console that they can reach, and the sensors between."""

    def __init__(self, simulated):
        self.simulated, self.backline, self.database = simulated, simulated.backline, simulated.database
        self.backline.settings.public_url = CONSOLE
        console = create_console(self.backline, transport=simulated.wire)
        outgoing = Outgoing(httpx.ASGITransport(app=console))
        simulated.wire._inner = httpx.ASGITransport(app=create_simulator(simulated.world, (), outgoing))
        self.console = console
        self.backline.transport = simulated.wire
        self.instance = dg.DagsterInstance.ephemeral()

    def ask(self, method, path, app=None, **options):
        """Ask the simulator, or the console, on a loop that waits for threads."""

        async def go():
            transport = self.simulated.wire if app is None else httpx.ASGITransport(app=app)
            base = "http://simulator.test" if app is None else CONSOLE
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **options)

        return asyncio.run(go())

    def control(self, order, **body):
        reply = self.ask("POST", f"/control/{order}", json=body)
        assert reply.is_success, reply.text
        return reply.json()

    def connect(self, provider, account, org="acme"):
        grant = self.control("grants", provider=provider, account=account)
        (made,) = self.simulated.import_grants([(org, [grant])], provider=provider)
        return made

    def context(self):
        return dg.build_sensor_context(instance=self.instance, resources={"backline": self.backline})

    def subscribe(self):
        with self.context() as context:
            return push_subscriptions(context).skip_message

    def subscriptions(self):
        return {row["account_id"]: row for row in self.rows(sa.select(PushSubscription.__table__))}

    def news(self):
        return self.rows(sa.select(ProviderPush.__table__).order_by(ProviderPush.received_at))

    def rows(self, query):
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def tick(self, *, after_burst=True):
        """Evaluate the sensor, ten seconds after the news; return its requests."""
        if after_burst:
            self.age(timedelta(seconds=11))
        with self.context() as context:
            return [one for one in SENSOR(context) if isinstance(one, dg.RunRequest)]

    def age(self, span):
        """Let the news be as though they had come, and been asked for, a while earlier."""
        with self.database.write() as connection:
            for row in connection.execute(sa.select(ProviderPush.__table__)).mappings().all():
                earlier = {"received_at": row["received_at"] - span}
                if row["requested_at"]:
                    earlier["requested_at"] = row["requested_at"] - span
                update = sa.update(ProviderPush).where(ProviderPush.id == row["id"])
                connection.execute(update.values(**earlier))


@pytest.fixture
def pushing(simulated):
    pushing = Pushing(simulated)
    yield pushing
    pushing.instance.dispose()


class TestYouTube:
    """WebSub: a hub that verifies, signs with sha1, and ends its leases."""

    def test_a_push_becomes_a_sync_of_just_that_account(self, pushing):
        first, second = pushing.connect("youtube", 1), pushing.connect("youtube", 2)
        assert "YouTube: asked for 2, 0 failed." in pushing.subscribe()
        assert {row["status"] for row in pushing.subscriptions().values()} == {"verified"}
        pushing.control("youtube/push", account=2, kind="published")
        (request,) = pushing.tick()
        assert (request.job_name, request.partition_key) == ("youtube_sync", "000")
        assert request.run_config["ops"]["youtube_streams"]["config"] == {
            "accounts": [str(second)],
            "again": [pushing.news()[0]["subject"]],
        }
        assert {key.path[0] for key in request.asset_selection} == {"youtube"}
        assert first != second
        self.check_sync(pushing, second)

    @staticmethod
    def check_sync(pushing, account):
        """Run what was asked for, and find the new video."""
        youtube, run = PROVIDERS["youtube"], uuid.uuid4().hex
        streams = youtube.selected(youtube.pushes.streams)
        request = SyncRequest(youtube, streams, run, run, accounts=(account,))
        asyncio.run(SyncEngine(pushing.backline, request, transport=pushing.simulated.wire).run())
        (news,) = pushing.news()
        query = sa.text("SELECT count(*) AS n FROM youtube_videos WHERE video_id = :v").bindparams(
            v=news["subject"]
        )
        assert pushing.rows(query) == [{"n": 1}]
        assert len(pushing.rows(sa.text("SELECT DISTINCT account_id FROM youtube_uploads"))) == 1

    def test_repeats_are_one_news(self, pushing):
        pushing.connect("youtube", 1)
        pushing.subscribe()
        pushing.control("youtube/push", account=1, kind="updated", times=3)
        assert len(pushing.news()) == 1

    @pytest.mark.parametrize("signature", ["bad", "none"])
    def test_what_is_not_signed_is_ignored_and_not_refused(self, pushing, signature):
        pushing.connect("youtube", 1)
        pushing.subscribe()
        pushing.control("youtube/push", account=1, kind="published", signature=signature)
        assert pushing.news() == []
        sent = pushing.ask("GET", "/control/youtube/pushes").json()
        assert "204" in str(sent)

    def test_deleted_videos_are_news_too(self, pushing):
        pushing.connect("youtube", 1)
        pushing.subscribe()
        pushing.control("youtube/push", account=1, kind="deleted")
        assert [one["kind"] for one in pushing.news()] == ["deleted"]

    def test_a_subscription_is_renewed_before_its_lease_ends(self, pushing):
        account = pushing.connect("youtube", 1)
        pushing.subscribe()
        assert "asked for 0" in pushing.subscribe()
        with pushing.database.write() as connection:
            soon = {"lease_until": utc_now() + timedelta(hours=12), "asked_at": utc_now() - timedelta(days=4)}
            connection.execute(sa.update(PushSubscription).values(**soon))
        assert "asked for 1" in pushing.subscribe()
        assert pushing.subscriptions()[account]["lease_until"] > utc_now() + timedelta(days=4)

    def test_only_what_was_asked_for_is_verified(self, pushing):
        account = pushing.connect("youtube", 1)
        pushing.subscribe()
        asked = {"hub.mode": "subscribe", "hub.challenge": "c", "hub.lease_seconds": "60"}
        topic = pushing.subscriptions()[account]["topic"]
        for path, named, status in (
            (account, topic, 200),
            (account, topic.replace("/xml/feeds", "/feeds"), 200),
            (account, topic + "x", 404),
            (account, topic.replace("https:", "ftp:"), 404),
            (account, "http://[", 404),
            (uuid.uuid4(), topic, 404),
        ):
            params = {**asked, "hub.topic": named}
            reply = pushing.ask("GET", f"/hooks/youtube/{path}", app=pushing.console, params=params)
            assert reply.status_code == status
            assert (reply.text == "c") is (status == 200)

    def test_nobody_extends_a_lease_that_was_not_asked_for_lately(self, pushing):
        account = pushing.connect("youtube", 1)
        pushing.subscribe()
        with pushing.database.write() as connection:
            connection.execute(sa.update(PushSubscription).values(asked_at=utc_now() - timedelta(days=2)))
        topic = pushing.subscriptions()[account]["topic"]
        params = {"hub.mode": "subscribe", "hub.topic": topic, "hub.lease_seconds": "999999999"}
        reply = pushing.ask("GET", f"/hooks/youtube/{account}", app=pushing.console, params=params)
        assert reply.status_code == 404
        assert pushing.subscriptions()[account]["lease_until"] < utc_now() + timedelta(days=6)

    def test_who_reconnects_is_subscribed_anew(self, pushing):
        account = pushing.connect("youtube", 1)
        pushing.subscribe()
        disconnect(pushing.backline, account, "test")
        assert pushing.subscriptions() == {}
        assert pushing.connect("youtube", 1) == account
        assert "YouTube: asked for 1, 0 failed." in pushing.subscribe()

    def test_a_push_for_a_disconnected_account_ends_the_subscription(self, pushing):
        account = pushing.connect("youtube", 1)
        pushing.subscribe()
        with pushing.database.write() as connection:
            connection.exec_driver_sql("UPDATE connected_accounts SET status = 'disconnected'")
        reply = pushing.ask("POST", f"/hooks/youtube/{account}", app=pushing.console, content=b"x")
        assert reply.status_code == 410

    def test_a_hub_that_fails_is_asked_again_in_an_hour(self, pushing):
        account = pushing.connect("youtube", 1)
        pushing.control("faults", kind="server_error", match={"path_prefix": "/youtube/hub"}, times=1)
        assert "YouTube: asked for 0, 1 failed." in pushing.subscribe()
        row = pushing.subscriptions()[account]
        assert (row["status"], "is answered 50" in row["error_message"]) == ("failed", True)
        assert "YouTube: asked for 0, 0 failed." in pushing.subscribe()
        with pushing.database.write() as connection:
            connection.execute(sa.update(PushSubscription).values(asked_at=utc_now() - timedelta(hours=2)))
        pushing.subscribe()
        assert pushing.subscriptions()[account]["status"] == "verified"

    def test_nothing_is_asked_where_the_hub_cannot_reach_us(self, pushing, monkeypatch):
        pushing.backline.settings.public_url = "http://127.0.0.1:8700"
        monkeypatch.setenv("BACKLINE_YOUTUBE_HUB_URL", "https://pubsubhubbub.appspot.com")
        assert "BACKLINE_PUBLIC_URL" in obstacle(pushing.backline, PROVIDERS["youtube"])
        assert "cannot reach" in pushing.subscribe()


class TestInstagram:
    """Webhooks of the app: one address, signed with the app's secret."""

    @pytest.fixture(autouse=True)
    def _subscribed(self, pushing):
        self.account = pushing.connect("instagram", 3)
        assert "Instagram: asked for 1, 0 failed." in pushing.subscribe()
        word = verify_token(pushing.backline, PROVIDERS["instagram"])
        pushing.control("instagram/webhook", callback_url=f"{CONSOLE}/hooks/instagram", verify_token=word)

    @pytest.mark.parametrize("shape", ["entry", "changes"])
    def test_both_shapes_become_a_sync(self, pushing, shape):
        pushing.control("instagram/push", account=3, field="comments", shape=shape)
        (request,) = pushing.tick()
        assert request.job_name == "instagram_sync"
        assert request.run_config["ops"]["instagram_streams"]["config"]["accounts"] == [str(self.account)]

    def test_a_forged_push_is_refused(self, pushing):
        pushing.control("instagram/push", account=3, field="comments", signature="bad")
        assert pushing.news() == []
        assert "403" in str(pushing.ask("GET", "/control/instagram/pushes").json())

    def test_an_address_is_verified_by_the_right_word_alone(self, pushing):
        for word, status in (("wrong", 403), (verify_token(pushing.backline, PROVIDERS["instagram"]), 200)):
            params = {"hub.mode": "subscribe", "hub.challenge": "77", "hub.verify_token": word}
            reply = pushing.ask("GET", "/hooks/instagram", app=pushing.console, params=params)
            assert (reply.status_code, reply.text == "77") == (status, status == 200)

    def test_a_body_that_is_too_large_is_not_read(self, pushing):
        body = b"x" * (1024 * 1024 + 1)
        reply = pushing.ask("POST", "/hooks/instagram", app=pushing.console, content=body)
        assert reply.status_code == 413

    def test_other_providers_have_no_hook(self, pushing):
        for path in ("/hooks/spotify", "/hooks/youtube", f"/hooks/instagram/{uuid.uuid4()}"):
            assert pushing.ask("POST", path, app=pushing.console, content=b"x").status_code == 404


class TestBatching:
    """Many news become few runs, each once, whatever is killed."""

    @pytest.fixture(autouse=True)
    def _subscribed(self, pushing):
        self.accounts = [pushing.connect("youtube", n) for n in range(3)]
        pushing.subscribe()

    def push(self, pushing, *accounts):
        for account in accounts:
            pushing.control("youtube/push", account=account, kind="published")

    def test_a_burst_is_one_run(self, pushing):
        self.push(pushing, 0, 1, 2, 1)
        assert pushing.tick(after_burst=False) == []
        (request,) = pushing.tick()
        accounts = request.run_config["ops"]["youtube_streams"]["config"]["accounts"]
        assert sorted(accounts) == sorted(map(str, self.accounts))
        assert pushing.tick() == []

    def test_news_whose_run_was_never_launched_come_back_once(self, pushing):
        self.push(pushing, 0)
        (lost,) = pushing.tick()
        assert pushing.tick() == [], "it may be launched yet"
        pushing.age(timedelta(minutes=3))
        (again,) = pushing.tick()
        assert again.run_key == lost.run_key, "the daemon launches one run a key"
        job = dg.JobDefinition(name="youtube_sync", graph_def=dg.GraphDefinition("g"))
        run = pushing.instance.create_run_for_job(job, tags={"dagster/run_key": again.run_key})
        pushing.instance.report_run_failed(run)
        pushing.age(timedelta(minutes=3))
        assert pushing.tick() == []

    def test_news_wait_while_the_provider_is_parked(self, pushing):
        self.push(pushing, 0)
        youtube = PROVIDERS["youtube"]
        until = utc_now() + timedelta(hours=1)
        parking.park(pushing.database, youtube, QuotaExhausted("youtube", "spent", retry_at=until))
        assert pushing.tick() == []
        assert [one["status"] for one in pushing.news()] == ["pending"]

    def test_news_wait_while_their_shard_is_syncing(self, pushing):
        self.push(pushing, 0)
        job = dg.JobDefinition(name="youtube_sync", graph_def=dg.GraphDefinition("g"))
        run = pushing.instance.create_run_for_job(job, tags={"dagster/partition": "000"})
        assert pushing.tick() == []
        pushing.instance.report_run_failed(run)
        assert len(pushing.tick()) == 1
