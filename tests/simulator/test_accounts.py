"""The invented accounts: deterministic, quirky as the recorded replies, changed only by edits."""

from __future__ import annotations

import pytest

from resources.signing import SigningSecret
from simulator.app import create_app
from simulator.clock import Clock
from simulator.world import World

pytestmark = pytest.mark.providers
READS = (
    *("/me", "/me/tracks?limit=50", "/me/albums?limit=50", "/me/playlists", "/me/top/tracks"),
    *("/me/following?type=artist", "/me/player/recently-played?limit=50"),
)


def playlists_of(sim, account):
    """Return an account's playlists: its own, and those of others."""
    listed, me = sim.items("/me/playlists", account), sim.body("/me", account)["id"]
    mine = [playlist for playlist in listed if playlist["owner"]["id"] == me]
    return mine, [playlist for playlist in listed if playlist not in mine]


def entries(sim, account):
    """Return all items of an account's own playlists."""
    mine, _ = playlists_of(sim, account)
    return [item for playlist in mine for item in sim.items(f"/playlists/{playlist['id']}/items", account)]


def test_a_restart_on_the_same_day_changes_nothing(sim):
    before = [sim.body(path) for path in READS]
    clock = Clock(lambda: sim.world.clock.now() + 3_000)
    sim.app = create_app(World(accounts=100, clock=clock), (SigningSecret(b"0" * 16),))
    assert [sim.body(path) for path in READS] == before


def test_time_alone_changes_nothing(sim):
    before = [sim.body(path) for path in READS]
    sim.control("clock", advance_seconds=3_000)
    sim.app.services[0][1].pages.clear()
    assert [sim.body(path) for path in READS] == before


def test_accounts_differ(sim):
    assert len({sim.body("/me", account)["account_id"] for account in range(5)}) == 5
    assert len({sim.body("/me/tracks", account)["total"] for account in range(5)}) == 5


def test_tokens_outlive_a_restart(sim):
    assert sim.get("/me").status_code == 200
    sim.app = create_app(World(accounts=100, clock=sim.world.clock))
    assert sim.get("/me").status_code == 200


def test_a_million_accounts_cost_nothing_until_asked(extended):
    extended.world.accounts = 1_000_000
    assert extended.body("/me/tracks?limit=50", 999_999)["total"] > 0


def test_every_account_has_three_to_fifteen_playlists(extended):
    for account in range(30):
        assert 3 <= extended.body("/me/playlists", account)["total"] <= 15


def test_newcomers_have_no_top_lists_and_few_plays(extended):
    assert extended.body("/me/top/artists", 12)["total"] == 0
    assert len(extended.body("/me/player/recently-played?limit=50", 12)["items"]) < 7


def test_time_ranges_differ_and_overlap(sim):
    short, long = (
        {artist["id"] for artist in sim.items(f"/me/top/artists?limit=50&time_range={span}_term", 1)}
        for span in ("short", "long")
    )
    assert short != long
    assert short & long


def test_some_playlists_have_null_images(sim):
    images = [playlist["images"] for account in range(5) for playlist in sim.items("/me/playlists", account)]
    assert None in images
    assert any(images)


def test_some_saved_albums_are_null(sim):
    items = [item for account in range(5) for item in sim.items("/me/albums", account)]
    assert None in items
    assert any(items)


def test_playlists_hold_local_files_without_ids(sim):
    local = [item for item in entries(sim, 1) if item["is_local"]]
    assert local
    assert {(item["item"]["id"], item["item"]["href"]) for item in local} == {(None, None)}


def test_playlists_hold_removed_tracks_as_null(sim):
    assert any(item["track"] is None and item["item"] is None for item in entries(sim, 1))


def test_episodes_look_like_tracks_unless_asked_for(sim):
    mine, _ = playlists_of(sim, 1)
    found = {}
    for wish in ("", "?additional_types=track,episode"):
        items = [item for one in mine for item in sim.items(f"/playlists/{one['id']}/items{wish}", 1)]
        found[wish] = [item["item"] for item in items if item["item"] and item["item"]["type"] == "episode"]
    assert len(found[""]) == len(found["?additional_types=track,episode"]) > 0
    assert all("album" in episode and "show" not in episode for episode in found[""])
    assert all("show" in episode for episode in found["?additional_types=track,episode"])


def test_others_playlists_come_without_items(sim):
    _, others = playlists_of(sim, 3)
    body = sim.body(f"/playlists/{others[0]['id']}", 3)
    assert not {"items", "tracks"} & set(body)
    assert sim.refused(f"/playlists/{others[0]['id']}/items", 3) == (403, "Forbidden")


def test_own_playlists_come_with_items_under_both_names(sim):
    mine, _ = playlists_of(sim, 3)
    body = sim.body(f"/playlists/{mine[0]['id']}", 3)
    assert body["items"] == body["tracks"]
    assert all(item["item"] == item["track"] for item in body["items"]["items"])


def test_private_playlists_of_others_are_not_found(sim):
    private = next(one for one in playlists_of(sim, 1)[0] if not one["public"])
    assert sim.refused(f"/playlists/{private['id']}", 2) == (404, "Resource not found")


