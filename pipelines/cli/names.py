"""Names that a person typed: orgs and accounts, refused where they are unknown."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from resources.backline import Backline
from resources.errors import InputRefused
from resources.provider import Provider
from resources.tables import ConnectedAccount, Org


def known_accounts(
    backline: Backline, provider: Provider, orgs: Sequence[str], accounts: Sequence[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return the status of each account that was named; refuse orgs and accounts that do not exist."""
    account = ConnectedAccount
    named = sa.select(account.id, account.status).where(
        account.provider == provider.name, account.id.in_(accounts)
    )
    with backline.database.read() as connection:
        slugs = set(connection.execute(sa.select(Org.slug).where(Org.slug.in_(orgs))).scalars())
        states = {row.id: row.status for row in connection.execute(named)}
    for field, missing in (("org", set(orgs) - slugs), ("account", set(accounts) - set(states))):
        if missing:
            names = ", ".join(sorted(map(str, missing)))
            raise InputRefused(field, f"{names} is unknown", "see `backline accounts list`")
    return states
