"""How Instagram says no. Absences and soft blocks look the same; the canary's visit tells them apart."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from resources.reading.markup import Markup
from resources.reading.values import Unreadable, decode, dig, truth, word
from resources.reading.verdict import Capture, Outcome, Refusal

CHALLENGES = frozenset({"feedback_required", "checkpoint_required", "challenge_required"})
ROUTES = {
    "httpErrorPage": Refusal(Outcome.NOT_FOUND, "The site shows its page for what is not there."),
    "loginPage": Refusal(Outcome.LOGIN_WALL, "The site wants somebody to sign in."),
}
SIGN_IN = ROUTES["loginPage"]
CHALLENGE = Refusal(Outcome.BLOCKED, "The site asks whether a person is there.")
OTHER_KIND = Refusal(Outcome.WRONG_PAGE, "It is not the page of a profile.")
SHELL = Refusal(Outcome.LOGIN_WALL, "The site sent the shell that it sends instead of a profile.")


def wrong_profile(found: str) -> Refusal:
    """Return the refusal of somebody else's profile."""
    return Refusal(Outcome.WRONG_PAGE, f"It is the page of {found}.")


def refusal_by_address(capture: Capture) -> Refusal | None:
    """Return what it means to have been led elsewhere, or answered with a refusal in JSON."""
    path = urlsplit(capture.url).path
    if path.startswith("/accounts/login"):
        return SIGN_IN
    if path.startswith(("/challenge", "/accounts/suspended", "/checkpoint")):
        return CHALLENGE
    if capture.body.lstrip().startswith("{"):
        try:
            return refusal_by_body(decode(capture.body.lstrip()))
        except Unreadable:
            return None
    return None


def refusal_by_body(data: Any) -> Refusal | None:
    """Return what a refusal in JSON means: with a message it is a block, without one a wish to sign in."""
    if dig(data, "status") != "fail":
        return None
    message = word(data, "message")
    if message in CHALLENGES:
        return CHALLENGE
    if (truth(data, "require_login") and message is None) or message == "login_required":
        return SIGN_IN
    return Refusal(Outcome.BLOCKED, f"The site says: {message or 'no'}")


def refusal_by_markup(page: Markup, subject: str) -> Refusal | None:
    """Return why a document is not the subject's profile, ``None`` where it may be."""
    route = word(page.member("polarisRouteConfig"), "pageID")
    if route in ROUTES:
        return ROUTES[route]
    if route not in {None, "profilePage"}:
        return Refusal(Outcome.WRONG_PAGE, f"It is a {route}.")
    if page.address is None and "og:description" not in page.meta and page.title in {"", "Instagram"}:
        return SHELL
    return _refusal_by_subject(page, subject)


def _refusal_by_subject(page: Markup, subject: str) -> Refusal | None:
    if page.meta.get("og:type", "profile") != "profile":
        return OTHER_KIND
    if page.address is None:
        return None
    found, _, more = page.address.strip("/").partition("/")
    if more or not found:
        return OTHER_KIND
    return None if found.casefold() == subject.casefold() else wrong_profile(found)
