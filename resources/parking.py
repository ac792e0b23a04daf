"""Parking: a provider app that has to wait is left alone by every process until its time."""

from __future__ import annotations

import sqlalchemy as sa

from resources.database import Database, insert_into, utc_now
from resources.errors import ParkingError, QuotaExhausted, RateLimited
from resources.provider import Provider
from resources.tables import ProviderPark


def park(database: Database, provider: Provider, error: ParkingError) -> None:
    """Leave the provider alone until ``error.retry_at``; a later time that is set already stays."""
    values = {
        "until": error.retry_at,
        "error_type": error.code,
        "reason": error.reason,
        "parked_at": utc_now(),
    }
    with database.write() as connection:
        insert = insert_into(connection, ProviderPark).values(provider=provider.name, **values)
        later = ProviderPark.until < error.retry_at
        connection.execute(
            insert.on_conflict_do_update(index_elements=["provider"], set_=values, where=later)
        )


def current(database: Database, provider: Provider) -> ParkingError | None:
    """Return why the provider must be left alone now, or ``None``."""
    query = sa.select(ProviderPark).where(
        ProviderPark.provider == provider.name, ProviderPark.until > utc_now()
    )
    with database.read() as connection:
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    kind = QuotaExhausted if row["error_type"] == QuotaExhausted.code else RateLimited
    return kind(provider.name, row["reason"], retry_at=row["until"])
