"""Rotation: every sealed value is sealed again under the newest key, in batches that each commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from resources import audit
from resources.backline import Backline
from resources.tables import AppCredential, BrowserProfile, Grant, OAuthState, WebhookEndpoint
from resources.vault import Sealed

BATCH = 500
SEALED_TABLES: tuple[tuple[Any, str], ...] = (
    (Grant, "account_id"),
    (AppCredential, "provider"),
    (OAuthState, "state_hash"),
    (BrowserProfile, "name"),
    (WebhookEndpoint, "id"),
)


def count_stale(backline: Backline) -> int:
    """Return how many values are sealed under an older key."""
    newest = backline.vault.newest.id
    with backline.database.read() as connection:
        return sum(
            connection.execute(sa.select(sa.func.count()).where(table.key_id != newest)).scalar_one()
            for table, _ in SEALED_TABLES
        )


def reseal_batches(backline: Backline) -> Iterator[int]:
    """Re-seal batch by batch, yielding each one's size after its commit; stopped anywhere, it goes on later.

    Raise ``SealBroken`` where a value's key is missing; what was committed stays.
    """
    for table, key in SEALED_TABLES:
        while count := _reseal_batch(backline, table, key):
            yield count


def _reseal_batch(backline: Backline, table: Any, key: str) -> int:
    vault, identity = backline.vault, getattr(table, key)
    stale = (
        sa.select(identity, table.sealed, table.key_id)
        .where(table.key_id != vault.newest.id)
        .limit(BATCH)
        .with_for_update()
    )
    with backline.database.write() as connection:
        rows = connection.execute(stale).all()
        for row in rows:
            subject = f"{table.__tablename__}/{row[0]}"
            sealed = vault.seal(vault.unseal(Sealed(row.sealed, row.key_id), subject), subject)
            unchanged = (identity == row[0]) & (table.key_id == row.key_id)
            connection.execute(
                sa.update(table).where(unchanged).values(sealed=sealed.value, key_id=sealed.key_id)
            )
        if rows:
            audit.record(connection, "command line", "keys.rotated", table.__tablename__, count=len(rows))
    return len(rows)
