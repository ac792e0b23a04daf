"""The command line: `backline`. One module a group of commands; nothing here works by a side path."""

from __future__ import annotations

import click

from pipelines.cli import accounts, database, demo, doctor, events, keys, n8n, pushes, scrape, sync, up
from pipelines.cli.refusals import as_sentences


class BacklineGroup(click.Group):
    """Says what is refused or went wrong in a sentence, without a traceback."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Read the options."""
        with as_sentences():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with as_sentences():
            return super().invoke(ctx)


@click.group("backline", cls=BacklineGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backline")
def main() -> None:
    """Spotify, Instagram and YouTube accounts as Dagster assets, with signed events for n8n."""


for command in (
    doctor.doctor,
    accounts.accounts,
    sync.sync,
    scrape.scrape,
    events.events,
    pushes.pushes,
    keys.keys,
    database.db,
    n8n.n8n,
    up.up,
    demo.demo,
):
    main.add_command(command)
