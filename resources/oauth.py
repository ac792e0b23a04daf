"""OAuth 2.0: where a person is sent to consent, and the exchange of codes and tokens for tokens.

Sources: RFC 6749, RFC 7636, RFC 7009; the providers' deviations are in their declarations.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Literal

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
from resources.provider import Provider, SelfRenewal
from resources.replies import UNREADABLE
from resources.token_replies import TokenFault, TokenReply, read_reply

EXCERPT_CHARACTERS = 200
LONGEST_REPLY_SECONDS = 40  # less than the lease of whoever refreshes
SECRET_FIELDS = ("code", "code_verifier", "refresh_token", "access_token", "client_secret")
APP_WORDS = ("client secret", "client_secret", "platform app")  # Meta says only so that the app is meant


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
        "scope": provider.oauth.scope_separator.join(provider.oauth.all_scopes),
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
        """Exchange an authorization code; raise ``GrantExpired`` where it is no longer good.

        Where the provider has long-lived tokens, what the code brought is exchanged for one at once.
        """
        form = {"grant_type": "authorization_code", "code": code}
        form["redirect_uri"] = self._backline.redirect_uri(self._provider)
        if self._provider.oauth.pkce:
            form["code_verifier"] = verifier
        reply = await self._post(form)
        renewal = self._provider.oauth.renewal
        if renewal is None:
            return reply
        params = {"grant_type": renewal.exchange_grant, "access_token": reply.access_token}
        secret = {"client_secret": self._credentials().client_secret}
        lasting = await self._get(renewal.host, renewal.exchange_path, params | secret)
        return (
            lasting
            if lasting.scopes
            else msgspec.structs.replace(lasting, scope=list(reply.scopes or ()) or None)
        )

    async def refresh(self, refresh_token: str | None) -> TokenReply:
        """Exchange a refresh token; raise ``GrantExpired`` where a person must consent again."""
        if refresh_token is None:
            problem = "the access token ended and there is no refresh token"
            raise GrantExpired(self._provider.name, problem)
        return await self._post({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def renew(self, renewal: SelfRenewal, access_token: str) -> TokenReply:
        """Let an access token renew itself; raise ``GrantExpired`` where it cannot any more."""
        params = {"grant_type": renewal.renew_grant, "access_token": access_token}
        return await self._get(renewal.host, renewal.renew_path, params)

    async def _post(self, form: dict[str, str]) -> TokenReply:
        credentials = self._credentials()
        address, secret_in = self._backline.token_url(self._provider), self._provider.oauth.secret_in
        request = _token_request(address, form, credentials, secret_in)
        return await self._answer(request, [form[name] for name in SECRET_FIELDS if name in form])

    async def _get(self, host: str, path: str, params: dict[str, str]) -> TokenReply:
        """Ask for a token by an address that holds secrets; it is never told to anybody."""
        address = f"{self._backline.api_urls(self._provider)[host]}{path}"
        hidden = [params[name] for name in SECRET_FIELDS if name in params]
        return await self._answer(httpx.Request("GET", address, params=params), hidden)

    async def _answer(self, request: httpx.Request, hidden: Sequence[str]) -> TokenReply:
        try:
            async with asyncio.timeout(LONGEST_REPLY_SECONDS):
                response = await self._client.send(request)
        except (TimeoutError, httpx.HTTPError) as error:
            fault = Transient(self._provider.name, f"the token endpoint: {type(error).__name__}")
            raise fault from None if request.method == "GET" else error  # its address would be told along
        if not response.is_success:
            credentials = self._credentials()
            raise self._refusal(response, [*hidden, credentials.client_secret, _basic(credentials)])
        try:
            return read_reply(response.content)
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
        word, description = _masked(fault.word, hidden), _masked(fault.description, hidden)
        if any(part in description.lower() for part in APP_WORDS):
            return AppRefused(name, description, status=status)
        if word in self._provider.oauth.dead_grant:
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


def _token_request(
    address: str, form: dict[str, str], credentials: Credentials, secret_in: Literal["header", "body"]
) -> httpx.Request:
    """Authenticate as the provider wants it; an app without a secret by its id alone (PKCE)."""
    identity = {"client_id": credentials.client_id}
    if not credentials.client_secret:
        return httpx.Request("POST", address, data={**form, **identity})
    if secret_in == "body":  # noqa: S105  # a place, no secret
        return httpx.Request(
            "POST", address, data={**form, **identity, "client_secret": credentials.client_secret}
        )
    headers = {"authorization": f"Basic {_basic(credentials)}"}
    return httpx.Request("POST", address, data=form, headers=headers)


def _basic(credentials: Credentials) -> str:
    """Return the credentials as ``Basic`` authentication writes them; a secret."""
    return base64.b64encode(f"{credentials.client_id}:{credentials.client_secret}".encode()).decode()
