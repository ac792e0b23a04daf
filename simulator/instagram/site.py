"""Instagram's public pages: profiles, and the login page to which it may send their visitors."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from simulator.exchange import Reply, Request, as_json
from simulator.instagram import media, names
from simulator.instagram.ids import read_id, user_id
from simulator.instagram.profile import PICTURE_URL, followers, follows, username
from simulator.instagram.profile_page import (
    QUERY,
    QUERY_PATH,
    Profile,
    error_html,
    login_html,
    profile_html,
)
from simulator.instagram.state import State
from simulator.mixing import mix
from simulator.sites.document import moved, page
from simulator.sites.drawn import Drawn
from simulator.sites.orders import ON_EVERY_PAGE, Outcomes, PageOrder
from simulator.sites.site import Place, SiteMode, Visit

PROFILE_PAGE, LOGIN_PATH = "profile_page", "/accounts/login/"
OUTCOMES: Outcomes = {PROFILE_PAGE: ON_EVERY_PAGE | {"login_wall", "soft_block", "old_layout"}}
UNAUTHORIZED, NOT_FOUND = 401, 404
WAIT = {
    "message": "Please wait a few minutes before you try again.",
    "require_login": True,
    "igweb_rollout": True,
    "status": "fail",
}


class Asked(msgspec.Struct):
    """The variables of a page's query: about whom."""

    id: str


class InstagramPages:
    """``www.instagram.com``, to a visitor who is not signed in."""

    prefix = "/instagram/www"
    outcomes = OUTCOMES
    asks_consent = False

    def __init__(self, state: State) -> None:
        self.state, self.drawn = state, Drawn()

    def knows(self, subject: str) -> bool:
        """Tell whether a user name is somebody's."""
        return self._account(subject) is not None

    def place(self, path: str, request: Request) -> Place | None:  # noqa: ARG002  # the path says it all
        """Return the profile at a path of one part."""
        name = path.strip("/")
        if not name or "/" in name or path.count("/") > 2:  # noqa: PLR2004  # one before and one after
            return None
        return Place(PROFILE_PAGE, name, self._account(name))

    def draw(self, visit: Visit, mode: SiteMode) -> Reply:  # noqa: ARG002  # Instagram asks for no consent
        """Return a profile's page."""
        path, order = f"/{visit.place.subject}/", visit.order
        self.drawn.remember(visit.place.subject, order)
        if order is not None and order.outcome == "blocked":
            headers = (("retry-after", str(order.retry_after)),)
            return as_json(WAIT, order.status or UNAUTHORIZED, headers)
        if visit.outcome == "login_wall":
            return moved(f"{visit.request.origin}{self.prefix}{LOGIN_PATH}?next={quote(path, safe='')}")
        account = self._shown(visit.place.account, order)
        if account is None:
            return page(error_html(path))
        profile = self._profile(account, visit.factor)
        return page(profile_html(profile, self.prefix, visit.outcome))

    def further(self, path: str, request: Request) -> Reply:
        """Answer the login page, and the query of a profile's page."""
        if path == QUERY_PATH:
            return self._answer(request)
        return page(login_html(path)) if path == LOGIN_PATH else page(error_html(path), NOT_FOUND)

    def _answer(self, request: Request) -> Reply:
        try:
            asked = msgspec.json.decode(request.form.get("variables", ""), type=Asked)
        except msgspec.DecodeError:
            asked = Asked("")
        node = read_id(asked.id)
        is_known = node is not None and node.kind == "user" and self.state.world.has(node.account)
        if node is None or not is_known or request.form.get("fb_api_req_friendly_name") != QUERY:
            return as_json({"errors": [{"message": "execution error"}], "status": "ok"}, 400)
        name = username(self.state, node.account)
        user = self._profile(node.account, self.drawn.factor(name)).user()
        order = self.drawn.order(name)
        if order is not None and order.outcome == "next_layout":
            user = {key: value for key, value in user.items() if not key.endswith("_count")}
        return as_json({"data": {"user": user, "viewer": None}, "status": "ok"})

    def _account(self, name: str) -> int | None:
        """Return whose user name it is; a name that was given up is nobody's."""
        digits = name.rpartition(".")[2]
        guessed = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None  # noqa: PLR2004
        renamed = (number for number, edits in self.state.edits.items() if edits.username == name)
        account = next(renamed, guessed)
        is_known = account is not None and self.state.world.has(account)
        return account if is_known and account is not None and username(self.state, account) == name else None

    def _shown(self, account: int | None, order: PageOrder | None) -> int | None:
        if order is None or account is None:
            return account
        if order.outcome == "wrong_page":
            return (
                (account + 1) % self.state.world.accounts
                if order.instead is None
                else self._account(order.instead)
            )
        return None if order.outcome in {"not_found", "soft_block"} else account

    def _profile(self, account: int, factor: float) -> Profile:
        counts = (followers(self.state, account), follows(account), len(media.slots(self.state, account)))
        return Profile(
            user_id(account),
            username(self.state, account),
            names.account_name(account),
            names.caption(mix(257, account)).partition("\n")[0],
            f"{PICTURE_URL}/{mix(241, account) % 10**9}_n.jpg",
            *(int(count * factor) for count in counts),
        )
