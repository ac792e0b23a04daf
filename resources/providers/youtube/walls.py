"""How YouTube says no: walls, absences and pages of another kind, told by structure wherever there is one."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from resources.providers.youtube.words import text_of
from resources.reading.guard import layout_changed
from resources.reading.markup import Markup
from resources.reading.values import Unreadable, decode, dig, listed, whole, word
from resources.reading.verdict import Capture, Outcome, Refusal

GONE_BEGINNINGS = (
    "This channel was removed",
    "This channel has been removed",
    "This account has been terminated",
    "This account has been closed",
    "This channel is no longer available",
)
ERRORS = {
    HTTPStatus.BAD_REQUEST: Outcome.NOT_FOUND,  # an id that cannot be one
    HTTPStatus.NOT_FOUND: Outcome.NOT_FOUND,
    HTTPStatus.UNAUTHORIZED: Outcome.LOGIN_WALL,
    HTTPStatus.FORBIDDEN: Outcome.BLOCKED,
    HTTPStatus.TOO_MANY_REQUESTS: Outcome.BLOCKED,
}
TOPIC_HEADERS = frozenset({"carouselHeaderRenderer", "interactiveTabbedHeaderRenderer"})
CONSENT = Refusal(Outcome.CONSENT_WALL, "The site asks about cookies first.")
ROBOT = Refusal(Outcome.BLOCKED, "The site asks whether a person is there.")
OTHER_KIND = Refusal(Outcome.WRONG_PAGE, "It is not the page of a channel.")
TOPIC = Refusal(Outcome.WRONG_PAGE, "It is the page of a topic, which has no subscribers of its own.")
SIGN_IN = Refusal(Outcome.LOGIN_WALL, "The site wants somebody to sign in.")
AGE_GATE = Refusal(Outcome.LOGIN_WALL, "The channel is only shown to people who signed in and are of age.")


def refusal_by_address(capture: Capture) -> Refusal | None:
    """Return what it means to have been led elsewhere, or answered with an error object."""
    parts = urlsplit(capture.url)
    host = parts.hostname or ""
    if host.startswith("consent."):
        return CONSENT
    if parts.path.startswith("/sorry"):
        return ROBOT
    if host.startswith("accounts.") or parts.path.startswith("/ServiceLogin"):
        return SIGN_IN
    if capture.status >= HTTPStatus.BAD_REQUEST and capture.body.lstrip().startswith("{"):
        try:
            return refusal_by_error(decode(capture.body.lstrip()))
        except Unreadable:
            return None
    return None


def refusal_by_error(data: Any) -> Refusal | None:
    """Return what the site's own error object means; its code is an HTTP status."""
    code = whole(data, "error", "code")
    outcome = next((outcome for status, outcome in ERRORS.items() if status == code), None)
    return Refusal(outcome, f"The site answered with the error {code}.") if outcome else None


def refusal_by_markup(page: Markup) -> Refusal | None:
    """Return which wall a document is."""
    base = page.attribute("base", "href") or ""
    if (urlsplit(base).hostname or "").startswith("consent.") or page.has("form[action*='//consent.']"):
        return CONSENT
    if page.has("form#captcha-form") or page.has("div#infoDiv0"):
        return ROBOT
    return None


def refusal_by_kind(data: Any, subject: str) -> Refusal | None:
    """Return why the JSON of a page is not that of the subject's channel, ``None`` where it is."""
    header, contents = dig(data, "header") or {}, dig(data, "contents")
    if contents is None and (alert := _alert(data)):
        return _refusal_by_alert(alert, dig(header, "c4TabbedHeaderRenderer", "channelId"), subject)
    if isinstance(contents, dict) and _is_age_gate(contents):
        return AGE_GATE
    if isinstance(header, dict) and TOPIC_HEADERS & set(header):
        return TOPIC
    ids = set(_ids(data))
    if not ids:
        return OTHER_KIND if _is_of_another_kind(data) else layout_changed("channel_id")
    if others := ids - {subject}:
        return Refusal(Outcome.WRONG_PAGE, f"It is the page of {', '.join(sorted(others))}.")
    return None


def _is_of_another_kind(data: Any) -> bool:
    """Say whether data that name no channel are laid out, or described, as something else."""
    contents, metadata = dig(data, "contents") or {}, dig(data, "metadata") or {}
    laid_out = bool(contents) and dig(contents, "twoColumnBrowseResultsRenderer") is None
    described = bool(metadata) and dig(metadata, "channelMetadataRenderer") is None
    return laid_out or described


def _ids(data: Any) -> Iterator[str]:
    """Yield whose page the data say they are."""
    canonical = word(data, "microformat", "microformatDataRenderer", "urlCanonical") or ""
    _, _, last = urlsplit(canonical).path.rpartition("/channel/")
    said = (
        word(data, "metadata", "channelMetadataRenderer", "externalId"),
        word(data, "header", "c4TabbedHeaderRenderer", "channelId"),
        last if "/channel/" in canonical else None,
    )
    yield from filter(None, said)


def _is_age_gate(contents: Any) -> bool:
    sections = listed(
        contents,
        *("twoColumnBrowseResultsRenderer", "tabs", 0, "tabRenderer", "content"),
        *("sectionListRenderer", "contents"),
    )
    return any(dig(section, "channelAgeGateRenderer") is not None for section in sections)


def _alert(data: Any) -> str | None:
    """Return what an alert of an error says."""
    for alert in listed(data, "alerts"):
        if dig(alert, "alertRenderer", "type") == "ERROR":
            return text_of(dig(alert, "alertRenderer", "text")) or "?"
    return None


def _refusal_by_alert(alert: str, channel: Any, subject: str) -> Refusal:
    """Return what an alert on a page without contents means.

    Never having been there and having been removed differ by their words alone. Unknown words mean
    ``not_found``: it claims the least, and the visit to the canary tells whether it is said of everybody.
    """
    if isinstance(channel, str) and channel != subject:
        return Refusal(Outcome.WRONG_PAGE, f"It is the page of {channel}.")
    outcome = Outcome.GONE if alert.startswith(GONE_BEGINNINGS) else Outcome.NOT_FOUND
    return Refusal(outcome, f"The site says: {alert}")
