"""The hub: who is believed, what is pushed, and how it is signed."""

from __future__ import annotations

import hashlib
import hmac
import xml.etree.ElementTree as ET

import httpx
import pytest

pytestmark = pytest.mark.providers
CALLBACK = "https://backline.example/webhooks/youtube?channel=1"
SECRET = "s3cret"
ATOM, YT, AT = (
    "{http://www.w3.org/2005/Atom}",
    "{http://www.youtube.com/xml/schemas/2015}",
    "{http://purl.org/atompub/tombstones/1.0}",
)


def echo(request):
    if request.method == "GET":
        return httpx.Response(200, text=request.url.params["hub.challenge"])
    return httpx.Response(204)


def topic(tube, account=1, path="/xml/feeds/videos.xml"):
    channel = tube.sim.control("grants", provider="youtube", account=account)["external_id"]
    return f"https://www.youtube.com{path}?channel_id={channel}"


def subscribe(tube, mode="subscribe", **changes):
    form = {"hub.mode": mode, "hub.topic": topic(tube), "hub.callback": CALLBACK, "hub.secret": SECRET}
    form |= {name.replace("_", ".", 1): value for name, value in changes.items()}
    form = {name: value for name, value in form.items() if value is not None}
    return tube.sim.ask("POST", "/youtube/hub/subscribe", data=form)


def subscribed(tube):
    return tube.order("subscriptions", "GET")["subscriptions"]


def feeds(tube):
    return [ET.fromstring(request.content) for request in tube.sent if request.method == "POST"]


@pytest.fixture
def told(tube):
    tube.answers = echo
    assert subscribe(tube).status_code == 202
    return tube


def test_a_subscription_is_verified_with_a_challenge_and_lasts_five_days(told):
    [asked] = told.sent
    assert asked.method == "GET"
    assert str(asked.url).startswith(CALLBACK + "&hub.mode=subscribe")
    assert asked.url.params["hub.lease_seconds"] == "432000"
    assert asked.url.params["hub.topic"] == topic(told)
    [one] = subscribed(told)
    assert (one["account"], one["callback"], one["has_secret"]) == (1, CALLBACK, True)
    assert one["expires_at"] == "2026-11-23T11:06:40Z"


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: httpx.Response(404),
        lambda request: httpx.Response(200, text="something else"),
        lambda request: httpx.Response(200, text=f" {request.url.params['hub.challenge']}"),
    ],
)
def test_without_the_exact_challenge_there_is_no_subscription(tube, answer):
    tube.answers = answer
    assert subscribe(tube).status_code == 202
    assert subscribed(tube) == []
    [verification] = tube.order("subscriptions", "GET")["verifications"]
    assert verification["confirmed"] is False


def test_a_subscription_ends_with_its_lease_and_is_renewed_by_another(told):
    told.sim.control("clock", advance_seconds=431_000)
    subscribe(told)
    told.sim.control("clock", advance_seconds=431_999)
    assert len(subscribed(told)) == 1
    told.sim.control("clock", advance_seconds=1)
    assert subscribed(told) == []
    told.order("push", account=1)
    assert feeds(told) == []


def test_a_lease_may_be_asked_for_within_limits(told):
    subscribe(told, hub_lease_seconds="86400")
    assert subscribed(told)[0]["lease_seconds"] == 86_400
    subscribe(told, hub_lease_seconds="99999999")
    assert subscribed(told)[0]["lease_seconds"] == 828_000


def test_unsubscribing_is_verified_too(told):
    told.answers = lambda request: httpx.Response(404)
    subscribe(told, "unsubscribe")
    assert len(subscribed(told)) == 1
    told.answers = echo
    subscribe(told, "unsubscribe")
    assert subscribed(told) == []
    assert "hub.lease_seconds" not in told.sent[-1].url.params


