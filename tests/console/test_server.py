"""The server: this machine only, and no address with a query in its log."""

import pytest

from console.server import log_config, serve
from resources.errors import InputRefused


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "backline.example"])
def test_host_that_others_reach_is_refused(backline, host):
    with pytest.raises(InputRefused, match="the console itself speaks no TLS; use 127"):
        serve(backline, host, 8700)


def test_logs_of_clients_are_kept_out():
    loggers = log_config()["loggers"]
    assert loggers["httpx"]["level"] == "WARNING"
    assert loggers["console"]["handlers"] == ["default"]
