"""The Web API's door: finds the endpoint, checks token, allowlist, scope, rate and parameters."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulator.exchange import Reply, Request, as_json, as_text, encode
from simulator.spotify import endpoints, query
from simulator.spotify.asked import Asked
from simulator.spotify.catalogue import Shape
from simulator.spotify.query import Refused
from simulator.spotify.searching import search
from simulator.spotify.tokens import Grants, Token, read_token
from simulator.world import World

PREFIX = "/spotify/v1"
WINDOW_SECONDS = 30
PAGES_KEPT = 512


class Endpoint(NamedTuple):
    """One path; ``removed`` says that apps in development mode lost it in February 2026."""

    answer: Callable[[Asked], endpoints.Body]
    parameters: Mapping[str, query.Reader] = {}
    scope: str = ""
    removed: bool = False


def _not_simulated(asked: Asked) -> endpoints.Body:
    raise Refused(501, f"Spotify has {asked.path}, the simulator does not")


ENDPOINTS: dict[str, Endpoint] = {
    "/me": Endpoint(endpoints.me),
    "/me/tracks": Endpoint(endpoints.my_tracks, {**query.PAGE, **query.MARKET}, "user-library-read"),
    "/me/albums": Endpoint(endpoints.my_albums, {**query.PAGE, **query.MARKET}, "user-library-read"),
    "/me/playlists": Endpoint(endpoints.my_playlists, query.PAGE, "playlist-read-private"),
    "/me/top/artists": Endpoint(endpoints.top_artists, {**query.PAGE, **query.TIME_RANGE}, "user-top-read"),
    "/me/top/tracks": Endpoint(endpoints.top_tracks, {**query.PAGE, **query.TIME_RANGE}, "user-top-read"),
    "/me/following": Endpoint(endpoints.following, query.FOLLOWED, "user-follow-read"),
    "/me/player/recently-played": Endpoint(
        endpoints.recently_played, query.PLAYED, "user-read-recently-played"
    ),
    "/artists/*": Endpoint(endpoints.artist),
    "/artists/*/albums": Endpoint(
        endpoints.artist_albums, {**query.SHORT_PAGE, **query.MARKET, **query.INCLUDE_GROUPS}
    ),
    "/albums/*": Endpoint(endpoints.album, query.MARKET),
    "/albums/*/tracks": Endpoint(endpoints.album_tracks, {**query.PAGE, **query.MARKET}),
    "/tracks/*": Endpoint(endpoints.track, query.MARKET),
    "/playlists/*": Endpoint(endpoints.playlist, query.ITEM_FORM),
    "/playlists/*/items": Endpoint(
        endpoints.playlist_items, {**query.PAGE, **query.ITEM_FORM}, "playlist-read-private"
    ),
    "/search": Endpoint(search, query.SEARCH),
    "/artists": Endpoint(endpoints.several_artists, query.IDS, removed=True),
    "/albums": Endpoint(endpoints.several_albums, query.IDS, removed=True),
    "/tracks": Endpoint(endpoints.several_tracks, query.IDS, removed=True),
    "/artists/*/top-tracks": Endpoint(endpoints.artist_top_tracks, query.MARKET, removed=True),
    "/users/*": Endpoint(endpoints.user, removed=True),
    "/users/*/playlists": Endpoint(endpoints.user_playlists, query.PAGE, removed=True),
    "/playlists/*/tracks": Endpoint(
        endpoints.playlist_tracks, {**query.LONG_PAGE, **query.ITEM_FORM}, removed=True
    ),
}
REMOVED_AND_NOT_SIMULATED = (
    "/artists/*/related-artists /browse/categories /browse/categories/* "
    "/browse/categories/*/playlists /browse/featured-playlists /browse/new-releases /markets /shows "
    "/episodes /audiobooks /chapters /audio-features /audio-features/* /audio-analysis/* "
    "/recommendations /recommendations/available-genre-seeds"
)
NOT_SIMULATED = (
    "/shows/* /shows/*/episodes /episodes/* /audiobooks/* /audiobooks/*/chapters /chapters/* "
    "/me/audiobooks /me/episodes /me/shows /me/library /me/library/contains /me/player "
    "/me/player/devices /me/player/currently-playing /me/player/queue /playlists/*/images "
    "/me/tracks/contains /me/albums/contains /me/episodes/contains /me/shows/contains "
    "/me/audiobooks/contains /me/following/contains /playlists/*/followers/contains"
)
ENDPOINTS |= {path: Endpoint(_not_simulated, removed=True) for path in REMOVED_AND_NOT_SIMULATED.split()}
ENDPOINTS |= {path: Endpoint(_not_simulated) for path in NOT_SIMULATED.split()}


def find(path: str) -> tuple[Endpoint, str] | None:
    """Return the endpoint at a path, and what stands in the place of its ``*``."""
    endpoint = ENDPOINTS.get(path)
    if endpoint is not None and "*" not in path:
        return endpoint, ""
    parts = path.split("/")
    for place in (2, 3):
        if len(parts) > place and parts[place]:
            pattern = "/".join([*parts[:place], "*", *parts[place + 1 :]])
            if pattern in ENDPOINTS:
                return ENDPOINTS[pattern], parts[place]
    return None


class RollingWindow:
    """Counts an app's requests in the last 30 seconds."""

    def __init__(self) -> None:
        self.times: deque[float] = deque()

    def admit(self, now: float, limit: int) -> int:
        """Count a request; return 0, or how many seconds to wait where the window is full."""
        while self.times and self.times[0] <= now - WINDOW_SECONDS:
            self.times.popleft()
        if len(self.times) >= limit:
            return max(1, math.ceil(self.times[0] + WINDOW_SECONDS - now))
        self.times.append(now)
        return 0


