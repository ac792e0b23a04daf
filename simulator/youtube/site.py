"""YouTube's public pages: the Videos tabs of channels, and their feeds."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode

from simulator.exchange import Reply, Request, as_text
from simulator.sites.document import moved, page
from simulator.sites.orders import ON_EVERY_PAGE, Outcomes, PageOrder
from simulator.sites.site import Place, SiteMode, Visit
from simulator.youtube import names
from simulator.youtube.channel_page import channel_html, consent_html, document, sorry_html
from simulator.youtube.ids import channel_id, read_channel
from simulator.youtube.initial_data import age_gate_data, alert_data, initial_data
from simulator.youtube.library import Library
from simulator.youtube.public_feed import feed
from simulator.youtube.shown import channel

CHANNEL_PAGE, FEED_PAGE = "channel_page", "feed_page"
FEED_PATH, CONSENT_PATH, CONSENT_COOKIE = "/feeds/videos.xml", "/consent/m", "SOCS"
OUTCOMES: Outcomes = {
    CHANNEL_PAGE: ON_EVERY_PAGE | {"consent_wall", "login_wall", "gone", "old_layout"},
    FEED_PAGE: ON_EVERY_PAGE | {"gone"},
}
XML = "text/xml; charset=UTF-8"
LANGUAGES = ("en", "en-US", "en-GB")
TOO_MANY, NOT_FOUND = 429, 404
MISSING, REMOVED = (
    "This channel does not exist.",
    "This channel was removed because it violated our Community Guidelines.",
)


class YouTubePages:
    """``www.youtube.com``; its consent page stands below the same prefix."""

    prefix = "/youtube/www"
    outcomes = OUTCOMES
    asks_consent = True

    def __init__(self, shelf: Library) -> None:
        self.shelf = shelf

    def knows(self, subject: str) -> bool:
        """Tell whether an id is a channel's."""
        return self._account(subject) is not None

    def place(self, path: str, request: Request) -> Place | None:
        """Return the channel's page, by its id or its handle, or its feed."""
        if path == FEED_PATH:
            subject = parse_qs(request.query_text).get("channel_id", [""])[0]
            return Place(FEED_PAGE, subject, self._account(subject))
        tab, _, rest = path.removeprefix("/").removesuffix("/videos").partition("/")
        if tab == "channel" and rest and "/" not in rest:
            return Place(CHANNEL_PAGE, rest, self._account(rest))
        if tab.startswith("@") and not rest:
            account = names.account_of(tab)
            if account is None or not self.shelf.world.has(account):
                return Place(CHANNEL_PAGE, tab)
            return Place(CHANNEL_PAGE, channel_id(account), account)
        return None

    def draw(self, visit: Visit, mode: SiteMode) -> Reply:
        """Return a channel's page or feed."""
        if visit.order is not None and visit.order.outcome == "blocked":
            return _blocked(visit, visit.order)
        if visit.place.page == FEED_PAGE:
            return self._feed(visit)
        chosen = CONSENT_COOKIE in _cookies(visit.request)
        if visit.outcome == "consent_wall" or (mode.consent == "on" and not chosen):
            return self._to_consent(visit.request)
        return self._channel(visit)

    def further(self, path: str, request: Request) -> Reply:
        """Answer the consent page, which leads back to where it was come from."""
        if path == CONSENT_PATH:
            target = parse_qs(request.query_text).get("continue", [""])[0]
            return page(consent_html(target, *_locale(request)))
        return page("<!DOCTYPE html><title>404 Not Found</title>", NOT_FOUND)

    def _account(self, subject: str) -> int | None:
        account = read_channel(subject)
        return account if account is not None and self.shelf.world.has(account) else None

    def _shown(self, visit: Visit) -> int | None:
        """Return whose page is shown: nobody's where it is not to be found, another's where it is wrong."""
        account, order = visit.place.account, visit.order
        if order is None or account is None:
            return account
        if order.outcome == "wrong_page":
            return (
                (account + 1) % self.shelf.world.accounts
                if order.instead is None
                else self._account(order.instead)
            )
        return None if order.outcome in {"not_found", "gone"} else account

    def _channel(self, visit: Visit) -> Reply:
        hl, gl = _locale(visit.request)
        account = self._shown(visit)
        if account is None:
            text = REMOVED if visit.outcome == "gone" else MISSING
            return page(document("<title>YouTube</title>", alert_data(visit.place.subject, text), hl, gl))
        if visit.outcome == "login_wall":
            gate = age_gate_data(self.shelf.title(account))
            return page(document("<title>YouTube</title>", gate, hl, gl))
        shown = channel(self.shelf, account, visit.factor)
        contents = initial_data(shown, layout=visit.outcome, lower=hl == "en-GB")
        return page(channel_html(shown, contents, hl, gl))

    def _feed(self, visit: Visit) -> Reply:
        account = self._shown(visit)
        if account is None:
            return page("<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", NOT_FOUND)
        moved_on = visit.outcome == "next_layout"
        return as_text(feed(self.shelf, account, visit.factor, moved=moved_on), content_type=XML)

    def _to_consent(self, request: Request) -> Reply:
        hl, gl = _locale(request)
        query = urlencode({"continue": _address(request), "gl": gl, "hl": hl})
        return moved(f"{request.origin}{self.prefix}{CONSENT_PATH}?{query}")


def _blocked(visit: Visit, order: PageOrder) -> Reply:
    headers = (("retry-after", str(order.retry_after)),)
    return page(sorry_html(_address(visit.request)), order.status or TOO_MANY, headers)


def _address(request: Request) -> str:
    query = f"?{request.query_text}" if request.query_text else ""
    return f"{request.origin}{request.path}{query}"


def _cookies(request: Request) -> SimpleCookie:
    try:
        return SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return SimpleCookie()


def _locale(request: Request) -> tuple[str, str]:
    """Return language and country as asked for; what the simulator does not speak is English."""
    query = parse_qs(request.query_text)
    language = query.get("hl", ["en"])[0]
    country = query.get("gl", ["US"])[0].upper()
    is_country = len(country) == 2 and country.isalpha()  # noqa: PLR2004
    return (language if language in LANGUAGES else "en"), (country if is_country else "US")
