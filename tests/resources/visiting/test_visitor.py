"""A visit's order: allowed, paid, paced, then one way and, where that settles nothing, the other."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from resources.errors import BucketSpent, InputRefused, ProviderError
from resources.provider import Site
from resources.reading.verdict import Outcome
from resources.tables import BrowserProfile, ProxyHealth, QuotaUsage
from resources.visiting.browser import BrowserUsage
from resources.visiting.controls import Controls
from tests.resources.visiting.conftest import read_count
from tests.resources.visiting.local_proxy import PASSWORD, proxying

ORIGIN = "https://acme.example"
GOOD = "<h1 id=count>5</h1>"


class Network(httpx.AsyncBaseTransport):
    """Stands for the network: each path's answer as status and text; ``asked`` are the paths so far."""

    def __init__(self, robots=(404, ""), **answers):
        self.answers, self.asked = (
            {"/robots.txt": robots, **{f"/{path}": a for path, a in answers.items()}},
            [],
        )

    async def handle_async_request(self, request):
        """Answer one request."""
        self.asked.append(request.url.path)
        status, text = self.answers.get(request.url.path, (404, ""))
        return httpx.Response(status, text=text)


@pytest.fixture
def light(open_home, count_page, tmp_path):
    """A home without a browser, whose page is read by the light way alone."""
    return open_home(ORIGIN, count_page(ways=("light",)), browser_path=tmp_path / "none")


def visited(home, *subjects, **options):
    async def go():
        async with home.visitor(**options) as visitor:
            return [await visitor.visit(home.page, subject) for subject in subjects], visitor.browser_usage

    visits, usage = asyncio.run(go())
    assert usage == BrowserUsage()
    return visits


def units(home):
    with home.backline.database.read() as connection:
        return connection.execute(sa.select(QuotaUsage.units)).scalar_one_or_none()


def test_good_page_is_a_reading(light):
    network = Network(one=(200, GOOD))
    (visit,) = visited(light, "one", transport=network)
    assert network.asked == ["/robots.txt", "/one"]
    assert visit.verdict.rows == ({"count": 5},)
    assert (visit.way, visit.url, visit.screenshot, visit.proxy) == ("light", f"{ORIGIN}/one", None, None)
    assert visit.seconds > 0


def test_page_that_robots_forbid_is_not_asked_for_nor_paid(light):
    network = Network((200, "User-agent: *\nDisallow: /one"), one=(200, GOOD))
    (visit,) = visited(light, "one", transport=network)
    assert (visit.verdict.outcome, visit.way, visit.capture) == (Outcome.BLOCKED, None, None)
    assert "robots.txt forbids" in visit.verdict.detail
    assert network.asked == ["/robots.txt"]
    assert units(light) is None


def test_robots_are_not_asked_where_the_operator_says_so(open_home, count_page):
    home = open_home(ORIGIN, count_page(ways=("light",)), scraper_robots=False)
    network = Network((200, "User-agent: *\nDisallow: /"), one=(200, GOOD))
    (visit,) = visited(home, "one", transport=network)
    assert (visit.verdict.outcome, network.asked) == (Outcome.READING, ["/one"])


def test_site_without_robots_for_now_is_timed_out(light):
    (visit,) = visited(light, "one", transport=Network((503, ""), one=(200, GOOD)))
    assert (visit.verdict.outcome, visit.way) == (Outcome.TIMED_OUT, None)


def test_spent_budget_is_told_and_asks_for_nothing(light):
    network, controls = Network(one=(200, GOOD)), Controls(0, 4, daily_pages=2)
    with pytest.raises(BucketSpent, match="pages") as caught:
        visited(light, *["one"] * 3, transport=network, controls=controls)
    assert isinstance(caught.value, ProviderError)
    assert network.asked.count("/one") == 2


def test_what_was_not_spent_is_given_back(light):
    visited(light, "one", "one", transport=Network(one=(200, GOOD)))
    assert units(light) == 2


