"""App credentials are stored sealed, win over the environment, and are never shown."""

import pytest
import sqlalchemy as sa

from resources.providers import PROVIDERS
from resources.rotation import count_stale
from resources.tables import AppCredential, AuditEntry

SPOTIFY, PATH = PROVIDERS["spotify"], "/admin/integrations/apps/spotify"
STORED_SECRET = "canary-stored-secret-77"


def test_stored_credentials_win_over_the_environment(browser, backline):
    reply = browser.post(PATH, client_id=" stored-client ", client_secret=STORED_SECRET)
    assert (reply.status_code, reply.headers["location"]) == (
        303,
        "/admin/integrations/providers?saved=spotify",
    )
    credentials = backline.credentials(SPOTIFY)
    assert (credentials.client_id, credentials.client_secret) == ("stored-client", STORED_SECRET)


def test_a_stored_secret_is_sealed_audited_and_never_shown(browser, backline):
    browser.post(PATH, client_id="stored-client", client_secret=STORED_SECRET)
    with backline.database.read() as connection:
        rows = [str(row) for row in connection.execute(sa.select(AppCredential.__table__))]
        audited = [str(row) for row in connection.execute(sa.select(AuditEntry.__table__))]
    assert len(rows) == 1
    assert "app.credentials_stored" in "".join(audited)
    page = browser.get("/admin/integrations/providers?saved=spotify").text
    assert "sealed and stored" in page
    assert STORED_SECRET not in page + "".join(rows + audited)
    assert count_stale(backline) == 0


def test_a_second_pair_replaces_the_first(browser, backline):
    browser.post(PATH, client_id="first", client_secret="one")
    browser.post(PATH, client_id="second", client_secret="")
    credentials = backline.credentials(SPOTIFY)
    assert (credentials.client_id, credentials.client_secret) == ("second", "")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"client_id": "  ", "client_secret": "s"}, "client_id"),
        ({"client_id": "with blank", "client_secret": "s"}, "client_id"),
        ({"client_id": "c", "client_secret": "schlüssel"}, "client_secret"),
        ({"client_id": "c" * 513, "client_secret": "s"}, "client_id"),
    ],
)
def test_wrong_credentials_are_refused_by_their_field_and_not_stored(browser, backline, form, field):
    reply = browser.post(PATH, **form)
    assert reply.status_code in (400, 422)
    assert field in reply.text
    assert "opy it from Spotify" in reply.text
    with backline.database.read() as connection:
        assert not connection.execute(sa.select(AppCredential.provider)).all()


def test_another_site_cannot_store_credentials(browser, backline):
    form = {"client_id": "evil", "client_secret": "evil"}
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert browser.send("POST", PATH, data=form, headers=headers).status_code == 403
    assert backline.credentials(SPOTIFY).client_id != "evil"
