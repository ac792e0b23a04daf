"""What a channel's public page shows: its texts and numbers, and those of its newest videos."""

from __future__ import annotations

from typing import NamedTuple

from simulator.sites.printing import compact
from simulator.youtube import library, meter, names
from simulator.youtube.ids import channel_id, video_id
from simulator.youtube.library import Library
from simulator.youtube.resources import channel_counts, video_statistics

GRID, SUBSCRIBER_DIGITS, COUNT_DIGITS = 30, 3, 2
AGES = ((365, "year"), (30, "month"), (7, "week"), (1, "day"))
PRONOUNS_EVERY, PRONOUNS_REST = 5, 2  # channels that say how to speak of their person


class ShownVideo(NamedTuple):
    """A video in the grid; ``views`` is exact, ``age`` is told in words."""

    id: str
    title: str
    views: int
    age: str
    seconds: int

    @property
    def exact_views(self) -> str:
        """The views as older layouts print them."""
        return counted(f"{self.views:,}", self.views, "view")

    @property
    def length(self) -> str:
        """How long it is, as on its picture."""
        minutes, seconds = divmod(self.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Channel(NamedTuple):
    """A channel as its page shows it; since July 2022 no channel can hide its subscribers there."""

    id: str
    title: str
    handle: str
    description: str
    pronouns: str
    subscribers: int
    videos: int
    grid: tuple[ShownVideo, ...]
    has_more: bool


def channel(shelf: Library, account: int, factor: float = 1.0) -> Channel:
    """Return what the page of an account's channel shows; numbers are multiplied where they are to differ."""
    counts, listed = channel_counts(shelf, account), _listed(shelf, account)
    return Channel(
        channel_id(account),
        shelf.title(account),
        f"@{names.handle(account)}",
        f"Everything about {names.handle(account)}.",
        "they/them" if account % PRONOUNS_EVERY == PRONOUNS_REST else "",
        int(counts["subscriberCount"] * factor),
        int(counts["videoCount"] * factor),
        tuple(_video(shelf, number, factor) for number in listed[:GRID]),
        len(listed) > GRID,
    )


def views(shelf: Library, number: int, factor: float = 1.0) -> int:
    """Return a video's views, as the Data API says."""
    return int(int(video_statistics(shelf, number)["viewCount"]) * factor)


def likes(shelf: Library, number: int, factor: float = 1.0) -> int:
    """Return a video's likes, which feeds tell even where the Data API hides them."""
    born, now = meter.day_of(shelf.published_at(number)), meter.day_of(shelf.world.clock.now())
    return int(int(meter.views_at(number, born, now) * meter.pace(number).shares[meter.LIKES]) * factor)


def counted(text: str, number: int, noun: str) -> str:
    """Return a printed number with its noun: ``1 view``, ``No views``."""
    if number == 0:
        return f"No {noun}s"
    return f"{text} {noun}" if number == 1 else f"{text} {noun}s"


def short_count(number: int, noun: str, *, lower: bool, digits: int = COUNT_DIGITS) -> str:
    """Return a count in few digits; ``lower`` is how British pages write the letter since 2026."""
    text = compact(number, digits)
    return counted(text.lower() if lower else text, number, noun)


def _listed(shelf: Library, account: int) -> list[int]:
    """Return the numbers of the public videos, newest first; Shorts have a tab of their own."""
    return [number for number in shelf.listed(account, None) if not library.is_short(number)]


def _video(shelf: Library, number: int, factor: float) -> ShownVideo:
    days = meter.day_of(shelf.world.clock.now()) - meter.day_of(shelf.published_at(number))
    return ShownVideo(
        video_id(number),
        names.video_title(number, shelf.revision(number)),
        views(shelf, number, factor),
        _age(days),
        library.duration_seconds(number),
    )


def _age(days: float) -> str:
    for length, unit in AGES:
        if days >= length:
            count = int(days // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    hours = max(1, int(days * 24))
    return f"{hours} hour{'s' if hours > 1 else ''} ago"
