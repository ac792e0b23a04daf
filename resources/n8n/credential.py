"""The one secret that n8n shares with us, in the form in which n8n's Crypto node takes it."""

from __future__ import annotations

from typing import Any

from resources.errors import InputRefused
from resources.settings import Settings
from resources.signing import parse_secrets
from resources.vault import signing_secrets_text

ID, NAME, TYPE = "backlineSigning1", "Backline signing secret", "crypto"
BY_HAND = (
    f"make a credential of type Crypto with the name `{NAME}` in n8n; its HMAC secret is the text behind "
    "`whsec_` of the first signing secret, base64-decoded"
)


def crypto_values(settings: Settings) -> dict[str, Any]:
    """Return the fields of n8n's credential, with the newest secret as text; a secret.

    Raises ``InputRefused`` where there is no secret, or one that is not text: n8n cannot undo base64.
    """
    field = "BACKLINE_N8N_SIGNING_SECRETS"
    known = parse_secrets(signing_secrets_text(settings))
    if not known:
        raise InputRefused(field, "holds no secret", "set one, or unset it to have one made")
    key = known[0].key
    if not (key.isascii() and key.decode("ascii").isprintable()):
        cure = "put one first whose raw bytes are printable ASCII, as those that Backline makes"
        raise InputRefused(field, "n8n takes its key as text, and the first secret is not text", cure)
    return {"hmacSecret": key.decode("ascii")}
