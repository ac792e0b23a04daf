"""Texts of YouTube's pages, and what a printed count counts: words of a few languages, English first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from resources.reading.counts import Count, read_count
from resources.reading.values import dig, listed, word

VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
Counted = Literal["subscribers", "videos", "views"]
STEMS: Mapping[str, Mapping[Counted, tuple[str, ...]]] = {
    "en": {"subscribers": ("subscriber",), "videos": ("video",), "views": ("view",)},
    "es": {"subscribers": ("suscriptor",), "videos": ("vídeo", "video"), "views": ("visualizaci", "vista")},
    "de": {"subscribers": ("abonnent",), "videos": ("video",), "views": ("aufruf",)},
    "fr": {"subscribers": ("abonné",), "videos": ("vidéo",), "views": ("vue",)},
    "it": {"subscribers": ("iscritt",), "videos": ("video",), "views": ("visualizzazion",)},
    "pt": {"subscribers": ("inscrito", "subscritor"), "videos": ("vídeo",), "views": ("visualizaç",)},
}


def video_id(text: str | None) -> str | None:
    """Return a video's id, ``None`` for what cannot be one."""
    return text if text and VIDEO_ID.fullmatch(text) else None


def text_of(node: Any) -> str:
    """Return the text of a node in any of YouTube's shapes, empty where there is none."""
    for name in ("simpleText", "content"):
        if text := word(node, name):
            return text
    runs = [dig(run, "text") for run in listed(node, "runs")]
    return "".join(runs).strip() if all(isinstance(run, str) for run in runs) else ""


def label_of(node: Any) -> str:
    """Return what a node is called for those who do not see it, empty where it is not."""
    return word(node, "accessibility", "accessibilityData", "label") or ""


def is_counted(text: str, what: Counted, language: str) -> bool:
    """Say whether a text counts that; ``False`` for languages whose words are not known."""
    stems = STEMS.get(language.replace("_", "-").partition("-")[0], {}).get(what, ())
    words = text.replace("\N{NO-BREAK SPACE}", " ").casefold().split()
    return bool(stems) and any(one.startswith(stems) for one in words)


def count_of(texts: tuple[str, ...], language: str) -> Count | None:
    """Return the count that several texts say in one way or another, ``None`` where they differ."""
    read = {count for text in texts if text and (count := read_count(text, language))}
    return read.pop() if len(read) == 1 else None
