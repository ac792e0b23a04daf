"""One site of public pages as a service: it finds whose page is asked for, and what was ordered of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, Protocol

import msgspec

from simulator.exchange import Reply, Request, as_text
from simulator.faults import Rule
from simulator.platform import ControlRefused, Order
from simulator.sites import weight
from simulator.sites.document import page as html_page
from simulator.sites.orders import Outcomes, PageOrder, PageOrders

SPOILING = {"slow": "slow_drip", "endless": "endless", "cut": "cut"}
BROKEN = "<!DOCTYPE html><html><head><title>500</title></head><body><h1>Server error</h1></body></html>"
Kilobytes = Annotated[int, msgspec.Meta(ge=0, le=16_384)]
Files = Annotated[int, msgspec.Meta(ge=0, le=500)]
Switch = Literal["on", "off"]
Robots = Literal["allow", "disallow", "missing", "error"]


class SiteMode(msgspec.Struct):
    """How a site behaves as a whole; ``consent`` is whether visitors must have chosen their cookies."""

    robots: Robots = "allow"
    consent: Switch = "off"
    weight_kb: int = 0
    subresources: int = 0


class SiteModeOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/<provider>/site``; what is left out stays as it is."""

    robots: Robots | None = None
    consent: Switch | None = None
    weight_kb: Kilobytes | None = None
    subresources: Files | None = None


class Place(NamedTuple):
    """A page: of which kind, whose, and as whom the journal names its account."""

    page: str
    subject: str
    account: int | None = None


class Visit(NamedTuple):
    """A request for a page, and what was ordered of it."""

    request: Request
    place: Place
    order: PageOrder | None = None

    @property
    def outcome(self) -> str:
        """What the page is to be, empty where it is to be sound."""
        return self.order.outcome if self.order else ""

    @property
    def factor(self) -> float:
        """What its numbers are multiplied with."""
        return self.order.factor if self.order and self.order.outcome == "disagree" else 1.0


class Pages(Protocol):
    """The pages of one provider."""

    prefix: str
    outcomes: Outcomes
    asks_consent: bool

    def knows(self, subject: str) -> bool:
        """Tell whether there is such a subject."""

    def place(self, path: str, request: Request) -> Place | None:
        """Return the page at a path below the prefix, ``None`` where none stands there."""

    def draw(self, visit: Visit, mode: SiteMode) -> Reply:
        """Return the page, sound or as ordered; what breaks on its way out is no concern of it."""

    def further(self, path: str, request: Request) -> Reply:
        """Return what stands at any other path."""


class Site:
    """The public pages of one provider, each at its path below the prefix."""

    faulty = True

    def __init__(self, pages: Pages) -> None:
        self.pages, self.mode = pages, SiteMode()
        self.orders = PageOrders(pages.outcomes, pages.knows)

    @property
    def control(self) -> Mapping[tuple[str, str], Order]:
        """The orders by which the site is steered."""
        return {
            ("GET", "pages"): lambda _: self.orders.given,
            ("POST", "pages"): lambda request: self.orders.add(
                msgspec.json.decode(request.body, type=PageOrder)
            ),
            ("DELETE", "pages"): lambda _: self.orders.clear(),
            ("GET", "site"): lambda _: self.mode,
            ("POST", "site"): self._set_mode,
        }

    def account(self, request: Request) -> int | None:
        """Return whose page is asked for, where the site's subjects are accounts."""
        place = self.pages.place(self._path(request), request)
        return place.account if place else None

    def answer(self, request: Request) -> Reply:
        """Return a page, or what belongs to one."""
        path = self._path(request)
        if path == "/robots.txt":
            return robots((self,))
        found = weight.file(path) if path.startswith(weight.FOLDER) else None
        place = self.pages.place(path, request)
        if place is None:
            return found or self.pages.further(path, request)
        visit = Visit(request, place, self.orders.take(place.page, place.subject))
        return _as_ordered(visit, self._drawn(visit))

    def refusal(self, rule: Rule, request: Request) -> Reply | None:
        """Return the page in place of which a fault's refusal stands."""
        place = self.pages.place(self._path(request), request)
        if rule.kind == "server_error":
            return html_page(BROKEN, rule.status or 500)
        if place is None or rule.kind not in {"rate_limit", "quota", "forbidden"}:
            return None
        status = rule.status or (403 if rule.kind == "forbidden" else 429)
        order = PageOrder("blocked", status=status, retry_after=rule.retry_after or 60)
        return self._drawn(Visit(request, place, order))

    def _drawn(self, visit: Visit) -> Reply:
        if visit.order and visit.order.outcome == "server_error":
            return html_page(BROKEN, visit.order.status or 500)
        reply = self.pages.draw(visit, self.mode)
        return weight.weighed(reply, self.pages.prefix, self.mode.weight_kb, self.mode.subresources)

    def _path(self, request: Request) -> str:
        return request.path.removeprefix(self.pages.prefix)

    def _set_mode(self, request: Request) -> SiteMode:
        order = msgspec.json.decode(request.body, type=SiteModeOrder)
        if order.consent == "on" and not self.pages.asks_consent:
            raise ControlRefused("consent: this site asks for none; leave it out")
        for name in order.__struct_fields__:
            value = getattr(order, name)
            if value is not None:
                setattr(self.mode, name, value)
        return self.mode


class RobotsOfAll:
    """``/robots.txt`` of the whole simulator, whose host all the sites share."""

    faulty = True

    def __init__(self, sites: tuple[Site, ...]) -> None:
        self.sites = sites

    def account(self, request: Request) -> int | None:  # noqa: ARG002  # robots.txt is nobody's
        """Return ``None``."""
        return None

    def answer(self, request: Request) -> Reply:  # noqa: ARG002  # always the same
        """Return what the sites say together."""
        return robots(self.sites)


def robots(sites: tuple[Site, ...]) -> Reply:
    """Return ``robots.txt`` of sites that share a host: paths stand in it with their prefix."""
    said = {site.mode.robots for site in sites}
    if "error" in said:
        return as_text("Server error", 500)
    if said == {"missing"}:
        return as_text("Not found", 404)
    rules = [
        f"Disallow: {site.pages.prefix}/{'' if site.mode.robots == 'disallow' else 'search'}\n"
        for site in sites
        if site.mode.robots != "missing"
    ]
    return as_text("User-agent: *\n" + "".join(rules))


def _as_ordered(visit: Visit, reply: Reply) -> Reply:
    if visit.order is None:
        return reply
    spoil = SPOILING.get(visit.order.outcome, "")
    return reply._replace(
        spoil=spoil,
        spoil_seconds=visit.order.seconds,
        spoil_bytes=visit.order.mb * 1_024 * 1_024,
        fault=visit.order.outcome,
    )
