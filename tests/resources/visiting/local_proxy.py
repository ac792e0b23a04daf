"""A local HTTP proxy that asks for a password, tunnels nowhere, and can die."""

from __future__ import annotations

import base64
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER, PASSWORD = "someone", "pr0xy-passw0rd"  # a throw-away one
PROOF = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class LocalProxy(ThreadingHTTPServer):
    """The proxy; ``passed`` are the addresses that went through it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.passed: list[str] = []

    @property
    def address(self) -> str:
        """Its address as a setting has it."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.server_port}"

    def die(self) -> None:
        """Take no connection any more."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


class Handler(BaseHTTPRequestHandler):
    """One request to the proxy."""

    server: LocalProxy

    def do_GET(self) -> None:  # the interface's name
        """Pass a request on."""
        if self._is_proven():
            self.server.passed.append(self.path)
            hop = {"proxy-authorization", "proxy-connection", "connection", "host"}
            headers = {name: value for name, value in self.headers.items() if name.lower() not in hop}
            try:
                reply = urllib.request.urlopen(urllib.request.Request(self.path, headers=headers))
            except urllib.error.HTTPError as error:
                reply = error
            with reply:
                body = reply.read()
                self.send_response(reply.status)
                self.send_header("content-type", reply.headers["content-type"])
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

    def do_CONNECT(self) -> None:  # the interface's name
        """Refuse a tunnel."""
        if self._is_proven():
            self.server.passed.append(self.path)
            self.send_error(502)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _is_proven(self) -> bool:
        if self.headers.get("proxy-authorization") == PROOF:
            return True
        self.send_response(407)
        self.send_header("proxy-authenticate", 'Basic realm="proxy"')
        self.send_header("content-length", "0")
        self.end_headers()
        return False


@contextmanager
def proxying() -> Iterator[LocalProxy]:
    """Run a proxy until the end of the block."""
    proxy = LocalProxy()
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.die()
        thread.join(5)
