"""Sealing of secrets: envelope encryption with AES-256-GCM, a key id beside each value.

A sealed value is ``version | nonce | wrapped data key | nonce | ciphertext``. The data key is made
for that one value and wrapped by the key whose id stands beside it. Both layers authenticate the
value's subject (table and row), so that a value copied to another row does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from resources.errors import InputRefused, SealBroken, SettingMissing
from resources.settings import Settings
from resources.signing import SigningSecret

FIELD = "BACKLINE_ENCRYPTION_KEYS"
KEY_BYTES, NONCE_BYTES, TAG_BYTES, VERSION = 32, 12, 16, b"\x01"
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES


@dataclass(frozen=True)
class EncryptionKey:
    """A key-encryption key and the id that is stored beside what it sealed."""

    raw: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Eight hex digits that name the key and tell nothing of it."""
        return hashlib.sha256(b"backline key id\0" + self.raw).hexdigest()[:8]

    @classmethod
    def new(cls) -> EncryptionKey:
        """Make a random key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> EncryptionKey:
        """Read URL-safe base64 of 32 bytes; raise ``InputRefused`` where it is not that."""
        cure = "use URL-safe base64 of 32 bytes, as `backline keys new` prints"
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
        except ValueError as error:  # not base64, or not even ASCII
            raise InputRefused(FIELD, "a key is not base64", cure) from error
        if len(raw) != KEY_BYTES:
            raise InputRefused(FIELD, f"a key has {len(raw)} bytes", cure)
        return cls(raw)

    def text(self) -> str:
        """Return the form that :meth:`parse` reads; a secret."""
        return base64.urlsafe_b64encode(self.raw).decode()


@dataclass(frozen=True)
class Sealed:
    """A sealed value and the id of the key that opens it."""

    value: bytes = field(repr=False)
    key_id: str


class Vault:
    """Seals under the newest key, opens under any key it holds."""

    def __init__(self, keys: Sequence[EncryptionKey]) -> None:
        if not keys:
            raise SettingMissing(FIELD, "sealing secrets", "make one with `backline keys new` and set it")
        self.newest = keys[0]
        self._keys = {key.id: key for key in keys}

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._keys)})"

    def seal(self, plain: bytes, subject: str) -> Sealed:
        """Seal ``plain`` so that it opens only as ``subject``, for instance ``grants/<id>``."""
        data_key, bound = secrets.token_bytes(KEY_BYTES), subject.encode()
        wrapped = _encrypt(self.newest.raw, data_key, bound)
        return Sealed(VERSION + wrapped + _encrypt(data_key, plain, bound), self.newest.id)

    def unseal(self, sealed: Sealed, subject: str) -> bytes:
        """Open a sealed value; raise ``SealBroken`` where its key is missing or it is another's."""
        key = self._keys.get(sealed.key_id)
        if key is None:
            cure = f"put the key with id {sealed.key_id} into {FIELD} and start this process again"
            raise SealBroken(subject, f"its key {sealed.key_id} is not among the keys set", cure)
        body, bound = sealed.value[len(VERSION) :], subject.encode()
        if not sealed.value.startswith(VERSION):
            raise SealBroken(subject, "its version is unknown", "restore the row from a backup")
        try:
            data_key = _decrypt(key.raw, body[:WRAPPED_BYTES], bound)
            return _decrypt(data_key, body[WRAPPED_BYTES:], bound)
        except InvalidTag as error:
            cure = "restore the row from a backup, or connect again"
            raise SealBroken(subject, "it was changed, or sealed for another row", cure) from error

    def derived(self, purpose: str) -> list[str]:
        """Return a secret word for a purpose under each key, the newest first; nothing of it is stored."""
        bound = b"backline derived\0" + purpose.encode()
        keys = [self.newest, *(key for key in self._keys.values() if key is not self.newest)]
        return [hmac.new(key.raw, bound, hashlib.sha256).hexdigest() for key in keys]


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _decrypt(key: bytes, text: bytes, bound: bytes) -> bytes:
    if len(text) < NONCE_BYTES + TAG_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(text[:NONCE_BYTES], text[NONCE_BYTES:], bound)


def vault_of(settings: Settings) -> Vault:
    """Return the vault under the settings' keys; the embedded default makes its first key itself."""
    text = settings.encryption_keys.get_secret_value() or _embedded_secret(
        settings, "encryption_keys", EncryptionKey.new().text()
    )
    return Vault([EncryptionKey.parse(part.strip()) for part in text.split(",") if part.strip()])


def signing_secrets_text(settings: Settings) -> str:
    """Return the signing secrets as set, or the embedded default's own; a secret."""
    return settings.n8n_signing_secrets.get_secret_value() or _embedded_secret(
        settings, "n8n_signing_secrets", SigningSecret.new().text()
    )


def _embedded_secret(settings: Settings, name: str, fresh: str) -> str:
    """Read a generated secret from HOME, made with mode 0600 where it is not there yet."""
    if settings.environment == "production":
        raise SettingMissing(f"BACKLINE_{name.upper()}", "production")
    path = settings.home / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _create_once(path, fresh)
    return path.read_text().strip()


def write_secret(path: Path, text: str) -> None:
    """Write a file with mode 0600 whole or not at all, in place of one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text + "\n")
    draft.replace(path)


def _create_once(path: Path, text: str) -> None:
    """Write a file whole or not at all, and leave one that is there alone, whoever came first."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text + "\n")
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