def test_both_spellings_of_a_topic_and_old_parameters_are_taken(tube):
    tube.answers = echo
    old = topic(tube, path="/feeds/videos.xml")
    assert subscribe(tube, hub_topic=old, hub_verify="async").status_code == 202
    assert subscribed(tube)[0]["topic"] == old


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "publish"},
        {"hub_topic": "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UCx"},
        {"hub_topic": None},
        {"hub_callback": "backline.example/hook"},
        {"hub_callback": "https://backline.example/hook#part"},
        {"hub_secret": "s" * 200},
        {"hub_lease_seconds": "long"},
        {"hub_verify": "maybe"},
        {"hub_colour": "red"},
    ],
)
def test_what_a_hub_cannot_read_is_refused(tube, changes):
    assert subscribe(tube, **changes).status_code == 400
    assert tube.sent == []


def test_a_published_video_is_pushed_signed_and_in_the_api(told):
    answer = told.order("push", account=1)
    push = told.sent[-1]
    assert push.headers["x-hub-signature"] == (
        "sha1=" + hmac.new(SECRET.encode(), push.content, hashlib.sha1).hexdigest()
    )
    assert push.headers["content-type"] == "application/atom+xml"
    [feed] = feeds(told)
    entry = feed.find(f"{ATOM}entry")
    assert entry.findtext(f"{YT}videoId") == answer["video_id"]
    assert topic(told).endswith(entry.findtext(f"{YT}channelId"))
    assert entry.findtext(f"{ATOM}id") == f"yt:video:{answer['video_id']}"
    assert told.videos(1)[0] == answer["video_id"]
    snippet = told.body("videos", None, part="snippet", id=answer["video_id"])["items"][0]["snippet"]
    assert entry.findtext(f"{ATOM}title") == snippet["title"]


def test_an_updated_video_has_another_title(told):
    name = told.videos(1, viewer=None)[0]
    title = told.body("videos", None, part="snippet", id=name)["items"][0]["snippet"]["title"]
    assert told.order("push", account=1, kind="updated")["video_id"] == name
    entry = feeds(told)[0].find(f"{ATOM}entry")
    assert entry.findtext(f"{YT}videoId") == name
    assert entry.findtext(f"{ATOM}title") != title
    assert entry.findtext(f"{ATOM}updated") > entry.findtext(f"{ATOM}published")


def test_a_deleted_video_leaves_a_tombstone_and_the_api(told):
    name = told.order("push", account=1, kind="deleted")["video_id"]
    [feed] = feeds(told)
    stone = feed.find(f"{AT}deleted-entry")
    assert stone.get("ref") == f"yt:video:{name}"
    assert stone.findtext(f"{AT}by/{ATOM}uri").rpartition("/")[2] == topic(told).partition("=")[2]
    assert b"channelId" not in told.sent[-1].content
    assert told.body("videos", 1, part="id", id=name)["items"] == []


def test_feeds_repeat_and_may_be_signed_badly_or_not_at_all(told):
    told.order("push", account=1, times=3)
    bodies = [request.content for request in told.sent if request.method == "POST"]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    told.order("push", account=1, signature="bad")
    good = hmac.new(SECRET.encode(), told.sent[-1].content, hashlib.sha1).hexdigest()
    assert told.sent[-1].headers["x-hub-signature"] not in {"", f"sha1={good}"}
    told.order("push", account=1, signature="none")
    assert "x-hub-signature" not in told.sent[-1].headers
    pushes = told.order("pushes", "GET")["pushes"]
    assert [one["signature"] for one in pushes] == ["good"] * 3 + ["bad", "none"]
    assert {one["status"] for one in pushes} == {204}


def test_nobody_else_is_told(told):
    assert told.order("push", account=2)["subscribers"] == 0
    assert feeds(told) == []


def test_gone_ends_a_subscription(told):
    told.answers = lambda request: httpx.Response(410)
    told.order("push", account=1)
    assert subscribed(told) == []


def test_a_subscriber_that_is_not_there_is_written_down(told):
    def refuse(request):
        raise httpx.ConnectError("nobody")

    told.answers = refuse
    told.order("push", account=1)
    assert told.order("pushes", "GET")["pushes"][0]["status"] is None


def test_without_a_secret_nothing_is_signed(tube):
    tube.answers = echo
    subscribe(tube, hub_secret=None)
    tube.order("push", account=1)
    assert "x-hub-signature" not in tube.sent[-1].headers
