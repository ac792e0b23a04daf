"""Instagram's simulated profile page says what the Graph API says, in as many digits as it prints."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from simulator.instagram.names import account_username

pytestmark = pytest.mark.providers
DESCRIPTION = r"([\d,.KM]+) Followers, ([\d,.KM]+) Following, ([\d,.KM]+) Posts - "
LARGE, MIDDLING, SMALL = 0, 1, 9


def ask(instagram, account=MIDDLING):
    return instagram.ask("GET", f"/instagram/www/{account_username(account)}/")


def counts(html):
    described = re.search(r'<meta property="og:description" content="([^"]*)"', html)
    return re.match(DESCRIPTION, described[1]).groups()


def told(instagram, account):
    return instagram.body("/me?fields=followers_count,follows_count,media_count", account)


def routes(html):
    return re.findall(r'"polarisRouteConfig":\{"pageID":"(\w+)"\}', html)


def order(instagram, **given):
    return instagram.control("instagram/pages", **given)


@pytest.mark.parametrize("account", [MIDDLING, SMALL])
def test_small_numbers_are_exact_and_those_of_the_api(instagram, account):
    graph = told(instagram, account)
    names = ("followers_count", "follows_count", "media_count")
    assert counts(ask(instagram, account).text) == tuple(f"{graph[name]:,}" for name in names)


def test_numbers_from_ten_thousand_on_are_cut(instagram):
    graph = told(instagram, LARGE)
    assert graph["followers_count"] >= 10_000
    assert counts(ask(instagram, LARGE).text)[0] == f"{graph['followers_count'] // 1_000}K"


def test_edits_show_on_the_page(instagram):
    instagram.control("edit", provider="instagram", account=MIDDLING, followers=2_345_678, add_media=3)
    html = ask(instagram).text
    assert counts(html)[0] == "2M"
    assert counts(html)[2] == str(told(instagram, MIDDLING)["media_count"])


def test_a_renamed_account_has_its_page_under_the_new_name(instagram):
    instagram.control("edit", provider="instagram", account=MIDDLING, username="brand.new")
    assert routes(ask(instagram).text) == ["httpErrorPage"]
    assert routes(instagram.ask("GET", "/instagram/www/brand.new/").text) == ["profilePage"]


def test_the_visitor_is_not_signed_in(instagram):
    html = ask(instagram).text
    assert '["PolarisViewer",[],{"data":null' in html
    assert routes(html) == ["profilePage"]


@pytest.mark.parametrize("name", ["nobody", "velvet.otter.99999", "quiet.orchard.", "1"])
def test_nobodys_page_is_the_error_shell(instagram, name):
    reply = instagram.ask("GET", f"/instagram/www/{name}/")
    assert (reply.status_code, routes(reply.text)) == (200, ["httpErrorPage"])
    assert "og:" not in reply.text


def test_not_found_and_a_soft_block_look_the_same(instagram):
    order(instagram, outcome="not_found")
    missing = ask(instagram).text
    order(instagram, outcome="soft_block", times=None)
    assert ask(instagram).text == missing
    assert [routes(ask(instagram, account).text) for account in range(5)] == [["httpErrorPage"]] * 5


def test_the_login_wall_is_another_page(instagram):
    order(instagram, outcome="login_wall")
    reply = ask(instagram)
    assert reply.status_code == 302
    login = instagram.ask("GET", reply.headers["location"])
    assert login.url.path == "/instagram/www/accounts/login/"
    assert routes(login.text) == ["loginPage"]


def test_a_block_is_json_that_asks_for_patience(instagram):
    order(instagram, outcome="blocked")
    reply = ask(instagram)
    assert (reply.status_code, reply.headers["retry-after"]) == (401, "60")
    assert reply.json()["require_login"] is True


def test_a_wrong_page_is_another_accounts(instagram):
    order(instagram, outcome="wrong_page")
    assert f"/{account_username(MIDDLING + 1)}/" in ask(instagram).text
    order(instagram, outcome="wrong_page", instead=account_username(LARGE))
    assert f"/{account_username(LARGE)}/" in ask(instagram).text


def test_the_next_layout_words_its_numbers_otherwise(instagram):
    order(instagram, outcome="next_layout")
    html = ask(instagram).text
    assert "Followed by " in html
    assert " Followers, " not in html


def test_the_old_layout_has_its_numbers_in_full(instagram):
    order(instagram, outcome="old_layout")
    html = ask(instagram, LARGE).text
    shared = json.loads(re.search(r"window\._sharedData = (\{.*?\});</script>", html)[1])
    user = shared["entry_data"]["ProfilePage"][0]["graphql"]["user"]
    graph = told(instagram, LARGE)
    assert user["edge_followed_by"]["count"] == graph["followers_count"]
    assert user["edge_follow"]["count"] == graph["follows_count"]
    assert user["edge_owner_to_timeline_media"]["count"] == graph["media_count"]


def test_a_page_that_disagrees_multiplies_its_numbers(instagram):
    order(instagram, outcome="disagree", factor=0.5)
    assert counts(ask(instagram).text)[0] == f"{told(instagram, MIDDLING)['followers_count'] // 2:,}"


def answer(instagram, account=MIDDLING, **changes):
    script = re.search(
        r'fetch\("([^"]+)", .* new URLSearchParams\((\{.*\})\)\}', ask(instagram, account).text
    )
    asked = json.loads(script[2]) | changes
    return instagram.ask("POST", script[1], data=asked)


@pytest.mark.parametrize("account", [LARGE, MIDDLING])
def test_the_query_of_the_page_has_the_numbers_in_full(instagram, account):
    user, graph = answer(instagram, account).json()["data"]["user"], told(instagram, account)
    assert user["username"] == account_username(account)
    assert user["follower_count"] == graph["followers_count"]
    assert (user["following_count"], user["media_count"]) == (graph["follows_count"], graph["media_count"])


def test_what_a_profile_was_its_query_is_too(instagram):
    followers = answer(instagram).json()["data"]["user"]["follower_count"]
    order(instagram, outcome="disagree")
    assert answer(instagram).json()["data"]["user"]["follower_count"] == 3 * followers
    order(instagram, outcome="next_layout")
    assert "follower_count" not in answer(instagram).json()["data"]["user"]


@pytest.mark.parametrize(
    "changes", [{"variables": '{"id": "1"}'}, {"variables": "x"}, {"fb_api_req_friendly_name": "Other"}]
)
def test_another_query_is_refused(instagram, changes):
    assert answer(instagram, **changes).status_code == 400


def test_user_names_are_written_with_an_entity(instagram):
    title = re.search(r"<title>([^<]*)</title>", ask(instagram).text)[1]
    assert "@" not in title
    assert f"(@{account_username(MIDDLING)})" in unescape(title)


def test_faults_of_the_api_are_pages_here(instagram):
    match = {"path_prefix": "/www/", "account": MIDDLING}
    instagram.control("faults", kind="rate_limit", match=match, retry_after=9)
    reply = ask(instagram)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "9")
    instagram.control("faults", kind="server_error", match=match, status=503)
    assert ask(instagram).status_code == 503
    instagram.control("faults", kind="missing_field", match=match)
    assert routes(ask(instagram).text) == ["profilePage"]
