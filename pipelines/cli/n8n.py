"""`backline n8n`: a local n8n with this repository's workflows."""

from __future__ import annotations

import click

from pipelines.cli.output import people
from pipelines.n8n_server import N8nServer
from pipelines.n8n_server import serve as serve_n8n
from resources.settings import Settings


@click.group()
def n8n() -> None:
    """The n8n that receives our events."""


@n8n.command()
def serve() -> None:
    """Install n8n where it is not there yet, import and publish the workflows, and run it until Ctrl-C."""
    serve_n8n(Settings())


@n8n.command()
def install() -> None:
    """Install n8n into BACKLINE_HOME/n8n where it is not there yet; takes some minutes."""
    found = N8nServer(Settings()).install()
    people.print(f"n8n {found.version} is installed in {found.folder}.")