@pytest.mark.parametrize(
    ("status", "outcome", "words"),
    [
        (429, Outcome.BLOCKED, "429"),
        (500, Outcome.TIMED_OUT, "500"),
        (503, Outcome.TIMED_OUT, "503"),
        (404, Outcome.LAYOUT_CHANGED, "no count"),
    ],
)
def test_status_decides_before_the_reader_where_it_says_enough(light, status, outcome, words):
    (visit,) = visited(light, "one", transport=Network(one=(status, "" if status == 404 else GOOD)))
    assert visit.verdict.outcome is outcome
    assert words in visit.verdict.detail
    assert visit.capture.status == status


def test_reader_that_fails_is_a_changed_layout(open_home, count_page, caplog):
    def read(capture, subject):
        raise KeyError(subject)

    home = open_home(ORIGIN, count_page(ways=("light",), read=read))
    (visit,) = visited(home, "one", transport=Network(one=(200, GOOD)))
    assert (visit.verdict.outcome, "KeyError" in visit.verdict.detail) == (Outcome.LAYOUT_CHANGED, True)
    assert "The reader of count_page failed." in caplog.text


def test_browser_that_is_needed_and_missing_is_told(open_home, count_page, tmp_path):
    home = open_home(ORIGIN, count_page(), browser_path=tmp_path / "none")
    network = Network(one=(200, GOOD), two=(200, "nothing"))
    assert visited(home, "one", transport=network)[0].way == "light"
    with pytest.raises(InputRefused, match="BACKLINE_BROWSER_PATH"):
        visited(home, "two", transport=network)


@pytest.mark.parametrize("status", [200, 429])
def test_settled_page_needs_no_browser(open_home, count_page, tmp_path, status):
    home = open_home(ORIGIN, count_page(), browser_path=tmp_path / "none")
    assert visited(home, "one", transport=Network(one=(status, GOOD)))[0].way == "light"


def test_declared_cookies_go_with_the_first_visit_and_are_stored_sealed(light):
    sent = []

    def respond(request):
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "id=visitor-77; Domain=acme.example"}, text=GOOD)

    site = Site("https://www.acme.example", (light.page,), cookies={"SOCS": "CAI"})
    for _ in range(2):
        visited(light, "one", transport=httpx.MockTransport(respond), site=site)
    assert next(cookie for cookie in sent if cookie) == "SOCS=CAI"
    assert "id=visitor-77" in sent[-1]
    with light.backline.database.read() as connection:
        (row,) = connection.execute(sa.select(BrowserProfile)).all()
    assert (row.name, row.identity["locale"]) == ("spotify/0", "en-US")
    assert b"visitor-77" not in row.sealed


def test_cookies_that_do_not_open_are_forgotten(light, caplog):
    visited(light, "one", transport=Network(one=(200, GOOD)))
    with light.backline.database.write() as connection:
        connection.execute(sa.update(BrowserProfile).values(key_id="00000000"))
    (visit,) = visited(light, "one", transport=Network(one=(200, GOOD)))
    assert visit.verdict.outcome is Outcome.READING
    assert "Its cookies are forgotten." in caplog.text


def health(home):
    with home.backline.database.read() as connection:
        rows = connection.execute(sa.select(ProxyHealth).order_by(ProxyHealth.name)).all()
    return {row.name: (row.failures, row.resting_until is not None) for row in rows}


