"""Instagram's public pages: a profile's page."""

from __future__ import annotations

from resources.provider import Agreement, FromStream, Page, Site
from resources.providers.instagram.profile_page import read_profile_page
from resources.records import Record

PAGES_URL = "https://www.instagram.com"


class ProfilePage(Record):
    """A profile as anybody sees it; above 10,000 most ways of seeing it give rounded counts."""

    username: str
    full_name: str | None
    followers: int
    followers_step: int
    following: int
    following_step: int
    posts: int
    posts_step: int
    is_private: bool | None
    is_verified: bool | None


SITE = Site(
    origin=PAGES_URL,
    pages=(
        Page(
            "profile_page",
            "/{username}/",
            ProfilePage,
            key=("username",),
            each=FromStream("profile", "username", "username"),
            read=read_profile_page,
            doc="The profiles as anybody sees them.",
            canary="instagram",
            listens=("/graphql",),
            agreements=(Agreement("followers", "profile", "followers_count", on="username"),),
        ),
    ),
)
