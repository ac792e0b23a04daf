"""Names that somebody gave: orgs and accounts, refused where they are unknown."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from resources.errors import InputRefused
from resources.provider import Provider
from resources.tables import ConnectedAccount, Org


def known_accounts(
    connection: sa.Connection, provider: Provider, orgs: Sequence[str], accounts: Sequence[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return the status of each account that was named; raise ``InputRefused`` for what does not exist.

    Where orgs are named too, an account of another org counts as unknown.
    """
    account = ConnectedAccount
    named = sa.select(account.id, account.status).where(
        account.provider == provider.name, account.id.in_(accounts)
    )
    if orgs:
        named = named.where(account.org_id.in_(sa.select(Org.id).where(Org.slug.in_(orgs))))
    slugs = set(connection.execute(sa.select(Org.slug).where(Org.slug.in_(orgs))).scalars())
    states = {row.id: row.status for row in connection.execute(named)}
    for field, missing in (("org", set(orgs) - slugs), ("account", set(accounts) - set(states))):
        if missing:
            names = ", ".join(sorted(map(str, missing)))
            raise InputRefused(field, f"{names} is unknown", "see `backline accounts list`")
    return states
