"""What the simulated Web API accepts, refuses and answers."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.providers


def ask(sim, path, **headers):
    reply = sim.ask("GET", f"/spotify/v1{path}", headers=headers)
    return reply.status_code, reply.json()["error"]["message"]


def test_requests_without_a_token_are_refused(sim):
    assert ask(sim, "/me") == (401, "No token provided")


def test_unknown_tokens_are_refused(sim):
    assert ask(sim, "/me", authorization="Bearer BQnonsense") == (401, "Invalid access token")


def test_changed_tokens_are_refused(sim):
    token = sim.grant()["access_token"]
    changed = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    assert ask(sim, "/me", authorization=f"Bearer {changed}") == (401, "Invalid access token")


def test_refresh_tokens_read_nothing(sim):
    token = sim.grant()["refresh_token"]
    assert ask(sim, "/me", authorization=f"Bearer {token}") == (401, "Invalid access token")


def test_other_schemes_than_bearer_are_refused(sim):
    assert ask(sim, "/me", authorization="Basic eA==")[0] == 400


def test_access_tokens_expire_after_an_hour(sim):
    assert sim.get("/me").status_code == 200
    sim.control("clock", advance_seconds=3_599)
    assert sim.get("/me").status_code == 200
    sim.control("clock", advance_seconds=1)
    assert sim.refused("/me") == (401, "The access token expired")


def test_revoked_consent_ends_its_tokens_and_not_later_ones(sim):
    assert sim.get("/me").status_code == 200
    sim.control("revoke", provider="spotify", account=0)
    assert sim.refused("/me") == (401, "Invalid access token")
    sim.control("clock", advance_seconds=2)
    assert sim.get("/me", expires_in=60).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/me/tracks", "/me/albums", "/me/playlists", "/me/top/artists", "/me/top/tracks"),
        *(
            "/me/following?type=artist",
            "/me/player/recently-played",
            "/playlists/0000000000000000000000/items",
        ),
    ],
)
def test_endpoints_need_their_scope(sim, path):
    assert sim.refused(path, scopes=["user-read-private"]) == (403, "Insufficient client scope")


def test_users_off_the_allowlist_get_plain_text_403(sim):
    reply = sim.get("/me", 5)
    assert (reply.status_code, reply.text) == (403, "User not registered in the Developer Dashboard")
    sim.control("mode", allowlist=[5])
    assert sim.get("/me", 5).status_code == 200
    assert sim.get("/me", 0).status_code == 403


def test_extended_apps_need_no_allowlist(extended):
    assert extended.get("/me", 99).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/artists?ids=a",
            "/albums?ids=a",
            "/tracks?ids=a",
            "/artists/a/top-tracks",
            "/users/a",
            "/markets",
        ),
        *("/playlists/a/tracks", "/browse/new-releases", "/users/a/playlists", "/recommendations"),
    ],
)
def test_removed_endpoints_are_forbidden_in_development_mode(sim, path):
    assert sim.refused(path) == (403, "Forbidden")


def test_extended_apps_keep_removed_endpoints(extended):
    artists = [artist["id"] for artist in extended.body("/me/top/artists?limit=2")["items"]]
    ids = ",".join(artists)
    assert [artist["id"] for artist in extended.body(f"/artists?ids={ids}")["artists"]] == artists
    assert extended.body(f"/artists/{artists[0]}/top-tracks")["tracks"]
    assert extended.body(f"/users/{extended.body('/me')['id']}")["type"] == "user"
    assert extended.refused(f"/artists?ids={','.join(artists * 26)}") == (400, "Too many ids requested")


def test_unknown_paths_are_not_found(sim):
    assert sim.refused("/me/nothing") == (404, "Service not found")
    assert sim.refused("/me/") == (404, "Service not found")
    assert sim.ask("GET", "/spotify/v2/me").status_code == 404


def test_what_spotify_has_and_the_simulator_lacks_is_said(sim):
    assert sim.get("/me/shows").status_code == 501


def test_other_methods_are_not_allowed(sim):
    assert sim.ask("PUT", "/spotify/v1/me/tracks").status_code == 405


def test_unknown_and_malformed_ids_are_told_apart(sim):
    assert sim.refused("/artists/abc") == (400, "Invalid base62 id")
    assert sim.refused("/artists/0TnOYISbd1XYRBk9myaseg") == (404, "Resource not found")


def test_an_id_of_another_kind_is_not_found(sim):
    track = sim.body("/me/top/tracks?limit=1")["items"][0]["id"]
    assert sim.refused(f"/artists/{track}") == (404, "Resource not found")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("/me/tracks?limit=51", "Invalid limit"),
        ("/me/tracks?limit=0", "Invalid limit"),
        ("/me/tracks?limit=ten", "Invalid limit"),
        ("/me/tracks?limit=", "Invalid limit"),
        ("/me/tracks?offset=-1", "Invalid offset"),
        ("/me/tracks?offset=100001", "Invalid offset"),
        ("/me/tracks?market=xx", "Invalid market code"),
        ("/me/tracks?limits=5", "Unsupported parameter: limits"),
        ("/me/tracks?limit=5&limit=6", "Repeated parameter: limit"),
        ("/me/top/artists?time_range=forever", "Invalid time range"),
        ("/me/following", "Missing parameter type"),
        ("/me/following?type=user", "Invalid type"),
        ("/me/player/recently-played?after=now", "Invalid after"),
        ("/me/player/recently-played?after=1&before=2", "Only one of before and after can be specified"),
        ("/search?q=x&type=artist&limit=11", "Invalid limit"),
        ("/search?q=x&type=artist&offset=1001", "Invalid offset"),
        ("/search?q=x&type=person", "Bad search type field"),
        ("/search?type=artist", "No search query"),
    ],
)
def test_malformed_parameters_are_refused(sim, query, message):
    assert sim.refused(query) == (400, message)


def test_albums_of_an_artist_come_in_fives_and_at_most_tens(sim):
    artist = sim.body("/me/top/artists?limit=1")["items"][0]["id"]
    assert sim.body(f"/artists/{artist}/albums")["limit"] == 5
    assert sim.get(f"/artists/{artist}/albums?limit=10").status_code == 200
    assert sim.refused(f"/artists/{artist}/albums?limit=11") == (400, "Invalid limit")
    assert sim.refused(f"/artists/{artist}/albums?include_groups=bootleg")[0] == 400


def test_include_groups_leaves_out_the_others(sim):
    artist = sim.body("/me/top/artists?limit=1")["items"][0]["id"]
    path = f"/artists/{artist}/albums?limit=10&include_groups="
    singles = {album["id"] for album in sim.items(path + "single")}
    others = {album["id"] for album in sim.items(path + "album,compilation")}
    everything = {album["id"] for album in sim.items(f"/artists/{artist}/albums?limit=10")}
    assert singles | others == everything
    assert not singles & others


def test_the_rate_limit_counts_30_rolling_seconds_of_the_whole_app(sim):
    sim.control("mode", rate_limit=3)
    assert [sim.get("/me", account).status_code for account in (0, 1, 0)] == [200] * 3
    reply = sim.get("/me", 1)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "30")
    assert reply.json() == {"error": {"status": 429, "message": "API rate limit exceeded"}}
    sim.control("clock", advance_seconds=30)
    assert sim.get("/me", 1).status_code == 200


def test_links_lead_back_to_this_server(sim):
    page = sim.body("/me/top/tracks?limit=7&time_range=long_term")
    assert page["next"] == (
        "http://127.0.0.1:8790/spotify/v1/me/top/tracks?offset=7&limit=7&time_range=long_term"
    )


def test_pages_make_up_the_list_without_gaps_or_repeats(sim):
    for path in ("/me/tracks", "/me/albums", "/me/playlists", "/me/top/tracks", "/me/top/artists"):
        whole = sim.items(f"{path}?limit=50", 1)
        assert sim.items(f"{path}?limit=7", 1) == whole
        assert len(whole) == sim.body(path, 1)["total"]
        ids = [(item.get("track") or item.get("album") or item)["id"] for item in whole if item]
        assert len(set(ids)) == len(ids)


def test_a_page_past_the_end_is_empty(sim):
    page = sim.body("/me/tracks?offset=5000")
    assert (page["items"], page["next"]) == ([], None)
    assert page["previous"]


def test_links_of_playlists_lead_to_a_path_that_development_apps_lost(sim, extended):
    following = sim.body("/me/playlists?limit=1")["next"].partition("/spotify/v1")[2]
    assert following.startswith("/users/")
    assert sim.refused(following) == (403, "Forbidden")
    assert extended.body(following) == extended.body("/me/playlists?limit=1&offset=1")


def test_endless_numbers_are_refused(sim):
    assert sim.refused(f"/me/tracks?limit={'9' * 5000}") == (400, "Invalid limit")
    assert sim.refused(f"/me/tracks?limit={'0' * 5000}") == (400, "Invalid limit")


def test_followed_artists_are_paged_by_the_last_id(sim):
    first = sim.body("/me/following?type=artist&limit=10", 1)["artists"]
    assert first["cursors"]["after"] == first["items"][-1]["id"]
    second = sim.body(f"/me/following?type=artist&limit=10&after={first['cursors']['after']}", 1)["artists"]
    assert not {artist["id"] for artist in first["items"]} & {artist["id"] for artist in second["items"]}
    last = sim.body("/me/following?type=artist&limit=50", 1)["artists"]
    assert last["total"] >= len(last["items"])


def test_following_ends_with_a_null_cursor(sim):
    page, seen = sim.body("/me/following?type=artist&limit=50", 1)["artists"], 0
    total = page["total"]
    while True:
        seen += len(page["items"])
        after = page["cursors"]["after"]
        assert (page["next"] is None) == (after is None)
        if after is None:
            break
        page = sim.body(f"/me/following?type=artist&limit=50&after={after}", 1)["artists"]
    assert seen == total


def test_plays_walk_backwards_and_have_no_total(sim):
    pages = sim.pages("/me/player/recently-played?limit=20")
    assert [len(page["items"]) for page in pages] == [20, 20, 10]
    assert "total" not in pages[0]
    times = [item["played_at"] for page in pages for item in page["items"]]
    assert times == sorted(set(times), reverse=True)
    assert "before=" in pages[0]["next"]


def test_a_full_page_of_plays_has_a_next_even_where_nothing_is_left(sim):
    first, last = sim.pages("/me/player/recently-played?limit=50")
    assert len(first["items"]) == 50
    assert (last["items"], last["next"], last["cursors"]) == ([], None, None)


def test_search_finds_artists_by_their_name(sim):
    name = sim.body("/me/top/artists?limit=1")["items"][0]["name"]
    found = sim.get(f"/search?q={name.replace('&', '%26')}&type=artist,track&limit=10").json()
    assert name in {artist["name"] for artist in found["artists"]["items"]}
    assert set(found) == {"artists", "tracks"}
