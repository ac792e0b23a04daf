"""Who a push is from: the signature over its raw body, and the words by which our address is verified.

What is agreed with a hub or an app is derived from the vault's keys, so that nothing of it is stored.
Sources: W3C WebSub, 5.1.2 and 7; https://developers.facebook.com/docs/graph-api/webhooks/getting-started.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable

from resources.backline import Backline
from resources.provider import Provider, Pushes


def verify_token(backline: Backline, provider: Provider) -> str:
    """Return the word that a provider shows when it verifies the app's address; a secret."""
    given = backline.provider_settings(provider).verify_token.get_secret_value()
    return given or backline.vault.derived(f"verify token of {provider.name}")[0]


def is_verify_token(backline: Backline, provider: Provider, word: str) -> bool:
    """Say whether a word is the one that was agreed."""
    return hmac.compare_digest(word.encode(), verify_token(backline, provider).encode())


def subscription_secrets(backline: Backline, account_id: uuid.UUID) -> list[str]:
    """Return what an account's pushes are signed with, under each of the vault's keys, the newest first."""
    return backline.vault.derived(f"pushes of {account_id}")


def is_signed(pushes: Pushes, body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """Say whether a body bears the signature of one of the secrets."""
    algorithm, _, given = header.partition("=")
    if algorithm != pushes.algorithm or not given.isascii():
        return False
    return any(
        hmac.compare_digest(hmac.new(secret.encode(), body, algorithm).hexdigest(), given.lower())
        for secret in secrets
        if secret
    )
