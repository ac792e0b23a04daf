"""``python -m console``: serve the console."""

from __future__ import annotations

import click

from console.server import serve
from resources.backline import Backline


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8700, show_default=True, help="Port to listen on.")
@click.option("--reload", is_flag=True, help="Restart when the code changes.")
@click.option(
    "--trust-network",
    is_flag=True,
    help="Listen beyond the loopback: something in front speaks TLS, or keeps others out.",
)
def main(host: str, port: int, *, reload: bool, trust_network: bool) -> None:
    """Serve the console."""
    serve(Backline(), host, port, reload=reload, trust_network=trust_network)


main()
