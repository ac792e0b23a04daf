"""Follow proofs: what lets whoever sent a call ask what came of it, and nobody else.

A call's id is no secret: it is in logs and in the address of the page of scrapers. The proof follows from id
and signing secret, so that nothing is stored, a repeated call is answered alike, and it ends when the secret
that made it is taken out of the settings.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Sequence

from resources.signing import SigningSecret


def follow_proof(secrets: Sequence[SigningSecret], call_id: uuid.UUID) -> str:
    """Return the proof of a call under the newest secret."""
    return _proof(secrets[0], call_id)


def may_follow(secrets: Sequence[SigningSecret], call_id: uuid.UUID, proof: str) -> bool:
    """Say whether a proof is a call's, under any secret that still signs."""
    fits = [hmac.compare_digest(_proof(secret, call_id).encode(), proof.encode()) for secret in secrets]
    return any(fits)


def _proof(secret: SigningSecret, call_id: uuid.UUID) -> str:
    return hmac.new(secret.key, b"backline follow\0" + call_id.bytes, hashlib.sha256).hexdigest()
