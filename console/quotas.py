"""What a provider card says of its app's quota today: spent, left, and who waits for tomorrow."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from resources.backline import Backline
from resources.budget import Balance, balances
from resources.database import utc_now
from resources.provider import MAIN_BUCKET, Provider
from resources.tables import ConnectedAccount, SyncPosition


@dataclass(frozen=True)
class QuotaState:
    """Today's balances of an app, the main one first; ``waiting`` are accounts not synced since the reset."""

    balances: tuple[Balance, ...]
    resets_at: datetime
    waiting: int

    @property
    def main(self) -> Balance:
        """The bucket that most requests are paid from."""
        return next(one for one in self.balances if one.bucket == MAIN_BUCKET)

    @property
    def is_spent(self) -> bool:
        """Whether schedules may spend no more today."""
        return not self.main.left_for_schedules


def quota_state(backline: Backline, provider: Provider) -> QuotaState | None:
    """Return how an app's quota stands, ``None`` where it has none."""
    quota = backline.quota(provider)
    if quota is None:
        return None
    now = utc_now()
    found = tuple(balances(backline.database, provider, quota, now))
    account, stopped = ConnectedAccount, sa.exists().where(SyncPosition.provider == provider.name)
    query = (
        sa.select(sa.func.count())
        .where(account.provider == provider.name, account.status == "connected", stopped)
        .where(sa.or_(account.last_sync_at.is_(None), account.last_sync_at < quota.began(now)))
    )
    with backline.database.read() as connection:
        return QuotaState(found, quota.reset(now), connection.execute(query).scalar_one())
