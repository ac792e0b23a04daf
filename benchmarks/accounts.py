"""Fills a database with connected Spotify accounts, 100 an org: ``python -m benchmarks.accounts NUMBER``.

The database is the one that ``BACKLINE_DATABASE_URL`` names; the grants last for a month.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from resources import migrations
from resources.accounts import Connection, connect
from resources.backline import Backline
from resources.database import utc_now
from resources.grants import Tokens
from resources.providers import find_provider

ACCOUNTS_PER_ORG = 100


def fill(backline: Backline, number: int) -> None:
    """Migrate the database and connect ``number`` accounts."""
    migrations.upgrade(backline.database)
    spotify, now = find_provider("spotify"), utc_now()
    with backline.database.write() as connection:
        for account in range(number):
            wanted = Connection(
                org_slug=f"org-{account // ACCOUNTS_PER_ORG:05d}",
                provider=spotify,
                external_id=f"listener-{account}",
                display_name=f"Listener {account}",
                tokens=Tokens(f"{account:010d}", f"refresh-{account}"),
                expires_at=now + timedelta(days=30),
                authorized_at=now,
                scopes=spotify.oauth.scopes,
            )
            connect(backline, wanted, "benchmark", connection)


if __name__ == "__main__":
    fill(Backline(), int(sys.argv[1]))
