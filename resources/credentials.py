"""Storing a provider app's credentials, sealed; they win over those in the environment."""

from __future__ import annotations

import re

from resources import audit
from resources.backline import Backline, credentials_subject
from resources.database import insert_into, utc_now
from resources.errors import InputRefused
from resources.provider import Provider
from resources.tables import AppCredential

VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,512}")


def store_credentials(
    backline: Backline, provider: Provider, client_id: str, client_secret: str, actor: str
) -> None:
    """Seal and store an app's id and secret over older ones.

    An empty secret means PKCE alone, which not every provider takes. Raise ``InputRefused`` where one is
    not what a developer console shows.
    """
    client_id, client_secret = client_id.strip(), client_secret.strip()
    for field, value in (("client_id", client_id), ("client_secret", client_secret)):
        may_be_empty = field == "client_secret" and not provider.oauth.needs_secret
        if not VISIBLE_ASCII.fullmatch(value) and not (may_be_empty and value == ""):
            problem = "is empty, too long, or holds blanks or letters outside ASCII"
            raise InputRefused(field, problem, f"copy it from {provider.title}'s developer console")
    sealed = backline.vault.seal(client_secret.encode(), credentials_subject(provider))
    values = {
        "client_id": client_id,
        "sealed": sealed.value,
        "key_id": sealed.key_id,
        "updated_at": utc_now(),
    }
    with backline.database.write() as connection:
        insert = insert_into(connection, AppCredential).values(provider=provider.name, **values)
        connection.execute(insert.on_conflict_do_update(index_elements=["provider"], set_=values))
        audit.record(connection, actor, "app.credentials_stored", f"app_credentials/{provider.name}")
