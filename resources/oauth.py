"""OAuth 2.0 with PKCE: the address a person is sent to, and the exchange of codes and refresh tokens.

Sources: RFC 6749, RFC 7636; the providers' deviations are in their declarations.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import httpx
import msgspec

from resources.backline import Backline, Credentials
from resources.errors import (
    AppRefused,
    ContractChanged,
    GrantExpired,
    ProviderError,
    SettingMissing,
    Transient,
)
from resources.provider import Provider
from resources.replies import UNREADABLE

EXCERPT_CHARACTERS = 200
LONGEST_REPLY_SECONDS = 40  # less than the lease of whoever refreshes
LONGEST_LIFE_SECONDS = 10 * 365 * 86_400
SECRET_FIELDS = ("code", "code_verifier", "refresh_token")


class TokenReply(msgspec.Struct, frozen=True):
    """A good answer of the token endpoint; its ``repr`` shows no token."""

    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    refresh_token: str | None = None
    expires_in: int | None = None
    scope: str | None = None

    def __repr__(self) -> str:
        return f"TokenReply(expires_in={self.expires_in}, scope={self.scope!r})"

    def expires_at(self, now: datetime) -> datetime | None:
        """Return when the access token ends."""
        if self.expires_in is None:
            return None
        return now + timedelta(seconds=min(self.expires_in, LONGEST_LIFE_SECONDS))


class TokenFault(msgspec.Struct, frozen=True):
    """A refusal of the token endpoint (RFC 6749, 5.2)."""

    error: str = ""
    error_description: str | None = None


def new_verifier() -> str:
    """Return a fresh PKCE verifier: 43 characters of 32 random bytes."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """Return the ``S256`` challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize_address(backline: Backline, provider: Provider, state: str, verifier: str) -> str:
    """Return where to send the person who connects an account."""
    params = {
        "response_type": "code",
        "client_id": backline.credentials(provider).client_id,
        "redirect_uri": backline.redirect_uri(provider),
        "scope": " ".join(provider.oauth.scopes),
        "state": state,
        **provider.oauth.params,
    }
    if provider.oauth.pkce:
        params |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    return str(httpx.URL(backline.authorize_url(provider)).copy_merge_params(params))


class TokenClient:
    """Speaks to one provider's token endpoint."""

    def __init__(self, backline: Backline, provider: Provider, client: httpx.AsyncClient) -> None:
        self._backline, self._provider, self._client = backline, provider, client

    async def exchange(self, code: str, verifier: str) -> TokenReply:
        """Exchange an authorization code; raise ``GrantExpired`` where it is no longer good."""
        form = {"grant_type": "authorization_code", "code": code}
        form["redirect_uri"] = self._backline.redirect_uri(self._provider)
        if self._provider.oauth.pkce:
            form["code_verifier"] = verifier
        return await self._post(form)

    async def refresh(self, refresh_token: str | None) -> TokenReply:
        """Exchange a refresh token; raise ``GrantExpired`` where a person must consent again."""
        if refresh_token is None:
            problem = "the access token ended and there is no refresh token"
            raise GrantExpired(self._provider.name, problem)
        return await self._post({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def _post(self, form: dict[str, str]) -> TokenReply:
        credentials = self._credentials()
        address = self._backline.token_url(self._provider)
        try:
            async with asyncio.timeout(LONGEST_REPLY_SECONDS):
                response = await self._client.send(_token_request(address, form, credentials))
        except (TimeoutError, httpx.HTTPError) as error:
            raise Transient(self._provider.name, f"the token endpoint: {type(error).__name__}") from error
        if not response.is_success:
            hidden = [form[name] for name in SECRET_FIELDS if name in form]
            raise self._refusal(response, [*hidden, credentials.client_secret, _basic(credentials)])
        try:
            return msgspec.json.decode(response.content, type=TokenReply)
        except UNREADABLE as error:
            raise ContractChanged(
                self._provider.name, "the token endpoint's answer is not understood"
            ) from error

    def _credentials(self) -> Credentials:
        try:
            return self._backline.credentials(self._provider)
        except SettingMissing as error:
            raise AppRefused(self._provider.name, str(error)) from error

    def _refusal(self, response: httpx.Response, hidden: Sequence[str]) -> ProviderError:
        """Return what a refusal means; what it repeats of the request's ``hidden`` values is masked."""
        name, status = self._provider.name, response.status_code
        try:
            fault = msgspec.json.decode(response.content, type=TokenFault)
        except UNREADABLE:
            fault = TokenFault()
        word, description = _masked(fault.error, hidden), _masked(fault.error_description or "", hidden)
        if word == "invalid_grant":
            return GrantExpired(name, description or "the grant is invalid", status=status)
        if word in {"invalid_client", "unauthorized_client"}:
            return AppRefused(name, f"the token endpoint answers {word}", status=status)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
            return Transient(name, f"the token endpoint answers {status}", status=status)
        return ContractChanged(name, f"the token endpoint answers {status} {word}", status=status)


def _masked(text: str, hidden: Sequence[str]) -> str:
    """Return the start of a text, without the secrets that it may repeat, fit for any database."""
    for secret in filter(None, hidden):
        text = text.replace(secret, "••••")
    return text[:EXCERPT_CHARACTERS].replace("\0", "\ufffd")


def _token_request(address: str, form: dict[str, str], credentials: Credentials) -> httpx.Request:
    """Authenticate with Basic where the app has a secret, otherwise by its id alone (PKCE)."""
    if not credentials.client_secret:
        return httpx.Request("POST", address, data={**form, "client_id": credentials.client_id})
    headers = {"authorization": f"Basic {_basic(credentials)}"}
    return httpx.Request("POST", address, data=form, headers=headers)


def _basic(credentials: Credentials) -> str:
    """Return the credentials as ``Basic`` authentication writes them; a secret."""
    return base64.b64encode(f"{credentials.client_id}:{credentials.client_secret}".encode()).decode()
