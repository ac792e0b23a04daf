"""The light way, over real sockets, to pages of all manners; and what it does with answers in general."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc

import httpx
import pytest

from resources.reading.verdict import Outcome
from resources.visiting.errand import Errand, NoPage
from resources.visiting.identity import Agent, Identity, Trait
from resources.visiting.light import LightWay

LARGEST_BYTES = 1024**2


def errand(url, *, seconds=3.0, largest_bytes=LARGEST_BYTES, identity=None):
    someone = identity or Identity("acme/0", Trait.of(0), Agent("156.0.8078.79", "Backline/0.1"))
    return Errand(url, someone, None, seconds, largest_bytes)


def fetched(wanted, transport=None):
    async def go():
        way = LightWay(transport)
        try:
            return await way.fetch(wanted)
        finally:
            await way.aclose()

    return asyncio.run(go())


def answering(respond):
    return httpx.MockTransport(respond)


REFUSED = {
    "drip": "The page was not there within 3 s.",
    "silent": "The page was not there within 3 s.",
    "endless": "The page did not end within 1 MiB.",
    "huge": "The page did not end within 1 MiB.",
    "bomb": "The page did not end within 1 MiB.",
    "cut": "No whole answer came (RemoteProtocolError).",
    "loop": "The site redirected more than 8 times.",
}


@pytest.mark.integration
@pytest.mark.parametrize("path", REFUSED)
def test_page_that_does_not_come_whole_is_timed_out(site, path):
    began = time.monotonic()
    with pytest.raises(NoPage) as caught:
        fetched(errand(f"{site.origin}/{path}"))
    assert time.monotonic() - began < 4
    refusal = caught.value.refusal
    assert refusal.outcome is Outcome.TIMED_OUT
    assert refusal.detail == REFUSED[path] or path == "cut"
    assert not caught.value.is_proxys


@pytest.mark.integration
def test_gzip_bomb_fills_no_memory(site):
    tracemalloc.start()
    with pytest.raises(NoPage):
        fetched(errand(f"{site.origin}/bomb"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * LARGEST_BYTES


@pytest.mark.integration
def test_site_that_is_not_there_is_timed_out(site):
    with pytest.raises(NoPage, match=r"No whole answer came \(ConnectError\)"):
        fetched(errand("http://127.0.0.1:9/page/1"))


@pytest.mark.integration
def test_redirect_within_the_site_is_followed_to_its_final_address(site):
    capture = fetched(errand(f"{site.origin}/hop"))
    assert (capture.url, capture.status, capture.way) == (f"{site.origin}/page/8?from=hop", 200, "light")


@pytest.mark.integration
def test_redirect_to_another_site_is_told_but_not_followed(site):
    capture = fetched(errand(f"{site.origin}/away"))
    assert (capture.url.endswith("/page/9"), capture.status, capture.body) == (True, 302, "")
    assert site.paths() == ["/away"]


@pytest.mark.integration
def test_compressed_page_is_undone(site):
    assert "<h1 id=count>6</h1>" in fetched(errand(f"{site.origin}/packed")).body


@pytest.mark.integration
def test_request_says_what_the_browser_says(site):
    identity = Identity("acme/0", Trait.of(0), Agent("156.0.8078.79", "Backline/0.1"))
    fetched(errand(f"{site.origin}/echo", identity=identity))
    ((_, headers),) = site.asked
    assert headers["user-agent"] == identity.agent.user_agent
    assert headers["sec-ch-ua"] == '"Chromium";v="156", "Not:A-Brand";v="8"'
    assert headers["accept-language"] == "en-US"
    assert headers["accept-encoding"] == "gzip, deflate"


def test_consent_host_of_the_same_site_is_followed():
    def respond(request):
        if request.url.host == "www.acme.example":
            return httpx.Response(302, headers={"location": "https://consent.acme.example/m?continue=x"})
        return httpx.Response(200, text="choose")

    capture = fetched(errand("https://www.acme.example/one"), answering(respond))
    assert (capture.url, capture.body) == ("https://consent.acme.example/m?continue=x", "choose")


@pytest.mark.parametrize("location", ["http://169.254.169.254/", "file:///etc/passwd", "//evil.example/"])
def test_redirect_to_where_a_site_has_no_business_is_not_followed(location):
    asked = []

    def respond(request):
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": location})

    assert fetched(errand("https://www.acme.example/one"), answering(respond)).body == ""
    assert asked == ["www.acme.example"]


def test_cookies_of_every_step_are_kept_and_sent_to_their_host_alone():
    sent = []

    def respond(request):
        sent.append((request.url.host, request.headers.get("cookie")))
        if request.url.path == "/one":
            headers = {
                "location": "https://login.acme.example/two",
                "set-cookie": "step=1; Domain=acme.example",
            }
            return httpx.Response(302, headers=headers)
        return httpx.Response(200, headers={"set-cookie": "mine=2; Path=/"}, text="ok")

    identity = Identity("acme/0", Trait.of(0), Agent("156.0.8078.79"))
    for path in ("one", "one"):
        fetched(errand(f"https://www.acme.example/{path}", identity=identity), answering(respond))
    assert sent == [
        ("www.acme.example", None),
        ("login.acme.example", "step=1"),
        ("www.acme.example", "step=1"),
        ("login.acme.example", "step=1; mine=2"),
    ]


@pytest.mark.parametrize(
    "kind", ["text/html; charset=iso-8859-1", "text/html; charset=nonsense", "text/html"]
)
def test_text_is_decoded_as_it_is_labelled(kind):
    content = "Künstler".encode("iso-8859-1" if "iso" in kind else "utf-8")
    transport = answering(lambda _: httpx.Response(200, headers={"content-type": kind}, content=content))
    assert fetched(errand("https://acme.example/"), transport).body == "Künstler"


@pytest.mark.integration
def test_truncated_gzip_is_no_page(site):
    packed = gzip.compress(b"x" * 10_000)[:-9]

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield packed

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Stream())

    with pytest.raises(NoPage, match="cut off"):
        fetched(errand("https://acme.example/"), Transport())
