"""The HTML of Instagram's public pages: profiles of today and of 2021, the login page, the error shell."""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

from simulator.exchange import encode
from simulator.sites.document import json_in_script, named, properties
from simulator.sites.printing import compact

SITE = "https://www.instagram.com"
FIRST_ROUNDED = 10_000
QUERY_PATH, QUERY = "/graphql/query", "PolarisProfilePageContentQuery"
SCRIPT = """fetch({address}, {{method: "POST", body: new URLSearchParams({asked})}});"""
VIEWER = ["PolarisViewer", [], {"data": None, "id": None}, 7365]
COUNTS = "{followers} Followers, {following} Following, {posts} Posts"
NEXT_COUNTS = "Followed by {followers} · follows {following} · shares {posts}"


class Profile(NamedTuple):
    """A profile as its page shows it."""

    id: str
    username: str
    name: str
    biography: str
    picture: str
    followers: int
    following: int
    posts: int

    def counts(self, wording: str) -> str:
        """Return the three numbers in words."""
        shown = {"followers": self.followers, "following": self.following, "posts": self.posts}
        return wording.format(**{name: printed(number) for name, number in shown.items()})

    def user(self) -> dict[str, Any]:
        """Return what the page's own query tells of it."""
        return {
            "username": self.username,
            "full_name": self.name,
            "biography": self.biography,
            "follower_count": self.followers,
            "following_count": self.following,
            "media_count": self.posts,
            "is_private": False,
            "is_verified": False,
            "pk": self.id,
            "id": self.id,
        }


def printed(number: int) -> str:
    """Return a number as the page prints it: whole below 10,000, else one to three digits."""
    return f"{number:,}" if number < FIRST_ROUNDED else compact(number, 1)


def profile_html(profile: Profile, prefix: str, layout: str) -> str:
    """Return a profile's page as a visitor who is not signed in gets it."""
    who = f"{profile.name} (@{profile.username})"
    counts = profile.counts(NEXT_COUNTS if layout == "next_layout" else COUNTS)
    opened = {
        "og:type": "profile",
        "og:image": profile.picture,
        "og:title": f"{who} • Instagram photos and videos",
        "og:url": f"{SITE}/{profile.username}/",
        "og:description": f"{counts} - See Instagram photos and videos from {who}",
    }
    described = {"description": f"{counts} - {who} on Instagram: “{profile.biography}”"}
    head = (
        f"<title>{_entities(who)} • Instagram photos and videos</title>"
        f'<link rel="canonical" href="{SITE}/{profile.username}/">'
        f"{_entities(properties(opened), escaped=True)}{_entities(named(described), escaped=True)}"
    )
    shown = f"<main><header><h2>{escape(profile.username)}</h2><p>{counts}</p></header></main>"
    if layout == "old_layout":
        return _document(head, shown + _shared_data(profile))
    return _document(
        head, shown + _routed("profilePage", f"/{profile.username}/", profile) + _script(profile, prefix)
    )


def error_html(path: str) -> str:
    """Return the shell that stands for a profile that is not there, and for one that is not to be seen."""
    return _document("<title>Instagram</title>", _routed("httpErrorPage", path))


def login_html(path: str) -> str:
    """Return the login page."""
    form = (
        '<form id="loginForm" method="post"><input name="username"><input name="password" type="password">'
        "<button>Log in</button></form>"
    )
    return _document("<title>Login • Instagram</title>", form + _routed("loginPage", path))


def _entities(text: str, *, escaped: bool = False) -> str:
    """Return HTML in which the sign before a user name is written as an entity, as Instagram does."""
    return (text if escaped else escape(text)).replace("@", "&#064;")


def _document(head: str, body: str) -> str:
    return (
        '<!DOCTYPE html><html class="_9dls _ar44" lang="en" dir="ltr"><head><meta charset="utf-8">'
        '<meta name="robots" content="noarchive, noimageindex">'
        f"{head}</head><body>{body}</body></html>"
    )


def _routed(page: str, path: str, profile: Profile | None = None) -> str:
    """Return the scripts that say which page it is, and that nobody is signed in."""
    route: dict[str, Any] = {"polarisRouteConfig": {"pageID": page}, "url": path}
    logged: dict[str, Any] = {"page_id": page}
    if profile is not None:
        logged = {"page_id": f"{page}_{profile.id}", "profile_id": profile.id}
        route["params"] = {"username": profile.username, "tab": None}
    shown = {"page_logging": {"name": page, "params": logged}}
    view = {"props": {**shown, "page_type": "PROFILE"} if page == "httpErrorPage" else shown}
    route |= {"rootView": view, "hostableView": view}
    started = ["CometPlatformRootClient", "init", [], [{"initialRouteInfo": {"route": route}}]]
    box = {"__bbox": {"define": [VIEWER], "require": [started]}}
    server = {"require": [["ScheduledServerJS", "handle", None, [box]]]}
    return f'<script type="application/json" data-sjs>{json_in_script(server)}</script>'


def _script(profile: Profile, prefix: str) -> str:
    asked = {"fb_api_req_friendly_name": QUERY, "variables": encode({"id": profile.id}).decode()}
    address = json_in_script(prefix + QUERY_PATH)
    return f"<script>{SCRIPT.format(address=address, asked=json_in_script(asked))}</script>"


def _shared_data(profile: Profile) -> str:
    """Return the script of 2021, with the numbers in full."""
    user = {
        "biography": profile.biography,
        "edge_followed_by": {"count": profile.followers},
        "edge_follow": {"count": profile.following},
        "edge_owner_to_timeline_media": {"count": profile.posts, "edges": []},
        "full_name": profile.name,
        "id": profile.id,
        "is_private": False,
        "is_verified": False,
        "username": profile.username,
    }
    page = {"logging_page_id": f"profilePage_{profile.id}", "graphql": {"user": user}}
    shared = {"config": {"viewer": None}, "language_code": "en", "entry_data": {"ProfilePage": [page]}}
    return f'<script type="text/javascript">window._sharedData = {json_in_script(shared)};</script>'
