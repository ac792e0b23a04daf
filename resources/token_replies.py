"""What token endpoints answer, in the shapes that providers have for it.

RFC 6749, 5.1 and 5.2; Google adds ``refresh_token_expires_in`` and once wrote scopes as a list;
Instagram wraps its answer in ``data``, says ``permissions``, and refuses in words of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

LONGEST_LIFE_SECONDS = 10 * 365 * 86_400


class TokenReply(msgspec.Struct, frozen=True):
    """A good answer of the token endpoint; its ``repr`` shows no token. Times in seconds."""

    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    refresh_token: str | None = None
    expires_in: int | None = None
    refresh_token_expires_in: int | None = None
    scope: str | list[str] | None = None
    permissions: str | list[str] | None = None

    def __repr__(self) -> str:
        return f"TokenReply(expires_in={self.expires_in}, scopes={self.scopes!r})"

    @property
    def scopes(self) -> tuple[str, ...] | None:
        """The scopes granted; ``None`` where the answer does not say."""
        said = self.permissions if self.scope is None else self.scope
        if said is None:
            return None
        words = said.replace(",", " ").split() if isinstance(said, str) else said
        return tuple(dict.fromkeys(words))

    def expires_at(self, now: datetime) -> datetime | None:
        """Return when the access token ends."""
        return _after(now, self.expires_in)

    def ends_at(self, now: datetime) -> datetime | None:
        """Return when the consent ends, where the provider says so."""
        return _after(now, self.refresh_token_expires_in)


class TokenFault(msgspec.Struct, frozen=True):
    """A refusal of the token endpoint: RFC 6749's, or Instagram's ``error_type`` and ``error_message``."""

    error: str | dict[str, Any] = ""
    error_description: str | None = None
    error_type: str = ""
    error_message: str = ""

    @property
    def word(self) -> str:
        """The error in one word."""
        if isinstance(self.error, str):
            return self.error or self.error_type
        return str(self.error.get("code", self.error.get("type", "")))

    @property
    def description(self) -> str:
        """The error in the provider's own words."""
        if isinstance(self.error, dict):
            return str(self.error.get("message", ""))
        return self.error_description or self.error_message


def read_reply(body: bytes) -> TokenReply:
    """Decode a good answer; raise ``msgspec.DecodeError`` and its kin where it is none."""
    answer = msgspec.json.decode(body)
    wrapped = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(wrapped, list) and wrapped:
        answer = wrapped[0]
    return msgspec.convert(answer, TokenReply)


def _after(now: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=min(seconds, LONGEST_LIFE_SECONDS))
