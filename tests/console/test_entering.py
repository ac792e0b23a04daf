"""Logging in, one-time links, sessions and passwords: what lets somebody in, for how long, what does not."""

import datetime as dt

import httpx
import pytest
import sqlalchemy as sa

from console.app import create_app
from console.entering import safe_path
from console.server import tell_how_to_log_in
from resources.database import utc_now
from resources.people import links, passwords, users
from resources.people.attempts import FailureLog
from resources.people.roles import Role
from resources.tables import ApiToken, AuditEntry, LoginLink, Session, User

HOME = "/admin/integrations/providers"
PASSWORD = "canary four plain words"
WRONG = "canary-typed-wrongly"


@pytest.fixture
def ada(backline):
    """An admin with a password."""
    with backline.database.write() as connection:
        number = users.add(connection, "test", "ada", Role.ADMIN)
        users.set_password(connection, "test", number, passwords.hashed(PASSWORD, "ada"))
    return number


def actions(backline):
    with backline.database.read() as connection:
        return connection.execute(sa.select(AuditEntry.action).order_by(AuditEntry.at)).scalars().all()


def everything(backline):
    with backline.database.read() as connection:
        tables = (User, Session, LoginLink, ApiToken, AuditEntry)
        return "".join(str(row) for one in tables for row in connection.execute(sa.select(one.__table__)))


def test_page_leads_to_the_login_and_back(stranger, ada):
    reply = stranger.get(f"{HOME}?state=failed")
    assert reply.status_code == 303
    login = stranger.get(reply.headers["location"])
    assert f'value="{HOME}?state=failed"' in login.text
    done = stranger.post("/login", name="Ada", password=PASSWORD, after=f"{HOME}?state=failed")
    assert (done.status_code, done.headers["location"]) == (303, f"{HOME}?state=failed")
    assert stranger.get(HOME).status_code == 200


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", ""])
def test_login_leads_to_our_own_pages_alone(after):
    assert safe_path(after) == HOME


def test_cookie_is_held_from_scripts_and_other_sites(stranger, ada):
    cookie = stranger.post("/login", name="ada", password=PASSWORD).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=604800"} <= set(cookie.split("; "))


