"""Where n8n is, for programs and for people, and the key of its API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
from pydantic import SecretStr

from resources.settings import Settings
from resources.vault import write_secret

LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}


class Embedded(msgspec.Struct, frozen=True):
    """The n8n that `make n8n` started last: its address, and the key that it gave out for itself."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"Embedded({self.url})"


@dataclass(frozen=True)
class Place:
    """One n8n; ``key`` is empty where none is known, ``console_url`` is where it reaches us."""

    url: str
    editor_url: str
    key: SecretStr
    console_url: str


def place_of(settings: Settings) -> Place | None:
    """Return the n8n that the settings name, else the embedded one, else None.

    The embedded one's key goes to no other n8n.
    """
    embedded = read_embedded(settings)
    url = settings.n8n_url.rstrip("/") or (embedded.url if embedded else "")
    if not url:
        return None
    key = settings.n8n_api_key
    if not key.get_secret_value() and embedded and _is_same(url, embedded.url):
        key = SecretStr(embedded.key)
    console_url = settings.n8n_callback_url or settings.public_url
    return Place(url, settings.n8n_editor_url.rstrip("/") or url, key, console_url.rstrip("/"))


def read_embedded(settings: Settings) -> Embedded | None:
    """Return what `make n8n` left in HOME, or None where there is nothing readable."""
    try:
        return msgspec.json.decode(_path(settings).read_bytes(), type=Embedded)
    except (OSError, msgspec.MsgspecError):
        return None


def remember_embedded(settings: Settings, embedded: Embedded) -> None:
    """Keep the embedded n8n's address and key in HOME, readable by its owner alone."""
    write_secret(_path(settings), msgspec.json.encode(embedded).decode())


def _path(settings: Settings) -> Path:
    return settings.home / "secrets" / "n8n_api_key"


def _is_same(one: str, other: str) -> bool:
    try:
        first, second = httpx.URL(one), httpx.URL(other)
    except httpx.InvalidURL:
        return False
    hosts = {first.host, second.host}
    alike = len(hosts) == 1 or hosts <= LOOPBACK
    return alike and (first.scheme, first.port, first.path) == (second.scheme, second.port, second.path)
