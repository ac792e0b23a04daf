"""`backline n8n`: a local n8n with this repository's workflows."""

from __future__ import annotations

import click

from pipelines.n8n_server import serve as serve_n8n
from resources.settings import Settings


@click.group()
def n8n() -> None:
    """The n8n that receives our events."""


@n8n.command()
def serve() -> None:
    """Install n8n where it is not there yet, import and publish the workflows, and run it until Ctrl-C."""
    serve_n8n(Settings())
