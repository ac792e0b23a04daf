"""The command line: `backline`. One module a group of commands; nothing here works by a side path."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module

import click

from pipelines.cli.refusals import as_sentences

MODULES = {
    "accounts": "accounts",
    "db": "database",
    "demo": "demo",
    "doctor": "doctor",
    "endpoints": "endpoints",
    "events": "events",
    "evidence": "evidence",
    "keys": "keys",
    "n8n": "n8n",
    "pushes": "pushes",
    "scrape": "scrape",
    "sync": "sync",
    "up": "up",
    "users": "users",
}


class Commands(Mapping[str, click.Command]):
    """The commands by name; a command's module is loaded when the command is asked for.

    Most need no Dagster, which takes longer to load than all the rest.
    """

    def __getitem__(self, name: str) -> click.Command:
        """Return the command of that name."""
        module = f"{__name__}.{MODULES[name]}"
        if module not in sys.modules:
            _load(module)
        command: click.Command = getattr(sys.modules[module], name)
        return command

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(MODULES)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(MODULES)


def _load(module: str) -> None:
    """Load a module without looking for garbage: nothing is, and to look takes a third of the time."""
    gc.disable()
    try:
        import_module(module)
    finally:
        gc.freeze()
        gc.enable()


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


@click.group(
    "backline",
    cls=BacklineGroup,
    commands=Commands(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="backline")
def main() -> None:
    """Spotify, Instagram and YouTube accounts as Dagster assets, with signed events for n8n."""
