"""The command line: `backline`. One module a group of commands; nothing here works by a side path."""

from __future__ import annotations

import click

from pipelines.cli import accounts, database, demo, doctor, events, keys, n8n, sync, up
from pipelines.cli.output import fail
from resources.errors import BacklineError, InputRefused


class BacklineGroup(click.Group):
    """Turns refused input into exit 2, and other errors of ours into exit 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InputRefused as error:
            fail(str(error), 2)
        except BacklineError as error:
            fail(str(error), 1)


@click.group(cls=BacklineGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backline")
def main() -> None:
    """Spotify, Instagram and YouTube accounts as Dagster assets, with signed events for n8n."""


for command in (
    doctor.doctor,
    accounts.accounts,
    sync.sync,
    events.events,
    keys.keys,
    database.db,
    n8n.n8n,
    up.up,
    demo.demo,
):
    main.add_command(command)
