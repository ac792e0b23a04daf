"""`backline keys`: new encryption keys, and re-sealing under them."""

from __future__ import annotations

import click
from rich.progress import Progress

from pipelines.cli.output import errors, json_option, migrated, people, show_json
from resources.backline import Backline
from resources.rotation import count_stale, reseal_batches
from resources.signing import SigningSecret
from resources.vault import EncryptionKey


@click.group()
def keys() -> None:
    """The keys that seal stored secrets."""


@keys.command()
@json_option
def new(*, as_json: bool) -> None:
    """Print a fresh key, to be put first in BACKLINE_ENCRYPTION_KEYS."""
    key = EncryptionKey.new()
    show_json({"key": key.text(), "key_id": key.id}) if as_json else click.echo(key.text())


@keys.command("new-signing")
@json_option
def new_signing(*, as_json: bool) -> None:
    """Print a fresh whsec_… secret, to be put first in BACKLINE_N8N_SIGNING_SECRETS."""
    text = SigningSecret.new().text()
    show_json({"secret": text}) if as_json else click.echo(text)


@keys.command()
@json_option
def rotate(*, as_json: bool) -> None:
    """Re-seal every stored secret under the newest key; may be stopped and run again at any time.

    First start every process again with the new key in front and the old ones behind it: one that does
    not know the new key cannot open what this seals.
    """
    backline = migrated(Backline())
    done, newest = 0, backline.vault.newest.id
    with Progress(console=errors, transient=True, disable=as_json) as progress:
        task = progress.add_task("Re-sealing", total=count_stale(backline))
        for batch in reseal_batches(backline):
            done += batch
            progress.advance(task, batch)
    if as_json:
        show_json({"resealed": done, "key_id": newest})
    else:
        people.print(f"Re-sealed {done} under key {newest}; older keys may be removed now.")
