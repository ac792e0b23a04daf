"""What one row of each Spotify stream looks like.

Shapes and nulls as answered in 2026: development-mode apps lack ``followers``, ``popularity``,
``genres`` and ``label``, extended ones have them.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from resources.records import Record, at, given


class Credit(msgspec.Struct, frozen=True):
    """An artist as named on a track or album."""

    id: str | None = None
    name: str | None = None


class Image(msgspec.Struct, frozen=True):
    """One size of a picture; pixels."""

    url: str | None = None
    width: int | None = None
    height: int | None = None


class Profile(Record):
    """The connected person. Development-mode apps get no country, product or followers."""

    user_id: str = at("id")
    stable_account_id: str | None = at("account_id")
    display_name: str | None
    country: str | None
    product: str | None
    followers: int | None = at("followers.total")
    uri: str | None
    images: list[Image] | None


class Artist(Record):
    """An artist; followers, popularity and genres are gone for development-mode apps."""

    artist_id: str = at("id")
    name: str | None
    uri: str | None
    followers: int | None = at("followers.total")
    popularity: int | None
    genres: list[str] | None
    images: list[Image] | None


class TopArtist(Record):
    """One place in the person's top artists of a time range."""

    time_range: str = given("time_range")
    rank: int = given("index")
    artist: Artist = at("")


class AlbumName(Record):
    """The album a track is on; local files have none."""

    album_id: str | None = at("id")
    album_name: str | None = at("name")
    album_release_date: str | None = at("release_date")


class Track(Record):
    """A track. Milliseconds; ``track_id`` is missing for files that are on the person's device only."""

    track_id: str = at("id")
    name: str | None
    uri: str | None
    artists: list[Credit] | None
    album: AlbumName | None
    duration_ms: int | None
    disc_number: int | None
    track_number: int | None
    explicit: bool | None
    is_local: bool | None
    isrc: str | None = at("external_ids.isrc")
    popularity: int | None


class TopTrack(Record):
    """One place in the person's top tracks of a time range."""

    time_range: str = given("time_range")
    rank: int = given("index")
    track: Track = at("")


class SavedTrack(Record):
    """A track in the person's library."""

    added_at: datetime | None
    track: Track = at("track")


class Album(Record):
    """An album; its date is as precise as ``release_date_precision`` says (year, month, day)."""

    album_id: str = at("id")
    name: str | None
    uri: str | None
    album_type: str | None
    artists: list[Credit] | None
    release_date: str | None
    release_date_precision: str | None
    total_tracks: int | None
    upc: str | None = at("external_ids.upc")
    label: str | None
    popularity: int | None
    images: list[Image] | None


class SavedAlbum(Record):
    """An album in the person's library."""

    added_at: datetime | None
    album: Album = at("album")


class ArtistAlbum(Record):
    """An album of one of the org's artists."""

    artist_id: str = given("artist_id")
    album_group: str | None
    album: Album = at("")


class AlbumTrack(Record):
    """A track of an album; Spotify gives no ISRC and no popularity here."""

    album_id: str = given("album_id")
    track_id: str = at("id")
    name: str | None
    uri: str | None
    artists: list[Credit] | None
    duration_ms: int | None
    disc_number: int | None
    track_number: int | None
    explicit: bool | None


class Playlist(Record):
    """A playlist; the count stood under ``tracks`` until 2026 and stands under ``items`` now."""

    playlist_id: str = at("id")
    name: str | None
    description: str | None
    uri: str | None
    owner_id: str | None = at("owner.id")
    owner_name: str | None = at("owner.display_name")
    public: bool | None
    collaborative: bool | None
    snapshot_id: str | None
    item_count: int | None = at("items.total", "tracks.total")
    images: list[Image] | None


class PlaylistItem(Record):
    """One place in a playlist. Removed tracks and local files have no id; episodes stand here too."""

    playlist_id: str = given("playlist_id")
    position: int = given("index")
    added_at: datetime | None
    added_by: str | None = at("added_by.id")
    is_local: bool | None
    track_id: str | None = at("item.id", "track.id")
    item_type: str | None = at("item.type", "track.type")
    name: str | None = at("item.name", "track.name")
    uri: str | None = at("item.uri", "track.uri")
    artists: list[Credit] | None = at("item.artists", "track.artists")
    album: AlbumName | None = at("item.album", "track.album")
    duration_ms: int | None = at("item.duration_ms", "track.duration_ms")
    isrc: str | None = at("item.external_ids.isrc", "track.external_ids.isrc")


class Play(Record):
    """One play; Spotify reaches back about 50 of them, so this table is the only history."""

    played_at: datetime
    context_type: str | None = at("context.type")
    context_uri: str | None = at("context.uri")
    track: Track = at("track")
