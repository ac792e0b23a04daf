"""The methods of the Data API that are simulated."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from simulator.youtube import items, library
from simulator.youtube.asked import READING, Asked, envelope, page
from simulator.youtube.errors import Refused, bad_parameter, not_simulated
from simulator.youtube.ids import (
    PLACE_BITS,
    UPLOADS,
    channel_id,
    playlist_id,
    read_channel,
    read_playlist,
    read_video,
    video_id,
)
from simulator.youtube.names import account_of
from simulator.youtube.resources import (
    channel_parts,
    playlist_parts,
    resource,
    stat_parts,
    video_parts,
)
from simulator.youtube.tokens import BASE, FORCE_SSL

OWNERS_PARTS = {"fileDetails", "processingDetails", "suggestions"}
COMMENTING = frozenset({FORCE_SSL})
AUDITING = frozenset({f"{BASE}youtubepartner-channel-audit"})


def channels(asked: Asked) -> bytes:
    """``channels.list``; without ``items`` where nothing is found."""
    asked.require_scope(AUDITING if "auditDetails" in asked.parts else READING)
    shelf, found = asked.shelf, _channels(asked)
    if not found:
        info = {"totalResults": 0, "resultsPerPage": asked.values.get("maxResults", 5)}
        return envelope("channelListResponse", None, {"pageInfo": info})

    def write(account: int, _: int) -> msgspec.Raw:
        made = channel_parts(shelf, account, asked.viewer)
        return resource("channel", channel_id(account), asked.parts, made)

    return page(asked, "channelListResponse", found, write)


def _channels(asked: Asked) -> list[int]:
    values, world = asked.values, asked.shelf.world
    if values.filter == "mine":
        return [asked.myself("mine")]
    if values.filter == "forHandle":
        account = account_of(values.get("forHandle"))
        return [account] if account is not None and world.has(account) else []
    accounts = (read_channel(name) for name in values.get("id"))
    return [account for account in accounts if account is not None and world.has(account)]


def playlists(asked: Asked) -> bytes:
    """``playlists.list``."""
    asked.require_scope()
    shelf = asked.shelf
    found = [number for number in _playlists(asked) if _may_see(number, asked.viewer)]

    def write(number: int, _: int) -> msgspec.Raw:
        shown = (video for video in library.playlist_videos(number) if shelf.answers(video, asked.viewer))
        made = playlist_parts(shelf, number, next(shown, None))
        return resource("playlist", playlist_id(number), asked.parts, made)

    return page(asked, "playlistListResponse", found, write)


def _may_see(playlist: int, viewer: int | None) -> bool:
    return viewer == playlist >> PLACE_BITS or library.playlist_privacy(playlist) != "private"


def _playlists(asked: Asked) -> list[int]:
    values, world = asked.values, asked.shelf.world
    if values.filter == "mine":
        return library.playlists(asked.myself("mine"))
    if values.filter == "channelId":
        account = read_channel(values.get("channelId"))
        if account is None or not world.has(account):
            raise _not_found("channel", "Channel not found.", "channelId", "youtube.playlist")
        return library.playlists(account)
    numbers = (read_playlist(name) for name in values.get("id"))
    return [number for number in numbers if number is not None and library.playlist_exists(number, world)]


def playlist_items(asked: Asked) -> bytes:
    """``playlistItems.list``: of a channel's uploads, or of a playlist that a person made."""
    asked.require_scope()
    name, shelf = asked.values.get("playlistId"), asked.shelf
    videos = _videos_in(asked, name)

    def write(number: int, position: int) -> msgspec.Raw:
        return items.playlist_item(shelf, asked.viewer, name, number, position=position, parts=asked.parts)

    return page(asked, "playlistItemListResponse", videos, write)


def _videos_in(asked: Asked, name: str) -> list[int]:
    world, account = asked.shelf.world, read_channel(name, UPLOADS)
    if account is not None and world.has(account):
        return asked.shelf.listed(account, asked.viewer)
    number = read_playlist(name)
    if number is None or not library.playlist_exists(number, world):
        text = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found."
        raise _not_found("playlist", text, "playlistId", "youtube.playlistItem")
    if not _may_see(number, asked.viewer):
        text = "The request is not properly authorized to retrieve the specified playlist."
        domain = "youtube.playlistItem"
        raise Refused(403, "playlistItemsNotAccessible", text, domain=domain, location="playlistId")
    return library.playlist_videos(number)


def videos(asked: Asked) -> bytes:
    """``videos.list``."""
    asked.require_scope()
    if "maxResults" in asked.values.given or "pageToken" in asked.values.given:
        text = "Incompatible parameters specified in the request: id, maxResults, pageToken"
        raise bad_parameter("maxResults", "incompatibleParameters", text)
    if OWNERS_PARTS & set(asked.parts):
        raise not_simulated("the parts that only a video's owner sees")
    shelf = asked.shelf
    found = [
        resource("video", video_id(number), asked.parts, video_parts(shelf, number))
        for number in _videos(asked)
    ]
    info = {"totalResults": len(found), "resultsPerPage": len(found)}
    return envelope("videoListResponse", found, {"pageInfo": info})


def batch_get_stats(asked: Asked) -> bytes:
    """``videos.batchGetStats``."""
    asked.require_scope()
    shelf = asked.shelf
    found = [
        resource("videoStats", video_id(number), asked.parts, stat_parts(shelf, number))
        for number in _videos(asked)
    ]
    return envelope("batchGetStatsResponse", found, {})


def _videos(asked: Asked) -> list[int]:
    """Return the videos asked for that the viewer is shown; the others are left out."""
    numbers = (read_video(name) for name in asked.values.get("id"))
    return [number for number in numbers if number is not None and asked.shelf.answers(number, asked.viewer)]


def comment_threads(asked: Asked) -> bytes:
    """``commentThreads.list``, newest first; a token must allow more than reading, as Google has it."""
    asked.require_scope(COMMENTING)
    plain = asked.values.get("textFormat") == "plainText"
    found = sorted(_threads(asked), key=lambda entry: -library.written_at(*entry))

    def write(entry: tuple[int, float, int], _: int) -> msgspec.Raw:
        number, born, place = entry
        return items.thread(number, born, place, asked.parts, plain=plain)

    return page(asked, "commentThreadListResponse", found, write, default=20, backwards=False)


def _threads(asked: Asked) -> Iterable[tuple[int, float, int]]:
    """Return the threads as video, its publication and the place counted from the oldest."""
    shelf, now = asked.shelf, asked.shelf.world.clock.now()
    for number in _commented(asked):
        born = shelf.published_at(number)
        for place in range(library.threads(number, born, now)):
            yield number, born, place


def _commented(asked: Asked) -> list[int]:
    values, shelf, domain = asked.values, asked.shelf, "youtube.commentThread"
    if values.filter == "allThreadsRelatedToChannelId":
        account = read_channel(values.get(values.filter))
        if account is None or not shelf.world.has(account):
            raise _not_found("channel", "Channel not found.", values.filter, domain)
        return shelf.listed(account, asked.viewer)
    number = read_video(values.get("videoId"))
    if number is None or not shelf.answers(number, asked.viewer):
        text = "The video identified by the <code>videoId</code> parameter could not be found."
        raise _not_found("video", text, "videoId", domain)
    if library.comments_disabled(number):
        text = "The video identified by the <code>videoId</code> parameter has disabled comments."
        raise Refused(403, "commentsDisabled", text, domain=domain, location="videoId")
    return [number]


def _not_found(what: str, message: str, parameter: str, domain: str) -> Refused:
    return Refused(404, f"{what}NotFound", message, domain=domain, location=parameter)
