"""Reads an Instagram profile's page: the answers it asks for itself, what its scripts carry, what it says.

Answers and scripts are exact. The description is exact below 10,000 and may be some hours old, what is
shown beside it is exact for followers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resources.providers.instagram.walls import (
    refusal_by_address,
    refusal_by_body,
    refusal_by_markup,
    wrong_profile,
)
from resources.reading.counts import Count, read_count
from resources.reading.guard import guarded, layout_changed, missing_of
from resources.reading.markup import Markup
from resources.reading.values import Unreadable, decode, dig, truth, whole, word
from resources.reading.verdict import Capture, Reading, Verdict

ANSWER, EDGES, OLD_COUNTS = "polaris_2025_04", "edges_2018_01", "counts_2017_01"
DESCRIBED = "description_2021_06"
MUST = ("followers", "following", "posts")
SHAPES: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    (ANSWER, (("follower_count",), ("following_count",), ("media_count",))),
    (
        EDGES,
        (
            ("edge_followed_by", "count"),
            ("edge_follow", "count"),
            ("edge_owner_to_timeline_media", "count"),
        ),
    ),
    (OLD_COUNTS, (("followed_by", "count"), ("follows", "count"), ("media", "count"))),
)
"""Where followers, following and posts stand in a user object, by layout."""
USERS = (("data", "user"), ("graphql", "user"), ("user",))
NOUNS = (("Followers", "Follower"), ("Following",), ("Posts", "Post"))
Row = dict[str, Any]


@guarded(refusal_by_address)
def read_profile_page(capture: Capture, subject: str) -> Verdict:
    """Read the page of a profile, by its username."""
    body = capture.body.lstrip()
    if body.startswith("{"):
        data = decode(body)
        return refusal_by_body(data) or _from_document(data, subject)
    page = Markup(body)
    if refusal := refusal_by_markup(page, subject):
        return refusal
    for user in (*_asked_for(capture), *_carried(page)):
        if same(word(user, "username"), subject) and (reading := _from_user(user, subject)):
            return reading
    return _from_description(page, subject)


def same(found: str | None, subject: str) -> bool:
    """Say whether two usernames are one; Instagram takes no heed of case."""
    return found is not None and found.casefold() == subject.casefold()


def _from_document(data: Any, subject: str) -> Verdict:
    """Read an answer of the site that is itself the document."""
    user = _user_in(data)
    if user is None:
        return layout_changed("username", *MUST)
    found = word(user, "username")
    if found is None:
        return layout_changed("username")
    if not same(found, subject):
        return wrong_profile(found)
    return _from_user(user, subject) or layout_changed(*MUST)


def _user_in(data: Any) -> Row | None:
    users = (dig(data, *path) for path in USERS)
    return next((user for user in users if isinstance(user, dict)), None)


def _asked_for(capture: Capture) -> Iterator[Row]:
    """Yield the users that the page's own requests were answered with."""
    for answer in capture.answers:
        if answer.status == 200 and '"user"' in answer.body:  # noqa: PLR2004
            try:
                user = _user_in(decode(answer.body.lstrip()))
            except Unreadable:
                continue
            if user is not None:
                yield user


def _carried(page: Markup) -> Iterator[Row]:
    """Yield the user that the scripts of pages until 2021 carry."""
    shared = page.assigned("_sharedData")
    user = _user_in(dig(shared, "entry_data", "ProfilePage", 0))
    if user is not None:
        yield user


def _from_user(user: Row, subject: str) -> Reading | None:
    for layout, places in SHAPES:
        numbers = [whole(user, *place) for place in places]
        if all(number is not None for number in numbers):
            row = _row(subject, [Count(number, 1) for number in numbers if number is not None])
            row["full_name"] = word(user, "full_name")
            row["is_private"], row["is_verified"] = truth(user, "is_private"), truth(user, "is_verified")
            return Reading((row,), layout)
    return None


def _from_description(page: Markup, subject: str) -> Verdict:
    """Read what the page says to other sites; its own address says whose it is."""
    if page.address is None:
        return layout_changed("username")
    counts = _described(page)
    if shown := _shown(page, subject):
        counts[0] = shown
    row = _row(subject, counts)
    row["full_name"] = _name_in(page.meta.get("og:title", ""), subject)
    missing = missing_of(row, MUST)
    return layout_changed(*missing) if missing else Reading((row,), DESCRIBED)


def _described(page: Markup) -> list[Count | None]:
    told, _, _ = page.meta.get("og:description", "").partition(" - ")
    parts = told.split(", ")
    if len(parts) != len(NOUNS):
        return [None, None, None]
    return [_counted(part, nouns) for part, nouns in zip(parts, NOUNS, strict=True)]


def _counted(part: str, nouns: tuple[str, ...]) -> Count | None:
    number, _, noun = part.partition(" ")
    return read_count(number, "en") if noun in nouns else None


def _shown(page: Markup, subject: str) -> Count | None:
    """Return the followers that the page shows; the full number stands in a title."""
    for node in page.tree.css("a[href*='/followers'] span[title]"):
        link = node.parent
        while link is not None and link.tag != "a":
            link = link.parent
        owner = (link.attrs.get("href") or "").strip("/").partition("/")[0] if link else ""
        if same(owner, subject):
            return read_count(node.attrs.get("title") or "", "en")
    return None


def _name_in(title: str, subject: str) -> str | None:
    name, _, rest = title.partition(" (@")
    return (name.strip() or None) if same(rest.partition(")")[0], subject) else None


def _row(subject: str, counts: list[Count | None] | list[Count]) -> Row:
    row: Row = {"username": subject, "full_name": None}
    for name, count in zip(MUST, counts, strict=True):
        row[name] = count.value if count else None
        row[f"{name}_step"] = count.step if count else None
    return row | {"is_private": None, "is_verified": None}
