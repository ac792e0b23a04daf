"""Taking pushes: what is proven and new is stored once, and waits for the sensor."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.backline import Backline
from resources.database import insert_into, utc_now
from resources.provider import News, Provider, Pushes
from resources.pushes.proof import is_signed, subscription_secrets
from resources.tables import ConnectedAccount, ProviderPush

logger = logging.getLogger(__name__)

LONGEST_WORD = 200
MOST_NEWS = 1_000


class PushRefused(Exception):  # an answer to whoever pushed
    """The push bears no good signature."""


@dataclass(frozen=True)
class Receipt:
    """What became of a push: news stored, told before, and about accounts that are not connected."""

    stored: int
    repeated: int
    ignored: int


def receive(  # noqa: PLR0913, PLR0917  # a push has that many parts
    backline: Backline,
    provider: Provider,
    pushes: Pushes,
    body: bytes,
    signature: str,
    account_id: uuid.UUID | None = None,
) -> Receipt:
    """Store a push's news; raise ``PushRefused``, or ``PushUnreadable`` where it is signed but no push.

    ``account_id`` is whose subscription it came by; without one the app's secret has signed it.
    """
    if account_id is not None:
        secrets = subscription_secrets(backline, account_id)
    else:
        secrets = [backline.credentials(provider).client_secret]
    if not is_signed(pushes, body, signature, secrets):
        raise PushRefused
    news = pushes.read(body)[:MOST_NEWS]
    receipt = _store(backline, provider, news, account_id)
    logger.info("%s pushed %d news: %s.", provider.title, len(news), receipt)
    return receipt


def _store(
    backline: Backline, provider: Provider, news: Sequence[News], account_id: uuid.UUID | None
) -> Receipt:
    account = ConnectedAccount
    known = sa.select(account.external_id).where(
        account.provider == provider.name,
        account.status == "connected",
        account.external_id.in_({one.account for one in news}),
    )
    if account_id is not None:
        known = known.where(account.id == account_id)
    stored = 0
    with backline.database.write() as connection:
        ours = set(connection.execute(known).scalars())
        meant = [one for one in news if one.account in ours]
        for one in meant:
            insert = insert_into(connection, ProviderPush).values(**_values(provider, one))
            stored += connection.execute(insert.on_conflict_do_nothing()).rowcount
    return Receipt(stored, len(meant) - stored, len(news) - len(meant))


def _values(provider: Provider, news: News) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "provider": provider.name,
        "external_id": news.account,
        "kind": _fit(news.kind),
        "subject": _fit(news.subject),
        "mark": _fit(news.mark),
        "status": "pending",
        "received_at": utc_now(),
    }


def _fit(word: str) -> str:
    """Return a provider's word as any database takes it."""
    return word[:LONGEST_WORD].replace("\0", "\ufffd").encode(errors="replace").decode()