def test_cookie_is_held_to_https_where_the_console_is(backline, stranger, ada):
    backline.settings.public_url = stranger.base_url = "https://backline.example"
    stranger.app = create_app(backline)
    cookie = stranger.post("/login", name="ada", password=PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-backline_session=")
    assert "Secure" in cookie.split("; ")


@pytest.mark.parametrize("name", ["ada", "nobody", "gone", "linked"])
def test_failure_is_answered_alike_whoever_is_named(backline, stranger, ada, name):
    with backline.database.write() as connection:
        gone = users.add(connection, "test", "gone", Role.VIEWER)
        users.set_password(connection, "test", gone, passwords.hashed(WRONG, "gone"))
        users.disable(connection, "test", gone)
        users.add(connection, "test", "linked", Role.VIEWER)
    reply = stranger.post("/login", name=name, password=WRONG)
    assert (reply.status_code, "set-cookie" in reply.headers) == (401, False)
    assert reply.text.replace(f'value="{name}"', "") == stranger.post(
        "/login", name="x", password=WRONG
    ).text.replace('value="x"', "")
    assert WRONG not in everything(backline)


def test_a_name_is_shut_after_ten_tries_also_for_the_right_password(stranger, ada):
    statuses = [stranger.post("/login", name="ada", password="").status_code for _ in range(10)]
    assert statuses == [401] * 10
    reply = stranger.post("/login", name="ada", password=PASSWORD)
    assert (reply.status_code, int(reply.headers["retry-after"]) > 0) == (429, True)


def test_an_address_is_shut_whatever_names_it_tries(stranger, backline):
    backline.settings.login_rate_limit = "2/300"
    app = create_app(backline)
    stranger.app = app
    statuses = [stranger.post("/login", name=f"n{number}", password="x").status_code for number in range(7)]
    assert statuses == [401] * 6 + [429]


def test_failures_are_in_the_audit_log_a_bounded_number_a_minute(backline):
    log = FailureLog(backline, clock=lambda: 1.0)
    for _ in range(100):
        log.note(None, "10.0.0.1", "name")
    assert actions(backline).count("user.login_failed") == 20
    log._clock = lambda: 62.0
    log.note(None, "10.0.0.1", "name")
    assert "'count': 80" in everything(backline)


def test_a_session_ends_idle_at_its_end_and_with_its_person(stranger, backline, ada):
    past = utc_now() - dt.timedelta(hours=13)
    for change in ({"last_seen_at": past}, {"ends_at": past}):
        stranger.post("/login", name="ada", password=PASSWORD)
        assert stranger.get(HOME).status_code == 200
        with backline.database.write() as connection:
            connection.execute(sa.update(Session).values(**change))
        assert stranger.get(HOME).status_code == 303


def test_a_page_that_follows_by_itself_keeps_no_session_alive(browser, backline):
    past = utc_now() - dt.timedelta(hours=1)
    with backline.database.write() as connection:
        connection.execute(sa.update(Session).values(last_seen_at=past))
    browser.get(HOME, headers={"sec-fetch-mode": "cors"})
    with backline.database.read() as connection:
        assert connection.execute(sa.select(Session.last_seen_at)).scalar_one() == past
    browser.get(HOME, headers={"sec-fetch-mode": "navigate"})
    with backline.database.read() as connection:
        assert connection.execute(sa.select(Session.last_seen_at)).scalar_one() > past


def test_logout_ends_the_session_not_only_the_cookie(browser, log_in):
    kept = log_in().proof
    browser.hold(kept)
    assert browser.post("/logout").headers["location"] == "/login"
    browser.hold(kept)
    assert browser.get(HOME).status_code == 303


def test_other_browsers_are_listed_and_logged_out(browser, log_in):
    other = log_in().proof
    page = browser.get("/admin/sessions").text
    assert (page.count("Another browser"), page.count("This browser")) == (1, 1)
    assert browser.post("/admin/sessions/others/revoke").status_code == 303
    browser.hold(other)
    assert browser.get(HOME).status_code == 303


def test_first_start_prints_a_link_until_an_admin_has_a_password(backline, stranger, capsys):
    tell_how_to_log_in(backline)
    said = capsys.readouterr().err
    assert said.startswith("Log in once by http://127.0.0.1:8700/enter?link=")
    link = said.strip().partition("link=")[2]
    assert "Welcome, admin" in stranger.get(f"/enter?link={link}").text
    short = stranger.post("/enter", link=link, password="short")
    assert (short.status_code, "at least 12 characters" in short.text) == (422, True)
    assert stranger.post("/enter", link=link, password=PASSWORD).status_code == 303
    assert stranger.get("/admin/people").status_code == 200
    assert link not in everything(backline)
    assert PASSWORD not in everything(backline)
    tell_how_to_log_in(backline)
    assert capsys.readouterr().err == ""


def test_a_link_lets_in_once_and_not_when_it_is_old(backline, stranger):
    proof = links.first(backline.database)
    assert stranger.post("/enter", link=proof).status_code == 303
    assert stranger.post("/enter", link=proof).status_code == 410
    proof = links.first(backline.database)
    with backline.database.write() as connection:
        connection.execute(sa.update(LoginLink).values(expires_at=utc_now()))
    assert stranger.get(f"/enter?link={proof}").status_code == 410


def test_production_prints_no_link_and_says_what_to_do(backline, capsys):
    backline.settings.environment = "production"
    tell_how_to_log_in(backline)
    assert (
        capsys.readouterr().err
        == "Nobody can log in yet. Add an admin: backline users add NAME --role admin\n"
    )


def test_password_change_wants_the_old_one_and_logs_others_out(backline, stranger, ada, log_in):
    other = log_in("ada").proof
    stranger.post("/login", name="ada", password=PASSWORD)
    refused = stranger.post("/admin/sessions/password", old=WRONG, new="another four plain words")
    assert (refused.status_code, "Old password does not fit" in refused.text) == (422, True)
    done = stranger.post("/admin/sessions/password", old=PASSWORD, new="another four plain words")
    assert done.status_code == 303
    assert stranger.get("/admin/sessions").status_code == 200
    stranger.hold(other)
    assert stranger.get(HOME).status_code == 303


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "ada-ada-ada-1", "x" * 201])
def test_easy_passwords_are_refused(password):
    with pytest.raises(Exception, match="password"):
        passwords.hashed(password, "ada")


