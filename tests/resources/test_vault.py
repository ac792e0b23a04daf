"""The vault: what it seals opens as that alone, and its first key is made once."""

from __future__ import annotations

import contextlib
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from resources.errors import InputRefused, SealBroken, SettingMissing
from resources.settings import Settings
from resources.signing import parse_secrets
from resources.vault import EncryptionKey, Sealed, Vault, signing_secrets_text, vault_of

OLD, NEW, FOREIGN = (EncryptionKey(bytes([n]) * 32) for n in (1, 2, 3))
VAULT = Vault([NEW, OLD])
SUBJECT = "grants/7"

plains, subjects = st.binary(max_size=300), st.text(max_size=40)


def settings_in(home, **values) -> Settings:
    return Settings(_env_file=None, home=home, **values)


@given(plain=plains, subject=subjects)
def test_what_is_sealed_opens_as_its_subject(plain, subject):
    assert VAULT.unseal(VAULT.seal(plain, subject), subject) == plain


@given(plain=plains, subject=subjects, other=subjects)
def test_value_copied_to_another_row_does_not_open(plain, subject, other):
    if subject != other:
        with pytest.raises(SealBroken, match="sealed for another row"):
            VAULT.unseal(VAULT.seal(plain, subject), other)


@given(data=st.data(), plain=plains)
def test_one_changed_byte_breaks_the_seal(data, plain):
    sealed = VAULT.seal(plain, SUBJECT)
    changed = bytearray(sealed.value)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        VAULT.unseal(Sealed(bytes(changed), sealed.key_id), SUBJECT)


def test_truncated_value_breaks_the_seal_wherever_it_ends():
    sealed = VAULT.seal(b"plain", SUBJECT)
    for length in range(len(sealed.value)):
        with pytest.raises(SealBroken):
            VAULT.unseal(Sealed(sealed.value[:length], sealed.key_id), SUBJECT)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_do_not_open_and_raise_nothing_else(value):
    with pytest.raises(SealBroken):
        VAULT.unseal(Sealed(value, NEW.id), SUBJECT)


def test_newest_key_seals_and_older_ones_still_open():
    of_old = Vault([OLD]).seal(b"plain", SUBJECT)
    assert VAULT.unseal(of_old, SUBJECT) == b"plain"
    assert VAULT.seal(b"plain", SUBJECT).key_id == VAULT.newest.id == NEW.id


def test_missing_key_is_named_so_that_it_can_be_put_back():
    sealed = Vault([FOREIGN]).seal(b"plain", SUBJECT)
    with pytest.raises(SealBroken, match=f"put the key with id {FOREIGN.id} into"):
        VAULT.unseal(sealed, SUBJECT)


def test_value_under_another_keys_id_does_not_open():
    sealed = VAULT.seal(b"plain", SUBJECT)
    with pytest.raises(SealBroken):
        VAULT.unseal(Sealed(sealed.value, OLD.id), SUBJECT)


def test_unknown_version_is_refused_by_its_name():
    sealed = VAULT.seal(b"plain", SUBJECT)
    with pytest.raises(SealBroken, match="version"):
        VAULT.unseal(Sealed(b"\x02" + sealed.value[1:], sealed.key_id), SUBJECT)


def test_same_secret_is_never_sealed_to_the_same_bytes():
    assert VAULT.seal(b"plain", SUBJECT).value != VAULT.seal(b"plain", SUBJECT).value


def test_nothing_shows_a_key_or_what_it_sealed():
    key = EncryptionKey(b"canary-canary-canary-canary-cana")
    vault = Vault([key])
    sealed = vault.seal(b"canary", SUBJECT)
    assert "canary" not in f"{key!r} {vault!r} {sealed!r}"
    assert key.text() not in f"{key!r} {vault!r} {sealed!r}"
    assert b"canary" not in sealed.value


@given(st.binary(min_size=32, max_size=32).map(EncryptionKey))
def test_key_is_read_as_it_was_written(key):
    assert EncryptionKey.parse(key.text()) == key
    assert EncryptionKey.parse(key.text()).id == key.id


@pytest.mark.parametrize(
    "text", ["", "canary", "canary!", "canaryé", "Y2FuYXJ5", NEW.text()[:-4], NEW.text() * 2]
)
def test_bad_key_is_refused_without_being_shown(text):
    with pytest.raises(InputRefused, match=r"BACKLINE_ENCRYPTION_KEYS: .*`backline keys new`") as refusal:
        EncryptionKey.parse(text)
    assert not text or text not in str(refusal.value)


@given(st.text())
def test_arbitrary_text_is_a_key_or_refused(text):
    with contextlib.suppress(InputRefused):
        assert len(EncryptionKey.parse(text).raw) == 32


def test_set_keys_are_read_newest_first(tmp_path):
    vault = vault_of(settings_in(tmp_path, encryption_keys=SecretStr(f"{NEW.text()}, {OLD.text()}")))
    assert vault.newest == NEW
    assert vault.unseal(Vault([OLD]).seal(b"plain", SUBJECT), SUBJECT) == b"plain"
    assert not (tmp_path / "secrets").exists()


def test_embedded_key_is_made_in_a_file_for_its_owner_alone(tmp_path):
    vault = vault_of(settings_in(tmp_path / "home"))
    path = tmp_path / "home" / "secrets" / "encryption_keys"
    assert EncryptionKey.parse(path.read_text().strip()) == vault.newest
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_concurrent_makers_agree_on_one_key(tmp_path):
    with ThreadPoolExecutor(16) as threads:
        vaults = list(threads.map(lambda _: vault_of(settings_in(tmp_path)), range(64)))
    assert len({vault.newest for vault in vaults}) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["encryption_keys"]


def test_embedded_signing_secret_is_made_once(tmp_path):
    text = signing_secrets_text(settings_in(tmp_path))
    assert signing_secrets_text(settings_in(tmp_path)) == text
    assert len(parse_secrets(text)) == 1


@pytest.mark.parametrize("make", [vault_of, signing_secrets_text])
def test_production_makes_up_no_secret(tmp_path, make):
    with pytest.raises(SettingMissing, match="is needed for production"):
        make(settings_in(tmp_path, environment="production"))
    assert list(tmp_path.iterdir()) == []


def test_vault_without_a_key_is_refused(tmp_path):
    with pytest.raises(SettingMissing, match="backline keys new"):
        vault_of(settings_in(tmp_path, encryption_keys=SecretStr(" , ")))
