"""A local site of well and badly behaved pages; every request to it is written down."""

from __future__ import annotations

import functools
import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# ruff: noqa: D102  # a page's name says what it does

GOOD = "<!doctype html><title>Acme</title><h1 id=count>{}</h1>"
PARTS = """
<link rel="icon" href="/favicon.ico"><link rel="stylesheet" href="/look.css">
<style>@font-face {{ font-family: f; src: url(/letters.woff2) }} h1 {{ font-family: f;
background: url(/back.png) }}</style>
<img src="/face.png"><video src="/clip.mp4" preload="auto"></video>
<audio src="/song.mp3?x=1" autoplay></audio>
<script src="http://www.google-analytics.com/analytics.js"></script><script src="/app.js"></script>
"""
SCRIPTS = {
    "talks": "alert(1); confirm('really?'); prompt('name'); onbeforeunload = () => 'stay'",
    "spins": "onload = () => { while (true) {} }",
    "pops": "window.open('/popup'); for (let i = 0; i < 9; i++) window.open('/popup?' + i, '_blank')",
    "hoards": "const all = []; setInterval(() => { for (let i = 0; i < 40; i++)"
    " all.push(new Array(1e5).fill(i + Math.random())) }, 1)",
    "swells": "const part = 'x'.repeat(1e5); for (let i = 0; i < 40; i++)"
    " document.body.append(Object.assign(document.createElement('p'), {textContent: part + i}))",
    "works": "navigator.serviceWorker.register('/worker.js').catch(() => 0)",
    "asks": "fetch('/api/count?x=1').then(a => a.json())",
    "asks-late": "onload = () => setTimeout(() => fetch('/api/count?x=2'), 300)",
    "moves": "location.href = '/page/7'",
    "agrees": "navigator.userAgentData.getHighEntropyValues(['fullVersionList', 'platform']).then(hints =>"
    " { document.body.textContent = JSON.stringify({hints, agent: navigator.userAgent,"
    " platform: navigator.platform, language: navigator.language, webdriver: navigator.webdriver,"
    " zone: Intl.DateTimeFormat().resolvedOptions().timeZone, width: innerWidth}) })",
    "leaves-cookie": "document.cookie = 'script=from-the-script; path=/; max-age=3600'",
}


@functools.cache
def bomb() -> bytes:
    """Return 300 MB of nothing, as gzip."""
    packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    return b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(300)), packer.flush()])


class Site(ThreadingHTTPServer):
    """The site; ``asked`` are the requests so far, ``robots`` its robots.txt as status and text."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.robots: tuple[int, str] = (404, "")
        self.is_closing = threading.Event()

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        return f"http://127.0.0.1:{self.server_port}"

    def paths(self) -> list[str]:
        """Return the paths asked for, but for robots.txt."""
        return [path for path, _ in self.asked if path != "/robots.txt"]

    def wait_for(self, count: int) -> None:
        """Wait until that many pages were asked for."""
        deadline = time.monotonic() + 20
        while len(self.paths()) < count and time.monotonic() < deadline:
            time.sleep(0.05)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: those who hang up are a part of the tests."""


class Handler(BaseHTTPRequestHandler):
    """One request to the site."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:  # the interface's name
        """Answer."""
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        path, _, _ = self.path.partition("?")
        _, name, *rest = path.split("/")
        answer: Callable[..., None] = getattr(self, f"on_{name.replace('.', '_')}", self.on_other)
        answer(*rest)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def send(self, body: bytes | str, status: int = 200, kind: str = "text/html", **headers: str) -> None:
        """Send an answer."""
        raw = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def on_robots_txt(self) -> None:
        status, text = self.server.robots
        self.send(text, status, "text/plain")

    def on_page(self, number: str) -> None:
        self.send(GOOD.format(number))

    def on_parts(self) -> None:
        self.send(GOOD.format(5) + PARTS.format())

    def on_script(self, name: str) -> None:
        self.send(f"{GOOD.format(3)}<body><script>{SCRIPTS[name]}</script>")

    def on_needs_script(self, number: str) -> None:
        self.send(f"<body><script>document.body.innerHTML = '<h1 id=count>' + {number} + '</h1>'</script>")

    def on_echo(self) -> None:
        self.send(json.dumps(dict(self.headers.items())), kind="application/json")

    def on_cookie(self, value: str) -> None:
        self.send(GOOD.format(1), set_cookie=f"visit={value}; Path=/; Max-Age=3600; HttpOnly")

    def on_api(self, *_: str) -> None:
        self.send('{"count": 42}', kind="application/json")

    def on_feed(self) -> None:
        self.send("<?xml version='1.0'?><feed><count>4</count></feed>", kind="application/xml")

    def on_status(self, status: str) -> None:
        self.send(GOOD.format(1), int(status))

    def on_loop(self) -> None:
        self.send("", 302, location="/loop")

    def on_hop(self) -> None:
        self.send("", 302, location="/page/8?from=hop#top")

    def on_away(self) -> None:
        self.send("", 302, location=f"http://localhost:{self.server.server_port}/page/9")

    def on_download(self) -> None:
        self.send(
            "x" * 100, kind="application/octet-stream", content_disposition="attachment; filename=a.exe"
        )

    def on_huge(self) -> None:
        self.send("x" * 3_000_000)

    def on_bomb(self) -> None:
        self.send(bomb(), content_encoding="gzip")

    def on_packed(self) -> None:
        self.send(gzip.compress(GOOD.format(6).encode()), content_encoding="gzip")

    def on_cut(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", "100000")
        self.end_headers()
        self.wfile.write(GOOD.format(1).encode())
        self.close_connection = True

    def on_silent(self) -> None:
        self.server.is_closing.wait(60)
        self.close_connection = True

    def on_drip(self) -> None:
        self._chunked(b"<p>drop</p>", pause=0.1)

    def on_endless(self) -> None:
        self._chunked(b"<p>" + b"more and more " * 5000, pause=0.001)

    def on_other(self, *_: str) -> None:
        kind = "text/javascript" if self.path.endswith(".js") else "text/plain"
        self.send("", 200 if self.path.startswith(("/app", "/look", "/popup", "/worker")) else 404, kind)

    def _chunked(self, part: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        while not self.server.is_closing.is_set():
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            time.sleep(pause)


@contextmanager
def serving() -> Iterator[Site]:
    """Serve the site until the end of the block."""
    site = Site()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.is_closing.set()
        site.shutdown()
        site.server_close()
        thread.join(5)
