"""Spotify: the Web API with a person's consent. Docs: https://developer.spotify.com/documentation/web-api."""

from __future__ import annotations

from datetime import timedelta

from resources.errors import QuotaExhausted, ScopeMissing
from resources.paging import After, Backwards, Offset
from resources.provider import (
    Api,
    Fault,
    FromConfig,
    FromStream,
    Identity,
    Limit,
    Metric,
    OAuth,
    Provider,
    Stream,
)
from resources.providers.spotify.pages import SITE
from resources.providers.spotify.records import (
    AlbumTrack,
    Artist,
    ArtistAlbum,
    Play,
    Playlist,
    PlaylistItem,
    Profile,
    SavedAlbum,
    SavedTrack,
    TopArtist,
    TopTrack,
)

AUTHORIZE_URL = "https://accounts.spotify.com/authorize"
TOKEN_URL = "https://accounts.spotify.com/api/token"  # noqa: S105  # an address
API_URL = "https://api.spotify.com/v1"
SCOPES = (
    "user-read-private",
    "user-read-email",
    "user-top-read",
    "user-read-recently-played",
    "user-library-read",
    "user-follow-read",
    "playlist-read-private",
    "playlist-read-collaborative",
)
TIME_RANGES = tuple({"time_range": span} for span in ("short_term", "medium_term", "long_term"))

PROVIDER = Provider(
    name="spotify",
    title="Spotify",
    docs="https://developer.spotify.com/documentation/web-api",
    apps="https://developer.spotify.com/dashboard",
    api=Api(
        API_URL,
        limit=Limit(180, seconds=30),  # Spotify publishes none; this is what one app sustains
        faults=(
            Fault(QuotaExhausted, status=429, reason="QUOTA_EXCEEDED"),
            Fault(ScopeMissing, status=403, message="scope"),
        ),
    ),
    oauth=OAuth(
        authorize=AUTHORIZE_URL,
        token=TOKEN_URL,
        scopes=SCOPES,
        params={"show_dialog": "true"},  # or whoever is signed in is taken without being asked
        identity=Identity("/me", id=("account_id", "id"), name=("display_name", "id")),
        lifetime=timedelta(days=182),  # six months from consent, whatever is refreshed meanwhile
    ),
    config_keys=("artist_ids",),
    site=SITE,
    audience=(
        Metric("followers", "profile", "followers"),
        Metric("artist_followers", "artists", "followers"),
        Metric("plays", "recently_played", day="played_at"),
        Metric("saved_tracks", "saved_tracks"),
        Metric("followed_artists", "followed_artists"),
    ),
    streams=(
        Stream(
            "profile",
            "/me",
            Profile,
            key=("user_id",),
            scope="user-read-private",
            doc="The connected person.",
        ),
        Stream(
            "followed_artists",
            "/me/following",
            Artist,
            key=("artist_id",),
            scope="user-follow-read",
            params={"type": "artist"},
            paging=After(
                50,
                items="artists.items",
                after="artists.cursors.after",
                next="artists.next",
                total="artists.total",
            ),
            doc="Artists the person follows.",
        ),
        Stream(
            "top_artists",
            "/me/top/artists",
            TopArtist,
            key=("time_range", "artist_id"),
            scope="user-top-read",
            paging=Offset(50),
            variants=TIME_RANGES,
            doc="The person's top artists over 4 weeks, 6 months and a year.",
        ),
        Stream(
            "top_tracks",
            "/me/top/tracks",
            TopTrack,
            key=("time_range", "track_id"),
            scope="user-top-read",
            paging=Offset(50),
            variants=TIME_RANGES,
            doc="The person's top tracks over 4 weeks, 6 months and a year.",
        ),
        Stream(
            "saved_tracks",
            "/me/tracks",
            SavedTrack,
            key=("track_id",),
            scope="user-library-read",
            paging=Offset(50),
            doc="Tracks in the person's library.",
        ),
        Stream(
            "saved_albums",
            "/me/albums",
            SavedAlbum,
            key=("album_id",),
            scope="user-library-read",
            paging=Offset(50),
            doc="Albums in the person's library.",
        ),
        Stream(
            "playlists",
            "/me/playlists",
            Playlist,
            key=("playlist_id",),
            scope="playlist-read-private",
            paging=Offset(50),
            doc="Playlists the person owns or follows.",
        ),
        Stream(
            "playlist_items",
            "/playlists/{playlist_id}/items",
            PlaylistItem,
            key=("playlist_id", "position"),
            scope="playlist-read-private",
            params={"additional_types": "track,episode"},  # or episodes come as null
            paging=Offset(50),
            each=FromStream("playlists", "playlist_id", "playlist_id", version="snapshot_id"),
            doc="What is in the playlists the person owns; read again only where the snapshot changed.",
        ),
        Stream(
            "recently_played",
            "/me/player/recently-played",
            Play,
            key=("played_at", "track_id"),
            scope="user-read-recently-played",
            paging=Backwards(50),
            cursor_column="played_at",
            doc="Plays, collected over time: Spotify itself remembers only about 50.",
        ),
        Stream(
            "artists",
            "/artists/{artist_id}",
            Artist,
            key=("artist_id",),
            each=FromConfig("artist_ids", "artist_id"),
            doc="The org's own artists.",
        ),
        Stream(
            "artist_albums",
            "/artists/{artist_id}/albums",
            ArtistAlbum,
            key=("artist_id", "album_id"),
            paging=Offset(10),
            each=FromConfig("artist_ids", "artist_id"),
            doc="Albums, singles and appearances of the org's own artists.",
        ),
        Stream(
            "album_tracks",
            "/albums/{album_id}/tracks",
            AlbumTrack,
            key=("album_id", "track_id"),
            paging=Offset(50),
            each=FromStream("artist_albums", "album_id", "album_id", version="total_tracks"),
            doc="Tracks of those albums; read again only where the number of tracks changed.",
        ),
    ),
)
