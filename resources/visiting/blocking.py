"""What the browser never asks for: matched by Chromium itself, so that it costs nothing.

Images and fonts are off by Chromium's own switches. A Python function asked about each request would cost
a fifth more CPU a page.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

MEDIA = ("mp4", "webm", "m3u8", "mpd", "m4s", "m4a", "mp3", "ogg", "aac", "flac", "mov", "ts")
TRACKERS = (
    "doubleclick.net",
    "google-analytics.com",
    "googletagmanager.com",
    "googletagservices.com",
    "googlesyndication.com",
    "googleadservices.com",
    "googlevideo.com",
    "connect.facebook.net",
    "scorecardresearch.com",
    "hotjar.com",
    "ingest.sentry.io",
    "criteo.com",
    "bat.bing.com",
    "analytics.tiktok.com",
    "nr-data.net",
)
PATTERNS = (
    *(f"*.{ending}" for ending in MEDIA),
    *(f"*.{ending}?*" for ending in MEDIA),
    *(f"*://{prefix}{host}/*" for host in TRACKERS for prefix in ("", "*.")),
)


def blocked_for(url: str) -> list[str]:
    """Return the patterns for CDP's ``Network.setBlockedURLs``, but for any that matches the page itself."""
    return [pattern for pattern in PATTERNS if not fnmatchcase(url, pattern.replace("?", "[?]"))]
