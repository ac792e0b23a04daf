"""The accounts: who they are, and how many follow them on which day."""

from __future__ import annotations

from datetime import date

from simulator.instagram import media, names, times
from simulator.instagram.fields import Shape
from simulator.instagram.ids import Node, scoped_id, user_id
from simulator.instagram.state import State
from simulator.mixing import mix

FIRST_DAY = date(2024, 1, 1).toordinal()
SMALL_EVERY, SMALL_REST = 10, 9  # accounts whose number ends in 9 have fewer than 100 followers
FEWEST_FOR_INSIGHTS = 100
PICTURE_URL = "https://scontent.cdninstagram.com/v/t51.2885-19"


def is_small(account: int) -> bool:
    """Tell whether the account began with fewer than 100 followers, and stays there."""
    return account % SMALL_EVERY == SMALL_REST


def username(state: State, account: int) -> str:
    """Return the account's user name."""
    return state.edits_of(account).username or names.account_username(account)


def followers_at(account: int, day: int) -> int:
    """Return how many followed at the end of a day, given as its ordinal."""
    seed = mix(229, account)
    if is_small(account):
        return 5 + seed % 60 + mix(233, account, day) % 20
    rate = _rate(account)
    return 200 + seed % 40_000 + rate * max(0, day - FIRST_DAY) + mix(233, account, day) % rate


def unfollows_on(account: int, day: int) -> int:
    """Return how many left on a day."""
    floor = 20 if is_small(account) else 0  # so that no day has fewer than 0 who came
    return floor + mix(239, account, day) % (2 * _rate(account))


def follows_on(account: int, day: int) -> int:
    """Return how many came on a day."""
    return unfollows_on(account, day) + followers_at(account, day) - followers_at(account, day - 1)


def followers(state: State, account: int) -> int:
    """Return how many follow now: as many as at the end of yesterday, or what an edit says."""
    edited = state.edits_of(account).followers
    return followers_at(account, times.day_of(state.now) - 1) if edited is None else edited


def follows(account: int) -> int:
    """Return how many the account follows."""
    return mix(269, account) % 900


def has_audience(state: State, account: int) -> bool:
    """Tell whether enough people follow for Instagram to describe them."""
    return followers(state, account) >= FEWEST_FOR_INSIGHTS


def _rate(account: int) -> int:
    return 1 if is_small(account) else 1 + mix(229, account) % 40_000 // 2_000


def _picture(state: State, node: Node) -> str | None:
    seed = mix(241, node.account)
    if seed % 8 == 0:
        return None
    return f"{PICTURE_URL}/{seed % 10**9}_n.jpg?stp=dst-jpg_s206x206&oe={media.url_expiry(state):X}"


def _website(_: State, node: Node) -> str | None:
    return f"https://shop{node.account}.example.com/" if mix(251, node.account) % 3 else None


def _biography(_: State, node: Node) -> str | None:
    seed = mix(257, node.account)
    return f"{names.account_name(node.account)} ✨ {names.caption(seed)}" if seed % 5 else None


def _account_type(_: State, node: Node) -> str:
    return "MEDIA_CREATOR" if mix(263, node.account) % 4 == 0 else "BUSINESS"


USER = Shape(
    "User",
    {
        "id": lambda _, node: scoped_id(node.account),
        "user_id": lambda _, node: user_id(node.account),
        "username": lambda state, node: username(state, node.account),
        "name": lambda _, node: names.account_name(node.account),
        "account_type": _account_type,
        "biography": _biography,
        "website": _website,
        "profile_picture_url": _picture,
        "followers_count": lambda state, node: followers(state, node.account),
        "follows_count": lambda _, node: follows(node.account),
        "media_count": lambda state, node: len(media.slots(state, node.account)),
    },
    elsewhere=("media", "stories", "tags", "insights", "live_media", "subscribed_apps", "conversations"),
)
