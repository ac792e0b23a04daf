"""Up to where each part of the audience has read: kept only once all before it is written."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from resources.audience.shards import Shard
from resources.database import Database, insert_into
from resources.tables import AudiencePosition

# a row's moment is older than its commit, and clocks of machines differ
OVERLAP = timedelta(hours=1)


def position_of(database: Database, part: str, shard: Shard) -> datetime | None:
    """Return from when on a part must be read again; ``None`` where it never was read to its end."""
    query = sa.select(AudiencePosition.read_until).where(
        AudiencePosition.part == part, AudiencePosition.shard == shard.name
    )
    with database.read() as connection:
        read_until = connection.execute(query).scalar_one_or_none()
    return None if read_until is None else read_until - OVERLAP


def keep_position(database: Database, part: str, shard: Shard, read_until: datetime) -> None:
    """Remember that all up to a moment is written."""
    with database.write() as connection:
        insert = insert_into(connection, AudiencePosition)
        statement = insert.values(part=part, shard=shard.name, read_until=read_until)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["part", "shard"], set_={"read_until": insert.excluded.read_until}
            )
        )
