"""OAuth: PKCE as RFC 7636 has it, how the app shows itself, and what each refusal means."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from resources.backline import Backline
from resources.errors import (
    AppRefused,
    ContractChanged,
    GrantExpired,
    ProviderError,
    SettingMissing,
    Transient,
)
from resources.oauth import TokenClient, TokenReply, authorize_address, challenge_of, new_verifier
from resources.provider import Provider
from resources.providers.spotify import PROVIDER as SPOTIFY
from resources.settings import Settings
from resources.tables import Base

pytestmark = pytest.mark.providers

REPLIES = Path(__file__).parents[3] / "shared" / "replies" / "spotify"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECRET, CODE, REFRESH, VERIFIER = "canary-secret", "canary-code", "canary-refresh", "canary-verifier"
WITHOUT_PKCE = Provider(
    name="spotify",
    title="Spotify",
    docs=SPOTIFY.docs,
    apps=SPOTIFY.apps,
    api=SPOTIFY.api,
    oauth=dataclasses.replace(SPOTIFY.oauth, pkce=False),
    streams=(),
)


@pytest.fixture
def backline(monkeypatch, tmp_path) -> Backline:
    """An app with an id and a secret, at the real addresses."""
    monkeypatch.chdir(tmp_path)
    for name in ("API_URL", "AUTHORIZE_URL", "TOKEN_URL", "RATE_LIMIT"):
        monkeypatch.delenv(f"BACKLINE_SPOTIFY_{name}", raising=False)
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_ID", "an-id")
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_SECRET", SECRET)
    url = f"sqlite:///{tmp_path / 'backline.db'}"
    backline = Backline(Settings(home=tmp_path, database_url=url, public_url="https://backline.example/"))
    with backline.database.write() as connection:
        Base.metadata.create_all(connection)
    yield backline
    backline.database.close()


class TokenEndpoint:
    """A token endpoint that gives one answer."""

    def __init__(
        self, backline: Backline, answer: httpx.Response | Exception, provider: Provider = SPOTIFY
    ) -> None:
        self._backline, self._answer, self._provider = backline, answer, provider
        self.requests: list[httpx.Request] = []

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def ask(self, method: str, *arguments: Any) -> TokenReply:
        """Ask by a method of the client, and return the answer as read."""

        async def go() -> TokenReply:
            async with httpx.AsyncClient(transport=httpx.MockTransport(self._respond)) as client:
                token_client = TokenClient(self._backline, self._provider, client)
                reply: TokenReply = await getattr(token_client, method)(*arguments)
                return reply

        return asyncio.run(go())

    def refused(self, method: str = "refresh", *arguments: Any) -> ProviderError:
        """Ask, and return what that raises; it tells no secret."""
        with pytest.raises(ProviderError) as raised:
            self.ask(method, *(arguments or (REFRESH,)))
        assert "canary" not in f"{raised.value} {raised.value!r} {vars(raised.value)}"
        return raised.value

    @property
    def form(self) -> dict[str, str]:
        """The fields that were sent."""
        return {name: value for name, (value,) in parse_qs(self.requests[0].content.decode()).items()}


def good(**values: Any) -> httpx.Response:
    return httpx.Response(200, json={"access_token": "canary-access", "expires_in": 3600, **values})


def test_challenge_is_that_of_the_rfc():
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_verifier_is_fresh_and_of_the_rfcs_alphabet_and_length():
    verifiers = {new_verifier() for _ in range(100)}
    assert len(verifiers) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier) for verifier in verifiers)


def test_person_is_sent_to_the_provider_with_scopes_state_and_challenge(backline):
    address = urlsplit(authorize_address(backline, SPOTIFY, "a state", VERIFIER))
    assert f"{address.scheme}://{address.netloc}{address.path}" == SPOTIFY.oauth.authorize
    assert {name: value for name, (value,) in parse_qs(address.query).items()} == {
        "response_type": "code",
        "client_id": "an-id",
        "redirect_uri": "https://backline.example/connect/spotify/callback",
        "scope": " ".join(SPOTIFY.oauth.scopes),
        "state": "a state",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **SPOTIFY.oauth.params,
    }


def test_address_a_person_is_sent_to_holds_no_secret(backline):
    assert "canary" not in authorize_address(backline, SPOTIFY, "s", VERIFIER)


def test_provider_without_pkce_gets_no_challenge(backline):
    assert "challenge" not in authorize_address(backline, WITHOUT_PKCE, "s", VERIFIER)


def test_parameters_of_a_set_authorize_address_stay(backline, monkeypatch):
    monkeypatch.setenv("BACKLINE_SPOTIFY_AUTHORIZE_URL", "http://127.0.0.1:8790/authorize?person=3")
    address = authorize_address(backline, SPOTIFY, "s", VERIFIER)
    assert address.startswith("http://127.0.0.1:8790/authorize?person=3&")


def test_app_with_a_secret_shows_itself_by_basic(backline):
    endpoint = TokenEndpoint(backline, good())
    endpoint.ask("refresh", REFRESH)
    pair = base64.b64encode(f"an-id:{SECRET}".encode()).decode()
    assert endpoint.requests[0].headers["authorization"] == f"Basic {pair}"
    assert endpoint.form == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert str(endpoint.requests[0].url) == SPOTIFY.oauth.token


def test_app_without_a_secret_shows_itself_by_its_id(backline, monkeypatch):
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_SECRET", "")
    endpoint = TokenEndpoint(backline, good())
    endpoint.ask("refresh", REFRESH)
    assert "authorization" not in endpoint.requests[0].headers
    assert endpoint.form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
        "client_id": "an-id",
    }


def test_code_is_exchanged_with_its_verifier_and_the_same_redirect_address(backline):
    endpoint = TokenEndpoint(backline, good())
    endpoint.ask("exchange", CODE, VERIFIER)
    assert endpoint.form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": backline.redirect_uri(SPOTIFY),
        "code_verifier": VERIFIER,
    }


def test_code_is_exchanged_without_a_verifier_where_there_is_no_pkce(backline):
    endpoint = TokenEndpoint(backline, good(), WITHOUT_PKCE)
    endpoint.ask("exchange", CODE, VERIFIER)
    assert "code_verifier" not in endpoint.form


def test_good_answer_is_read_and_not_shown(backline):
    reply = TokenEndpoint(backline, good(refresh_token="canary-new", scope="a b", token_type="Bearer")).ask(
        "refresh", REFRESH
    )
    assert (reply.access_token, reply.refresh_token, reply.scope) == ("canary-access", "canary-new", "a b")
    assert reply.expires_at(NOW) == NOW + timedelta(hours=1)
    assert "canary" not in repr(reply)


def test_answer_without_an_end_has_none():
    assert TokenReply("t").expires_at(NOW) is None


@pytest.mark.parametrize(
    "file", ["token_authorization_code.json", "token_refresh_without_new_refresh_token.json"]
)
def test_recorded_answer_is_read(backline, file):
    if not (REPLIES / file).exists():
        pytest.skip(f"{REPLIES / file} is not here")
    reply = TokenEndpoint(backline, httpx.Response(200, content=(REPLIES / file).read_bytes())).ask(
        "refresh", REFRESH
    )
    assert reply.access_token
    assert (reply.refresh_token is None) == ("without" in file)


@pytest.mark.parametrize(
    ("file", "means"),
    [
        ("error_400_invalid_client.json", AppRefused),
        ("error_400_invalid_grant_refresh_revoked.json", GrantExpired),
    ],
)
def test_recorded_refusal_has_its_meaning(backline, file, means):
    if not (REPLIES / file).exists():
        pytest.skip(f"{REPLIES / file} is not here")
    answer = httpx.Response(400, content=(REPLIES / file).read_bytes())
    error = TokenEndpoint(backline, answer).refused()
    assert type(error) is means
    assert error.status == 400


def says(status: int, error: Any, description: Any = "no") -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": description})


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (says(400, "invalid_grant"), GrantExpired),
        (says(400, "invalid_grant", None), GrantExpired),
        (says(401, "invalid_client"), AppRefused),
        (says(400, "unauthorized_client"), AppRefused),
        (says(400, "invalid_request"), ContractChanged),
        (says(400, "unsupported_grant_type"), ContractChanged),
        (says(400, {"code": 190}), ContractChanged),
        (says(429, "slow_down"), Transient),
        (says(500, "server_error"), Transient),
        (says(503, "temporarily_unavailable"), Transient),
        (httpx.Response(502, content=b"<html>"), Transient),
        (httpx.Response(404, content=b"<html>"), ContractChanged),
        (httpx.Response(404, content=b"\xff"), ContractChanged),
        (httpx.Response(404, content=b"[" * 100_000), ContractChanged),
        (httpx.Response(302, headers={"location": "https://evil.example"}), ContractChanged),
        (httpx.ConnectError("canary"), Transient),
        (httpx.ReadTimeout("canary"), Transient),
    ],
)
def test_refusal_has_its_meaning(backline, answer, means):
    endpoint = TokenEndpoint(backline, answer)
    assert type(endpoint.refused()) is means
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"{}",
        b'{"access_token": null}',
        b'{"access_token": ""}',
        b'{"access_token": 5}',
        b'{"access_token": "\xff"}',
        b"[" * 100_000,
    ],
)
def test_good_answer_without_a_token_is_a_changed_contract(backline, body):
    assert type(TokenEndpoint(backline, httpx.Response(200, content=body)).refused()) is ContractChanged


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "invalid_request"])
@pytest.mark.parametrize(
    ("method", "sent"), [("refresh", (REFRESH,)), ("exchange", (CODE, VERIFIER))], ids=["refresh", "exchange"]
)
def test_secrets_that_the_provider_repeats_are_not_told(backline, error, method, sent):
    repeated = " ".join((*sent, SECRET))
    TokenEndpoint(backline, says(400, error, repeated)).refused(method, *sent)
    TokenEndpoint(backline, says(400, f"{error} {repeated}", repeated)).refused(method, *sent)


@pytest.mark.parametrize("error", ["invalid_grant", "other"])
@pytest.mark.parametrize("words", ["a\0b", "é" * 2_000, "\0" * 2_000])
def test_provider_words_are_bounded_and_fit_any_database(backline, error, words):
    for answer in (says(400, error, words), says(400, f"{error}{words}", words)):
        told = str(TokenEndpoint(backline, answer).refused())
        assert len(told) < 400
        assert "\0" not in told


def test_app_without_an_id_is_refused_by_the_settings_name(backline, monkeypatch):
    monkeypatch.delenv("BACKLINE_SPOTIFY_CLIENT_ID")
    endpoint = TokenEndpoint(backline, good())
    assert "BACKLINE_SPOTIFY_CLIENT_ID" in str(endpoint.refused())
    assert type(endpoint.refused()) is AppRefused
    assert endpoint.requests == []
    with pytest.raises(SettingMissing, match="BACKLINE_SPOTIFY_CLIENT_ID"):
        authorize_address(backline, SPOTIFY, "s", VERIFIER)


def test_refresh_without_a_token_asks_for_reconnection(backline):
    endpoint = TokenEndpoint(backline, good())
    assert type(endpoint.refused("refresh", None)) is GrantExpired
    assert endpoint.requests == []