def test_an_admin_invites_gives_roles_and_disables(browser, backline, app):
    page = browser.post("/admin/people", name="Grace", role="operator").text
    link = page.partition("/enter?link=")[2].partition("<")[0]
    guest = type(browser)(app)
    assert guest.post("/enter", link=link, password=PASSWORD).status_code == 303
    assert guest.get("/admin/people").status_code == 403
    with backline.database.read() as connection:
        grace = users.find(connection, "grace").id
    assert browser.post(f"/admin/people/{grace}/role", role="admin").status_code == 303
    assert guest.get("/admin/people").status_code == 200
    assert browser.post(f"/admin/people/{grace}/disable").status_code == 303
    assert guest.get("/admin/people").status_code == 303
    wanted = {"user.added", "user.link_made", "user.role_set", "user.logged_in", "user.password_set"}
    assert wanted | {"user.disabled"} <= set(actions(backline))


def test_the_only_admin_stays(browser, log_in, backline):
    ada = log_in().user_id
    for path, form in (("role", {"role": "viewer"}), ("role", {"role": ""}), ("disable", {})):
        reply = browser.post(f"/admin/people/{ada}/{path}", **form)
        assert (reply.status_code, "the only admin over all" in reply.text) == (422, True)
    assert browser.get("/admin/people").status_code == 200


def test_a_token_is_shown_once_listed_and_revoked(browser, backline):
    page = browser.post("/admin/tokens", name="Prometheus", scopes="metrics", days="90").text
    token = page.partition('id="token">')[2].partition("<")[0]
    assert token.startswith("backline_")
    assert token not in browser.get("/admin/tokens").text + everything(backline)
    anybody = type(browser)(browser.app)
    bearer = {"authorization": f"Bearer {token}"}
    assert anybody.get("/metrics", headers=bearer).status_code == 200
    assert anybody.get("/api/v1/accounts", headers=bearer).status_code == 403
    with backline.database.read() as connection:
        number = connection.execute(sa.select(ApiToken.id)).scalar_one()
    assert browser.post(f"/admin/tokens/{number}/revoke").status_code == 303
    assert anybody.get("/metrics", headers=bearer).status_code == 401


def test_audit_log_is_filtered_paged_and_exported(browser, backline):
    with backline.database.write() as connection:
        for number in range(120):
            row = {
                "at": utc_now(),
                "actor": "=cmd()",
                "action": "x.done",
                "subject": f"s{number:03}",
                "details": {},
            }
            connection.execute(sa.insert(AuditEntry).values(**row))
    seen, address = [], "/admin/audit?action=x."
    while address:
        page = browser.get(address).text
        seen += [part[:4] for part in page.split('<span class="sub">s')[1:]]
        following = page.partition('rel="next" href="')[2].partition('"')[0]
        address = following.replace("&amp;", "&")
    assert seen == [f"{number:03}<" for number in reversed(range(120))]
    lines = browser.get("/admin/audit/export?action=x.done&format=csv").text.splitlines()
    assert (len(lines), "'=cmd()" in lines[1]) == (121, True)
    assert len(browser.get("/admin/audit/export?action=x.done&format=jsonl").text.splitlines()) == 120
    assert "No entry matches" in browser.get("/admin/audit?actor=nobody").text


def test_cross_site_login_is_refused(stranger, ada):
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    form = {"name": "ada", "password": PASSWORD}
    assert isinstance(stranger.send("POST", "/login", data=form, headers=headers), httpx.Response)
    assert stranger.send("POST", "/login", data=form, headers=headers).status_code == 403
