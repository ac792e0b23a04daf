"""Ids that look like YouTube's and name what they stand for, so that nothing needs to be stored.

A video's number is ``account << 12 | slot``, a playlist's ``account << 4 | place``.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

SLOT_BITS, PLACE_BITS = 12, 4
SLOTS = 1 << SLOT_BITS
NUMBER_BITS, THREAD_BITS = 40, 14
CHANNEL, UPLOADS, LIKES, PLAYLIST, COMMENT = "UC", "UU", "LL", "PL", "Ug"
COMMENT_END = "4AaABAg"
FIRST_MULTIPLIER = 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251
SECOND_MULTIPLIER = 0xD1B54A32D192ED03A3EC647659359ACDBF58476D1CE4E5B9


class Coding:
    """Texts of base 64 for whole numbers: scattered, sealed and to be read back."""

    def __init__(self, size_bytes: int, seal: int, number_bits: int = NUMBER_BITS) -> None:
        self.size_bytes, self.bits = size_bytes, size_bytes * 8
        self.space, self.mask = 1 << self.bits, (1 << number_bits) - 1
        self.seal = seal % (1 << (self.bits - number_bits)) << number_bits
        self.first, self.second = FIRST_MULTIPLIER % self.space, SECOND_MULTIPLIER % self.space
        self.first_inverse = pow(self.first, -1, self.space)
        self.second_inverse = pow(self.second, -1, self.space)

    def write(self, number: int) -> str:
        """Return the text of a number that fits the bits kept for it."""
        value = (self.seal | number) * self.first % self.space
        value ^= value >> (self.bits // 2)
        value = value * self.second % self.space
        return base64.urlsafe_b64encode(value.to_bytes(self.size_bytes)).decode().rstrip("=")

    def read(self, text: str) -> int | None:
        """Return the number of a text, or ``None`` where it stands for nothing."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != self.size_bytes:
            return None
        value = int.from_bytes(raw) * self.second_inverse % self.space
        value ^= value >> (self.bits // 2)
        plain = value * self.first_inverse % self.space
        number = plain & self.mask
        return number if plain ^ number == self.seal and self.write(number) == text else None


VIDEOS, CHANNELS = Coding(8, 0xC0FFEE), Coding(16, 0x5EED_C4A7)
PLAYLISTS, COMMENTS = Coding(24, 0x91A7_1157), Coding(12, 0x7A1C, 48)


@lru_cache(maxsize=1 << 15)
def channel_tail(account: int) -> str:
    """Return the 22 characters that the ids of a channel and of its own playlists share."""
    return CHANNELS.write(account)


def channel_id(account: int) -> str:
    """Return the id of an account's channel."""
    return CHANNEL + channel_tail(account)


@lru_cache(maxsize=1 << 14)
def read_channel(text: str, prefix: str = CHANNEL) -> int | None:
    """Return whose channel it is, or whose uploads or likes where ``prefix`` says so."""
    return CHANNELS.read(text.removeprefix(prefix)) if text.startswith(prefix) else None


@lru_cache(maxsize=1 << 17)
def video_id(number: int) -> str:
    """Return the id of a video."""
    return VIDEOS.write(number)


@lru_cache(maxsize=1 << 17)
def read_video(text: str) -> int | None:
    """Return the number of a video."""
    return VIDEOS.read(text)


def playlist_id(number: int) -> str:
    """Return the id of a playlist that a person made."""
    return PLAYLIST + PLAYLISTS.write(number)


def read_playlist(text: str) -> int | None:
    """Return the number of a playlist that a person made."""
    return PLAYLISTS.read(text.removeprefix(PLAYLIST)) if text.startswith(PLAYLIST) else None


def comment_id(video: int, place: int) -> str:
    """Return the id of a thread and of the comment that began it."""
    coded = COMMENTS.write(video << THREAD_BITS | place)
    return f"{COMMENT}{'wxyz'[place % 4]}{coded}{COMMENT_END}"
