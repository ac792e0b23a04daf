"""Lists whose newest come first, their parts by age, and words of a list that are refused."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from resources.providers import PROVIDERS
from resources.sync.engine import SyncEngine

pytestmark = pytest.mark.providers

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Gallery:
    """An Instagram of media, two a page, newest first, and of what is known of each."""

    def __init__(self):
        self.media: dict[str, tuple[datetime, str]] = {}
        self.refused: dict[str, set[str]] = {}  # words, by the account's token or "" for all
        self.pages = 0
        self.asked: list[tuple[str, str, str]] = []
        self.gone: set[str] = set()
        self.broken_after: int | None = None

    def post(self, name, age, kind="FEED"):
        self.media[name] = (NOON - age, kind)

    def __call__(self, request):
        params, path = request.url.params, request.url.path
        if path.endswith("/me/media"):
            return self._page(int(params.get("after", "0")))
        if path.endswith("/insights"):
            return self._insights(request, path.split("/")[-2])
        return httpx.Response(404, json={"error": {"code": 803, "message": path}})

    def _page(self, start):
        self.pages += 1
        if self.broken_after is not None and start >= self.broken_after:
            return httpx.Response(400, json={"error": {"code": 100, "message": "broken"}})
        order = sorted(self.media, key=lambda name: self.media[name][0], reverse=True)
        shown = [
            {"id": name, "timestamp": f"{self.media[name][0]:%Y-%m-%dT%H:%M:%S+0000}"}
            | ({"media_product_type": self.media[name][1]} if self.media[name][1] else {})
            for name in order[start : start + 2]
        ]
        paging = {"cursors": {"after": str(start + 2)}}
        paging |= {"next": "https://x.test"} if start + 2 < len(order) else {}
        return httpx.Response(200, json={"data": shown, "paging": paging})

    def _insights(self, request, media):
        words = request.url.params["metric"].split(",")
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.asked.append((token, media, ",".join(words)))
        if media in self.gone:
            return httpx.Response(400, json={"error": {"code": 100, "error_subcode": 33, "message": "x"}})
        if set(words) & (self.refused.get(token, set()) | self.refused.get("", set())):
            return httpx.Response(400, json={"error": {"code": 100, "message": "(#100) metric is wrong"}})
        values = [{"name": word, "values": [{"value": 5}]} for word in words]
        return httpx.Response(200, json={"data": values})


class Reading:
    """Accounts whose media are read."""

    def __init__(self, simulated, syncing):
        self.simulated, self.syncing, self.gallery = simulated, syncing, Gallery()
        self.account = simulated.connect("acme", 1, provider="instagram")

    def sync(self, now=NOON, *streams, **more):
        self.gallery.pages, self.gallery.asked = 0, []
        request = self.syncing.request(*(streams or ("media",)), **more)
        transport = httpx.MockTransport(self.gallery)
        engine = SyncEngine(
            self.simulated.backline, request, transport=transport, clock=lambda: now, concurrency=1
        )
        self.report = self.simulated.run(engine.run())
        return self.report

    def live(self, stream="media", column="media_id"):
        return {row[column] for row in self.syncing.stored(stream)}


@pytest.fixture
def reading(simulated, on_instagram):
    reading = Reading(simulated, on_instagram)
    for number in range(9):
        reading.gallery.post(f"old{number}", (number + 1) * DAY)
    return reading


class TestNewestFirst:
    """A list is read as far as it is new, and once a day whole."""

    def test_the_first_time_it_is_read_whole(self, reading):
        reading.sync()
        assert (len(reading.live()), reading.gallery.pages) == (9, 5)

    def test_it_stops_where_it_is_known(self, reading):
        reading.sync()
        reading.gallery.post("new", HOUR)
        reading.sync(NOON + HOUR)
        assert (len(reading.live()), reading.gallery.pages) == (10, 1)

    def test_all_that_is_new_is_read_however_many_pages(self, reading):
        reading.sync()
        for number in range(7):
            reading.gallery.post(f"new{number}", timedelta(minutes=number))
        reading.sync(NOON + HOUR)
        assert (len(reading.live()), reading.gallery.pages) == (16, 4)

    def test_what_is_gone_is_noticed_only_where_the_list_is_read_whole(self, reading):
        reading.sync()
        del reading.gallery.media["old5"]
        reading.sync(NOON + HOUR)
        assert "old5" in reading.live()
        reading.sync(NOON + DAY)
        assert "old5" not in reading.live()
        assert reading.gallery.pages == 4

    def test_what_was_gone_comes_back(self, reading):
        reading.sync()
        kept = reading.gallery.media.pop("old5")
        reading.sync(NOON + DAY)
        reading.gallery.media["old5"] = kept
        reading.sync(NOON + 2 * DAY)
        assert "old5" in reading.live()
        assert reading.syncing.stored("media", gone=True) == []

    def test_a_backdated_item_is_found_where_the_list_is_read_whole(self, reading):
        reading.sync()
        reading.gallery.post("late", 4 * DAY + HOUR)
        reading.sync(NOON + HOUR)
        assert "late" not in reading.live()
        reading.sync(NOON + DAY)
        assert "late" in reading.live()

    def test_a_full_sync_reads_it_whole(self, reading):
        reading.sync()
        reading.sync(NOON + HOUR, full=True)
        assert reading.gallery.pages == 5

    def test_a_failure_moves_no_cursor(self, reading):
        reading.gallery.broken_after = 4
        reading.sync()
        assert reading.live() == set()
        reading.gallery.broken_after = None
        reading.sync()
        assert len(reading.live()) == 9

    def test_an_empty_list_is_read_again(self, reading):
        known, reading.gallery.media = reading.gallery.media, {}
        reading.sync()
        reading.gallery.media = known
        reading.sync()
        assert len(reading.live()) == 9


BOTH = ("media", "media_insights")


class TestAges:
    """Parents are asked again by their age."""

    def asked(self, reading, now=NOON):
        reading.sync(now, *BOTH)
        return {media for _, media, _ in reading.gallery.asked}

    def test_young_ones_daily_old_ones_weekly_and_ancient_ones_never(self, reading):
        reading.gallery.media.clear()
        reading.gallery.post("young", DAY)
        reading.gallery.post("old", 60 * DAY)
        reading.gallery.post("ancient", 800 * DAY)
        assert self.asked(reading) == {"young", "old"}
        assert self.asked(reading) == set()
        days = [self.asked(reading, NOON + n * DAY) for n in range(1, 8)]
        assert all("young" in day for day in days)
        assert sum("old" in day for day in days) == 1
        assert not any("ancient" in day for day in days)

    def test_rows_of_those_that_are_not_asked_stay(self, reading):
        self.asked(reading)
        before = reading.live("media_insights")
        self.asked(reading, NOON + HOUR)
        assert reading.live("media_insights") == before == reading.live()

    def test_one_that_is_gone_is_no_failure_and_the_others_go_on(self, reading):
        reading.gallery.gone.add("old3")
        self.asked(reading)
        assert reading.report.accounts == {"ok": 1}
        assert reading.live("media_insights") == reading.live() - {"old3"}


class TestChoice:
    """What is asked depends on the kind of the parent."""

    def test_each_kind_has_its_own_words_and_an_unknown_one_is_not_asked(self, reading):
        reading.gallery.media.clear()
        for name, kind in (("f", "FEED"), ("r", "REELS"), ("s", "STORY"), ("n", "")):
            reading.gallery.post(name, HOUR, kind)
        reading.sync(NOON, *BOTH)
        words = {media: metric for _, media, metric in reading.gallery.asked}
        assert set(words) == {"f", "r", "n"}
        assert "profile_visits" in words["f"]
        assert "ig_reels_avg_watch_time" in words["r"]
        assert words["n"] == "reach,views,likes,comments,saved,shares,total_interactions"
        assert reading.report.accounts == {"ok": 1}


class TestRefusedWords:
    """One wrong word of a list costs no other."""

    def kinds(self, reading):
        return {row["metric"] for row in reading.syncing.stored("media_insights")}

    def test_the_others_are_asked_for_one_by_one(self, reading):
        reading.gallery.refused[""] = {"follows"}
        reading.sync(NOON, *BOTH)
        assert "follows" not in self.kinds(reading)
        assert {"reach", "reposts", "profile_visits"} <= self.kinds(reading)
        assert reading.report.accounts == {"partial": 1}
        (result,) = reading.syncing.results(asset="instagram/media_insights")
        assert "metric follows refused" in result["error_message"]

    def test_they_are_remembered_for_the_other_parts_of_the_account(self, reading):
        reading.gallery.refused[""] = {"follows"}
        reading.sync(NOON, *BOTH)
        assert sum("follows" in words for _, _, words in reading.gallery.asked) == 2
        assert len(reading.gallery.asked) == 1 + 10 + 8

    def test_all_of_them_refused_is_an_error_that_is_told(self, reading):
        words = PROVIDERS["instagram"].stream("media_insights").choice.params["FEED"]["metric"]
        reading.gallery.refused[""] = {*words.split(",")}
        reading.sync(NOON, *BOTH)
        (result,) = reading.syncing.results(asset="instagram/media_insights")
        assert (result["status"], result["error_type"]) == ("failed", "contract")

    def test_what_a_refused_word_had_brought_before_is_not_deleted(self, reading):
        reading.sync(NOON, *BOTH)
        before = len(reading.syncing.stored("media_insights"))
        reading.gallery.refused[""] = {"follows"}
        reading.sync(NOON + DAY, *BOTH)
        assert len(reading.syncing.stored("media_insights")) == before
        assert reading.syncing.stored("media_insights", gone=True) == []

    def test_one_accounts_refusal_costs_no_other_account(self, reading, simulated):
        others = [simulated.connect("acme", number, provider="instagram") for number in range(2, 8)]
        reading.sync(NOON, "media")
        tokens = set()
        reading.sync(NOON, *BOTH)
        tokens = list(dict.fromkeys(token for token, _, _ in reading.gallery.asked))
        reading.gallery.refused[tokens[0]] = {"follows"}
        reading.gallery.refused[tokens[1]] = {"reposts"}
        reading.sync(NOON + DAY, *BOTH)
        assert reading.report.accounts == {"ok": 5, "partial": 2}
        taken = {
            token
            for token, _, words in reading.gallery.asked
            if {"follows", "reposts"} <= {*words.split(",")}
        }
        assert set(tokens[2:]) <= taken
        assert len(tokens) == len(others) + 1

    def test_a_word_that_is_wrong_for_all_is_soon_asked_for_no_more(self, reading, simulated):
        for number in range(2, 8):
            simulated.connect("acme", number, provider="instagram")
        reading.gallery.refused[""] = {"follows"}
        reading.sync(NOON, *BOTH)
        assert len({token for token, _, words in reading.gallery.asked if "follows" in words}) == 3


class TestBreakdowns:
    """A word that is wrong with one breakdown is right with another."""

    def test_a_refusal_counts_for_what_it_was_asked_with(self, reading, simulated, on_instagram):
        asked = []

        def answer(request):
            params = request.url.params
            words, part = params["metric"].split(","), params["breakdown"]
            asked.append((part, *words))
            if part == "follow_type" and "views" in words:
                return httpx.Response(400, json={"error": {"code": 100, "message": "metric views"}})
            return httpx.Response(200, json={"data": []})

        request = on_instagram.request("account_breakdowns")
        transport = httpx.MockTransport(answer)
        engine = SyncEngine(simulated.backline, request, transport=transport, clock=lambda: NOON)
        simulated.run(engine.run())
        by_media = [words for part, *words in asked if part == "media_product_type"]
        assert by_media == [["reach", "views", "total_interactions"]] * 30
