"""Where the parts of a local installation listen."""

from __future__ import annotations

import pytest

from pipelines.local import console_address, console_command
from resources.settings import Settings


@pytest.mark.parametrize(
    ("public_url", "address"),
    [
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://localhost", "http://127.0.0.1:8700"),
        ("https://backline.example.com", "http://127.0.0.1:8700"),
        ("https://backline.example.com:8443", "http://127.0.0.1:8700"),
    ],
)
def test_console_listens_behind_whatever_holds_the_certificate(public_url, address):
    settings = Settings(public_url=public_url)
    assert console_address(settings) == address
    port = address.rpartition(":")[2]
    assert console_command(settings)[-2:] == ["--port", port]
