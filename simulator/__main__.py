"""``python -m simulator``: serve the simulator over HTTP."""

from __future__ import annotations

import logging

import click
import uvicorn

from resources.signing import parse_secrets
from simulator.app import create_app
from simulator.world import World


class CutsAreMeant(logging.Filter):
    """Drops the server's complaint about replies that a ``cut`` fault left unfinished."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is another one."""
        return "without completing response" not in record.getMessage()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8790, show_default=True, help="Port to listen on.")
@click.option("--accounts", default=1_000, show_default=True, help="How many accounts there are.")
@click.option("--latency-ms", default=0.0, show_default=True, help="Time that every reply takes at least.")
@click.option("--rate-limit", default=2_000, show_default=True, help="Requests in 30 s; 0 for no limit.")
@click.option(
    "--mode",
    type=click.Choice(["development", "extended"]),
    default="development",
    show_default=True,
    help="Spotify's tier of the app: development lets accounts 0 to 4 in only.",
)
@click.option(
    "--signing-secrets",
    envvar="BACKLINE_N8N_SIGNING_SECRETS",
    default="",
    help="whsec_…, comma-separated: what the receiver accepts.",
)
def main(  # noqa: PLR0913  # one argument an option
    *,
    host: str,
    port: int,
    accounts: int,
    latency_ms: float,
    rate_limit: int,
    mode: str,
    signing_secrets: str,
) -> None:
    """Serve a local Spotify that can be told to misbehave, and an event receiver."""
    world = World(
        accounts=accounts,
        latency_ms=latency_ms,
        rate_limit=rate_limit,
        spotify_mode="extended" if mode == "extended" else "development",
    )
    app = create_app(world, parse_secrets(signing_secrets))
    logging.getLogger("uvicorn.error").addFilter(CutsAreMeant())
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