class WebApi:
    """``/spotify/v1``."""

    faulty = True

    def __init__(self, world: World, grants: Grants) -> None:
        self.world, self.grants = world, grants
        self.window = RollingWindow()
        self.pages: dict[tuple[object, ...], bytes] = {}

    def account(self, request: Request) -> int | None:
        """Return whose token the request carries, even where it has expired."""
        token = read_token(request.headers.get("authorization", "").removeprefix("Bearer "))
        return token.account if token else None

    def answer(self, request: Request) -> Reply:
        """Answer as Spotify does, errors included."""
        try:
            return Reply(200, self._body(request))
        except Refused as refused:
            headers = () if refused.retry_after is None else (("retry-after", str(refused.retry_after)),)
            if refused.plain:
                return as_text(refused.message, refused.status)
            return as_json(
                {"error": {"status": refused.status, "message": refused.message}}, refused.status, headers
            )

    def _body(self, request: Request) -> bytes:
        path = request.path.removeprefix(PREFIX)
        self._count()
        found = find(path)
        if found is None:
            raise Refused(404, "Service not found")
        if request.method != "GET":
            raise Refused(405, "Method not allowed")
        endpoint, name = found
        token = self._token(request)
        self._admit(endpoint, token)
        return self._page(request, endpoint, token, path, name)

    def _page(self, request: Request, endpoint: Endpoint, token: Token, path: str, name: str) -> bytes:
        """Return the body, from what was answered before where nothing has changed since."""
        shape = Shape(request.origin + PREFIX, self.world.spotify_mode == "extended")
        key = (token.account, token.scope_mask, path, request.query_text, shape, self.world.version)
        page = self.pages.get(key)
        if page is None:
            values = query.read_query(endpoint.parameters, request.query)
            asked = Asked(self.world, shape, token.account, token.scopes, path, name, values)
            page = encode(endpoint.answer(asked))
            if len(self.pages) >= PAGES_KEPT:
                del self.pages[next(iter(self.pages))]
            self.pages[key] = page
        return page

    def _count(self) -> None:
        if not self.world.rate_limit:
            return
        wait = self.window.admit(self.world.clock.now(), self.world.rate_limit)
        if wait:
            raise Refused(429, "API rate limit exceeded", retry_after=wait)

    def _token(self, request: Request) -> Token:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            raise Refused(401, "No token provided")
        if scheme != "Bearer" or not text:
            raise Refused(400, "Only valid bearer authentication supported")
        token = read_token(text)
        if token is None or token.kind != "access" or not self.world.has(token.account):
            raise Refused(401, "Invalid access token")
        if self.grants.is_revoked(token):
            raise Refused(401, "Invalid access token")
        if token.expires_at <= self.world.clock.now():
            raise Refused(401, "The access token expired")
        return token

    def _admit(self, endpoint: Endpoint, token: Token) -> None:
        """Raise ``Refused`` where the app's tier or the grant's scopes do not reach so far."""
        if self.world.spotify_mode == "development":
            if token.account not in self.world.allowlist:
                raise Refused(403, "User not registered in the Developer Dashboard", plain=True)
            if endpoint.removed:
                raise Refused(403, "Forbidden")
        if endpoint.scope and endpoint.scope not in token.scopes:
            raise Refused(403, "Insufficient client scope")
