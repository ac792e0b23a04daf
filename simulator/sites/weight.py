"""Pages as heavy as real ones: padding, and the files that a page asks for."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from simulator import names
from simulator.exchange import Reply, as_text
from simulator.sites.document import json_in_script

FOLDER = "/static/"
PNG_SIDE = 64  # pixels
SCRIPT_BYTES = 12_000
KINDS = ("css", "js", "png")


def weighed(reply: Reply, prefix: str, weight_kb: int, subresources: int) -> Reply:
    """Return a page that asks for so many files and is at least so large."""
    end = b"</body>"
    if end not in reply.body or not (weight_kb or subresources):
        return reply
    head, _, tail = reply.body.rpartition(end)
    asked = "".join(_element(prefix, number) for number in range(subresources)).encode()
    missing = weight_kb * 1_024 - len(reply.body) - len(asked)
    filling = _filling(missing) if missing > 0 else b""
    return reply._replace(body=head + asked + filling + end + tail)


@lru_cache(maxsize=512)
def file(path: str) -> Reply | None:
    """Return a file that a page asks for, ``None`` where there is no such."""
    number, _, kind = path.removeprefix(FOLDER).partition(".")
    if not number.isdecimal() or kind not in KINDS:
        return None
    if kind == "png":
        return Reply(200, _picture(int(number) % 255), "image/png")
    if kind == "css":
        rules = "".join(f".c{number}-{place}{{margin:{place}px;color:#333}}" for place in range(200))
        return as_text(rules, content_type="text/css; charset=utf-8")
    line = f"window.loaded=(window.loaded||0)+1;/* {names.title(int(number))} */\n"
    return as_text(
        line + "/* */\n" * (SCRIPT_BYTES // 6), content_type="application/javascript; charset=utf-8"
    )


def _element(prefix: str, number: int) -> str:
    address = f"{prefix}{FOLDER}{number}.{KINDS[number % len(KINDS)]}"
    return (
        f'<link rel="stylesheet" href="{address}">',
        f'<script defer src="{address}"></script>',
        f'<img alt="" width="16" height="16" src="{address}">',
    )[number % len(KINDS)]


@lru_cache(maxsize=8)
def _filling(size: int) -> bytes:
    """Return a script of JSON of about ``size`` bytes, as pages carry for their own later use."""
    shelf: list[dict[str, object]] = []
    written = 0
    while written < size:
        entry = {"id": len(shelf), "title": names.title(len(shelf)), "by": names.person_name(len(shelf))}
        shelf.append(entry)
        written += len(json_in_script(entry)) + 1
    return f'<script type="application/json">{json_in_script(shelf)}</script>'.encode()


@lru_cache(maxsize=256)
def _picture(shade: int) -> bytes:
    """Return a grey square."""
    row = b"\0" + bytes([shade]) * PNG_SIDE
    header = struct.pack(">IIBBBBB", PNG_SIDE, PNG_SIDE, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(row * PNG_SIDE)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
