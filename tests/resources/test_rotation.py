"""Re-sealing under a new key, on both databases."""

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from resources.backline import Backline
from resources.database import utc_now
from resources.errors import SealBroken
from resources.grants import open_grant
from resources.rotation import BATCH, count_stale, reseal_batches
from resources.tables import AppCredential, AuditEntry, Grant
from resources.vault import EncryptionKey, Sealed

OLD, NEW = EncryptionKey(b"k" * 32), EncryptionKey(b"n" * 32)


def under(simulated, *keys):
    """Return the same installation under other keys."""
    text = SecretStr(",".join(key.text() for key in keys))
    return Backline(simulated.backline.settings.model_copy(update={"encryption_keys": text}))


def tokens(backline):
    with backline.database.read() as connection:
        rows = connection.execute(sa.select(Grant.__table__)).all()
    return {row.account_id: open_grant(backline.vault, row).tokens for row in rows}


@pytest.fixture
def sealed(simulated):
    grants = simulated.control("grants", provider="spotify", account=0, count=7)["grants"]
    simulated.import_grants([("acme", grants)])
    secret = simulated.backline.vault.seal(b"app secret", "app_credentials/spotify")
    with simulated.database.write() as connection:
        connection.execute(
            sa.insert(AppCredential).values(
                provider="spotify",
                client_id="id",
                sealed=secret.value,
                key_id=secret.key_id,
                updated_at=utc_now(),
            )
        )
    return simulated


def test_everything_opens_under_the_new_key_alone(sealed):
    before, both = tokens(sealed.backline), under(sealed, NEW, OLD)
    assert count_stale(both) == 8
    assert sum(reseal_batches(both)) == 8
    assert count_stale(both) == 0
    alone = under(sealed, NEW)
    assert tokens(alone) == before
    assert alone.vault.unseal(*credential(alone)) == b"app secret"


def credential(backline):
    with backline.database.read() as connection:
        row = connection.execute(sa.select(AppCredential.__table__)).one()
    return Sealed(row.sealed, row.key_id), "app_credentials/spotify"


def test_a_second_rotation_has_nothing_to_do(sealed):
    both = under(sealed, NEW, OLD)
    list(reseal_batches(both))
    assert list(reseal_batches(both)) == []


def test_it_can_be_stopped_and_goes_on_later(sealed):
    sealed.world.accounts = 1_000
    grants = sealed.control("grants", provider="spotify", account=100, count=BATCH)["grants"]
    sealed.import_grants([("big", grants)])
    both = under(sealed, NEW, OLD)
    assert next(reseal_batches(both)) == BATCH
    assert count_stale(both) == 8
    assert len(tokens(both)) == BATCH + 7
    assert list(reseal_batches(both)) == [7, 1]


def test_a_missing_key_is_named_and_what_was_done_stays(sealed):
    stranger = EncryptionKey(b"s" * 32)
    with pytest.raises(SealBroken, match=OLD.id):
        list(reseal_batches(under(sealed, NEW, stranger)))
    assert len(tokens(sealed.backline)) == 7


def test_each_batch_is_audited_without_secrets(sealed):
    list(reseal_batches(under(sealed, NEW, OLD)))
    query = sa.select(AuditEntry.__table__).where(AuditEntry.action == "keys.rotated")
    entries = sealed.rows(query)
    assert {(entry["subject"], entry["details"]["count"]) for entry in entries} == {
        ("grants", 7),
        ("app_credentials", 1),
    }


def test_a_value_copied_to_another_row_does_not_open(sealed):
    table = Grant.__table__
    first, second = sealed.rows(sa.select(table).limit(2))
    with sealed.database.write() as connection:
        values = {"sealed": first["sealed"], "key_id": first["key_id"]}
        connection.execute(
            sa.update(table).where(table.c.account_id == second["account_id"]).values(**values)
        )
    with pytest.raises(SealBroken):
        list(reseal_batches(under(sealed, NEW, OLD)))
