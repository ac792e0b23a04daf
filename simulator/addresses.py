"""Where the simulator's platforms are, as the settings that point Backline at them."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.credentials import CLIENT_ID, CLIENT_SECRET
from simulator.instagram.names import account_username
from simulator.instagram.site import PROFILE_PAGE, InstagramPages
from simulator.spotify.ids import make_id
from simulator.spotify.site import ARTIST_PAGE, SpotifyPages
from simulator.youtube.ids import channel_id
from simulator.youtube.site import CHANNEL_PAGE, FEED_PAGE, YouTubePages

API_KEY = "simulator-key"
PLACES = {
    "SPOTIFY_API_URL": "/spotify/v1",
    "SPOTIFY_AUTHORIZE_URL": "/spotify/authorize",
    "SPOTIFY_TOKEN_URL": "/spotify/api/token",
    "INSTAGRAM_API_URL": "/instagram/v25.0",
    "INSTAGRAM_GRAPH_URL": "/instagram",
    "INSTAGRAM_AUTHORIZE_URL": "/instagram/oauth/authorize",
    "INSTAGRAM_TOKEN_URL": "/instagram/oauth/access_token",
    "YOUTUBE_API_URL": "/youtube/v3",
    "YOUTUBE_ANALYTICS_URL": "/youtube/analytics/v2",
    "YOUTUBE_HUB_URL": "/youtube/hub",
    "YOUTUBE_AUTHORIZE_URL": "/youtube/o/oauth2/v2/auth",
    "YOUTUBE_TOKEN_URL": "/youtube/token",
    "SPOTIFY_PAGES_URL": SpotifyPages.prefix,
    "INSTAGRAM_PAGES_URL": InstagramPages.prefix,
    "YOUTUBE_PAGES_URL": YouTubePages.prefix,
}
CANARIES = {  # whoever is the first of its kind exists whatever the simulator's size
    "SPOTIFY": {ARTIST_PAGE: make_id("artist", 0)},
    "INSTAGRAM": {PROFILE_PAGE: account_username(0)},
    "YOUTUBE": {CHANNEL_PAGE: channel_id(0), FEED_PAGE: channel_id(0)},
}


def provider_settings(origin: str, rate_limit: str) -> dict[str, str]:
    """Return the settings, without ``BACKLINE_``, under which the simulator stands for every provider.

    ``rate_limit`` is ``requests/seconds``: there is no need to be as gentle as with the real ones.
    """
    providers = dict.fromkeys(name.partition("_")[0] for name in PLACES)
    return {
        **{name: f"{origin}{path}" for name, path in PLACES.items()},
        **{f"{provider}_CLIENT_ID": CLIENT_ID for provider in providers},
        **{f"{provider}_CLIENT_SECRET": CLIENT_SECRET for provider in providers},
        **{f"{provider}_RATE_LIMIT": rate_limit for provider in providers},
        **{f"{provider}_CANARIES": _listed(pages) for provider, pages in CANARIES.items()},
        "YOUTUBE_API_KEY": API_KEY,
    }


def _listed(pages: Mapping[str, str]) -> str:
    return ",".join(f"{page}={subject}" for page, subject in pages.items())