@pytest.mark.integration
@pytest.mark.parametrize("way", ["light", "browser"])
@pytest.mark.usefixtures("needs_browser")
def test_visits_go_through_the_proxy_and_never_around_it(site, open_home, count_page, caplog, way):
    with proxying() as proxy:
        home = open_home(site.origin, count_page(ways=(way,)), scraper_proxies=proxy.address)

        async def go():
            async with home.visitor() as visitor:
                good = await visitor.visit(home.page, "page/3")
                proxy.shutdown()
                proxy.server_close()
                return good, [await visitor.visit(home.page, "page/3") for _ in range(2)], visitor

        good, (dead, resting), visitor = asyncio.run(go())
    name = f"127.0.0.1:{proxy.server_port}"
    assert (good.verdict.outcome, good.proxy, good.way) == (Outcome.READING, name, way)
    assert f"{site.origin}/page/3" in proxy.passed
    assert site.paths().count("/page/3") == 1
    assert dead.verdict.detail == f"The proxy {name} did not let it through."
    assert (resting.verdict.outcome, resting.way) == (Outcome.TIMED_OUT, None)
    assert resting.verdict.detail.startswith("Every proxy rests")
    assert health(home) == {name: (3, True)}
    assert PASSWORD not in caplog.text + repr([good, dead, resting, vars(visitor)])


@pytest.mark.integration
@pytest.mark.usefixtures("needs_browser")
@pytest.mark.parametrize("way", ["light", "browser"])
def test_wrong_password_is_the_proxys_fault(site, open_home, count_page, way):
    with proxying() as proxy:
        address = proxy.address.replace(PASSWORD, "wrong")
        page = count_page(ways=(way,))
        home = open_home(site.origin, page, scraper_proxies=address, scraper_robots=False)

        async def go():
            async with home.visitor() as visitor:
                return await visitor.visit(page, "page/3")

        visit = asyncio.run(go())
    assert visit.verdict.detail == f"The proxy 127.0.0.1:{proxy.server_port} did not let it through."
    assert site.paths() == []


@pytest.mark.integration
def test_dying_proxy_is_left_for_one_that_lives(site, open_home, count_page):
    with proxying() as one, proxying() as two:
        proxies = f"{one.address},{two.address}"
        home = open_home(site.origin, count_page(ways=("light",)), scraper_proxies=proxies)

        async def go():
            async with home.visitor() as visitor:
                await visitor.visit(home.page, "page/1")
                two.shutdown()
                two.server_close()
                return [await visitor.visit(home.page, "page/1") for _ in range(6)]

        outcomes = [visit.verdict.outcome for visit in asyncio.run(go())]
    assert outcomes.count(Outcome.TIMED_OUT) <= 1
    assert outcomes[-1] is Outcome.READING


@pytest.mark.integration
@pytest.mark.usefixtures("needs_browser")
@pytest.mark.parametrize("way", ["light", "browser"])
def test_tunnel_that_is_refused_is_the_proxys_fault(open_home, count_page, way):
    with proxying() as proxy:
        page = count_page(ways=(way,))
        home = open_home("https://acme.invalid", page, scraper_proxies=proxy.address, scraper_robots=False)

        async def go():
            async with home.visitor() as visitor:
                return await visitor.visit(page, "page/1")

        visit = asyncio.run(go())
    assert proxy.passed == ["acme.invalid:443"]
    assert visit.verdict.detail == f"The proxy 127.0.0.1:{proxy.server_port} did not let it through."
    assert health(home) == {f"127.0.0.1:{proxy.server_port}": (3, True)}


@pytest.mark.integration
@pytest.mark.usefixtures("needs_browser")
def test_browser_is_the_second_try_as_the_same_identity(site, open_home, count_page):
    home = open_home(site.origin, count_page())

    async def go():
        async with home.visitor() as visitor:
            subjects = ("page/4", "cookie/from-the-light-way", "needs_script/7", "script/agrees")
            return [await visitor.visit(home.page, subject) for subject in subjects]

    visits = asyncio.run(go())
    assert [visit.way for visit in visits] == ["light", "light", "browser", "light"]
    asked = [headers for path, headers in site.asked if path == "/needs_script/7"]
    assert [headers["cookie"] for headers in asked] == ["visit=from-the-light-way"] * 2
    assert len({headers["user-agent"] for headers in asked}) == 1
    assert visits[2].verdict.rows == ({"count": 7},)
    assert read_count(visits[2].capture, "").rows == ({"count": 7},)
