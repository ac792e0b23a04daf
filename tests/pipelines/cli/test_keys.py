"""`backline keys`: rotation, interrupted and resumed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from resources import rotation
from resources.grants import open_grant
from resources.rotation import count_stale, reseal_batches
from resources.tables import Grant
from resources.vault import EncryptionKey, Vault

OLD, NEW = EncryptionKey(b"o" * 32), EncryptionKey(b"n" * 32)


@pytest.fixture
def rotated(installation, monkeypatch):
    """Five accounts sealed under the old key, with a new one put before it."""
    monkeypatch.setenv("BACKLINE_ENCRYPTION_KEYS", OLD.text())
    for number in range(5):
        installation.connect(name=f"Account {number}")
    monkeypatch.setenv("BACKLINE_ENCRYPTION_KEYS", f"{NEW.text()}, {OLD.text()}")
    return installation


def opened(installation, *keys):
    """Return how many grants open under these keys alone."""
    vault = Vault(keys)
    return sum(
        open_grant(vault, row).tokens.access_token == "secret-access"
        for row in installation.rows(sa.select(Grant.__table__))
    )


def test_a_new_key_can_be_set(installation, monkeypatch):
    document = installation.json("keys", "new")
    monkeypatch.setenv("BACKLINE_ENCRYPTION_KEYS", installation.run("keys", "new").stdout.strip())
    assert EncryptionKey.parse(document["key"]).id == document["key_id"]
    assert installation.json("keys", "rotate")["resealed"] == 0


def test_every_value_is_sealed_again_under_the_newest_key(rotated):
    assert rotated.json("keys", "rotate") == {"resealed": 5, "key_id": NEW.id}
    assert opened(rotated, NEW) == 5


def test_a_second_rotation_has_nothing_to_do(rotated):
    rotated.json("keys", "rotate")
    assert rotated.run("keys", "rotate").stdout == (
        f"Re-sealed 0 under key {NEW.id}; older keys may be removed now.\n"
    )


def test_an_interrupted_rotation_leaves_all_readable_and_is_taken_up(rotated, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 2)
    batches = reseal_batches(rotated.backline)
    assert next(batches) == 2
    batches.close()  # what a killed process does: nothing more
    assert count_stale(rotated.backline) == 3
    assert opened(rotated, NEW, OLD) == 5
    assert rotated.json("keys", "rotate") == {"resealed": 3, "key_id": NEW.id}
    assert opened(rotated, NEW) == 5


def test_a_missing_key_is_named_and_what_was_done_stays(rotated, monkeypatch):
    rotated.json("keys", "rotate")
    monkeypatch.setenv("BACKLINE_ENCRYPTION_KEYS", EncryptionKey(b"x" * 32).text())
    result = rotated.run("keys", "rotate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"put the key with id {NEW.id} into" in result.stderr
    assert opened(rotated, NEW) == 5