def test_extended_apps_see_the_old_shape(extended):
    artist = extended.body("/me/top/artists?limit=1")["items"][0]
    assert {"followers", "popularity", "genres"} <= set(artist)
    playlist = extended.body("/me/playlists?limit=1")["items"][0]
    assert "items" not in playlist
    item = extended.body(f"/playlists/{playlist['id']}/tracks?limit=1")["items"]
    assert all("item" not in entry for entry in item)
    assert {"country", "product", "email", "followers"} <= set(extended.body("/me"))


def test_development_apps_miss_the_deprecated_fields(sim):
    artist = sim.body("/me/top/artists?limit=1")["items"][0]
    assert not {"followers", "popularity", "genres"} & set(artist)
    assert not {"country", "product", "email", "followers"} & set(sim.body("/me"))
    track = sim.body("/me/top/tracks?limit=1")["items"][0]
    assert not {"popularity", "available_markets"} & set(track)
    assert track["external_ids"]["isrc"]


def test_dates_are_precise_to_year_month_or_day(sim):
    albums = [
        item["album"]
        for account in range(5)
        for item in sim.items("/me/tracks?limit=50", account)
        for item in [item["track"]]
    ]
    lengths = {album["release_date_precision"]: len(album["release_date"]) for album in albums}
    assert lengths == {"year": 4, "month": 7, "day": 10}


def test_box_sets_take_two_pages_of_tracks(extended):
    albums = [
        item["album"] for account in range(40) for item in extended.items("/me/albums", account) if item
    ]
    album = next(album for album in albums if album["total_tracks"] > 50)
    assert album["tracks"]["next"]
    tracks = extended.items(f"/albums/{album['id']}/tracks?limit=50")
    assert len({track["id"] for track in tracks}) == album["total_tracks"]


def test_what_lists_name_can_be_read_alone(sim):
    track = sim.body("/me/tracks?limit=1")["items"][0]["track"]
    assert sim.body(f"/tracks/{track['id']}") == track
    album = sim.body(f"/albums/{track['album']['id']}")
    assert {key: album[key] for key in track["album"]} == track["album"]
    assert sim.body(f"/artists/{track['artists'][0]['id']}")["name"] == track["artists"][0]["name"]
    listed = sim.items(f"/artists/{track['artists'][0]['id']}/albums?limit=10")
    assert album["id"] in {one["id"] for one in listed}


def test_saved_tracks_are_removed_and_added(sim):
    before = sim.items("/me/tracks?limit=50", 1)
    sim.control("edit", account=1, saved_tracks={"remove": [0, 3], "add": 2})
    after = sim.items("/me/tracks?limit=50", 1)
    assert after[2:] == before[1:3] + before[4:]
    assert not {item["track"]["id"] for item in after[:2]} & {item["track"]["id"] for item in before}
    sim.control("edit", account=1, saved_tracks={"remove": [0, 1]})
    sim.control("edit", account=1, saved_tracks={"add": 1})
    newest = sim.body("/me/tracks?limit=1", 1)["items"][0]
    assert newest["track"]["id"] not in {item["track"]["id"] for item in after}
    assert newest["added_at"] == "2026-11-18T11:06:40Z"


def test_edits_leave_other_accounts_alone(sim):
    before = [sim.body(path, 2) for path in READS]
    sim.control("edit", account=1, saved_tracks={"add": 2}, plays=3, display_name="New Name")
    assert [sim.body(path, 2) for path in READS] == before
    assert sim.body("/me", 1)["display_name"] == "New Name"


def test_new_plays_push_old_ones_out_of_reach(sim):
    before = sim.body("/me/player/recently-played?limit=50")
    sim.control("edit", account=0, plays=3)
    after = sim.body("/me/player/recently-played?limit=50")
    assert after["items"][3:] == before["items"][:-3]
    newer = sim.body(f"/me/player/recently-played?limit=50&after={before['cursors']['after']}")
    assert newer["items"] == after["items"][:3]
    assert newer["next"] is None


def test_touched_playlists_change_their_snapshot_and_gain_an_item(sim):
    before, _ = playlists_of(sim, 1)
    sim.control("edit", account=1, playlist_touch=[1])
    after, _ = playlists_of(sim, 1)
    changed = [place for place, one in enumerate(before) if one["snapshot_id"] != after[place]["snapshot_id"]]
    assert changed == [1]
    assert after[1]["items"]["total"] == before[1]["items"]["total"] + 1
    assert after[0] == before[0]


def test_a_touched_playlist_keeps_its_items_behind_the_new_one(sim):
    mine, _ = playlists_of(sim, 1)
    path = f"/playlists/{mine[1]['id']}/items?limit=50"
    before = sim.items(path, 1)
    sim.control("edit", account=1, playlist_touch=[1])
    assert sim.items(path, 1)[1:] == before


def test_scopes_decide_what_extended_apps_see_of_a_person(extended):
    assert "email" in extended.get("/me").json()
    assert "email" not in extended.get("/me", scopes=["user-read-private"]).json()
    assert "country" not in extended.get("/me", scopes=[]).json()
