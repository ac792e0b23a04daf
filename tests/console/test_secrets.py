"""The canary: secrets are planted, and no page, header, log line or reply of the API holds one."""

import asyncio
import logging
import traceback

import httpx
import pytest

from resources.oauth import TokenClient
from resources.providers import PROVIDERS

PLANTED = ("canary-client-secret-51", "canary-access-51", "canary-refresh-51", "canary-code-51")
HOME = "/admin/integrations/providers"


def is_the_browsers(record):
    """Say whether a line is of the client that plays the browser in these tests."""
    return record.name == "httpx" and "http://127.0.0.1:8700" in record.getMessage()


class Witness:
    """Remembers every reply but the way to the provider, whose address must carry the state."""

    def __init__(self, browser, caplog, fake):
        self.browser, self.caplog, self.fake, self.texts = browser, caplog, fake, []
        self.states = []

    def see(self, reply):
        """Remember a reply."""
        headers = [f"{name}: {value}" for name, value in reply.headers.items()]
        self.texts += [reply.text, *headers]
        return reply

    def begin(self, **form):
        """Begin a connection; return its state."""
        reply = self.browser.post("/connect/spotify/start", org="acme", **form)
        state = httpx.URL(reply.headers["location"]).params["state"]
        self.states.append(state)
        self.texts += [f"{name}: {value}" for name, value in reply.headers.items() if name != "location"]
        return state

    def assert_clean(self):
        """Look for every secret in every surface."""
        forms = [dict(httpx.QueryParams(request.content.decode())) for request in self.fake.seen]
        verifiers = [form["code_verifier"] for form in forms if "code_verifier" in form]
        assert verifiers
        ours = [record for record in self.caplog.records if not is_the_browsers(record)]
        logged = [record.getMessage() + str(record.exc_info) for record in ours]
        for secret in (*PLANTED, *self.states, *verifiers):
            assert not [text for text in (*self.texts, *logged) if secret in text]


@pytest.fixture
def witness(browser, caplog, fake):
    caplog.set_level(logging.DEBUG)
    return Witness(browser, caplog, fake)


def test_way_that_succeeds_shows_no_secret(witness, browser):
    reply = witness.see(browser.come_back(witness.begin()))
    for path in (reply.headers["location"], "/connect/spotify/start", "/api/v1/accounts", "/readyz"):
        witness.see(browser.get(path))
    (account,) = browser.get("/api/v1/accounts").json()["accounts"]
    witness.see(browser.post(f"/admin/integrations/accounts/{account['id']}/test"))
    witness.see(browser.come_back(witness.states[0]))
    witness.assert_clean()


def test_provider_that_repeats_our_secrets_is_masked(witness, browser, fake):
    state = witness.begin()

    def repeat(request):
        form = request.content.decode()
        said = f"{form} {PLANTED[0]}"
        return httpx.Response(400, json={"error": "invalid_grant", "error_description": said})

    fake.tokens = repeat
    reply = witness.see(browser.come_back(state))
    assert "••••" in reply.text
    witness.assert_clean()


def test_api_that_repeats_the_token_is_masked(witness, browser, fake):
    fake.me = [httpx.Response(403, json={"error": {"message": "token canary-access-51 is not on the list"}})]
    reply = witness.see(browser.come_back(witness.begin()))
    assert "token •••• is not on the list" in reply.text
    witness.assert_clean()


def test_fault_of_our_own_on_the_return_shows_no_secret(witness, browser, fake):
    def fall_over(request):
        raise RuntimeError("the transport fell over")

    state = witness.begin()
    browser.come_back(witness.begin())
    fake.tokens = fall_over
    reply = witness.see(browser.come_back(state))
    assert reply.status_code == 500
    witness.assert_clean()


def test_exception_of_the_exchange_holds_no_secret(backline, fake):
    fake.tokens = lambda request: httpx.Response(400, json={"error": f"odd {request.content.decode()}"})

    async def exchange():
        async with httpx.AsyncClient(transport=httpx.MockTransport(fake)) as client:
            await TokenClient(backline, PROVIDERS["spotify"], client).exchange("canary-code-51", "canary-v")

    with pytest.raises(Exception, match="the token endpoint answers 400 odd") as caught:
        asyncio.run(exchange())
    text = "".join(traceback.format_exception(caught.value, limit=0))
    assert "canary" not in text
