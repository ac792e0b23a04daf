"""Whole syncs against the simulator, on both databases."""

import pytest

pytestmark = pytest.mark.providers


def totals(simulated, account):
    """Return what the simulator itself says an account has."""
    token = simulated.grant(account)["access_token"]

    def ask(path):
        return simulated.ask("GET", f"/spotify/v1{path}", headers={"authorization": f"Bearer {token}"})

    def count(path):
        return ask(path)["total"]

    owner = ask("/me")["id"]
    listed = ask("/me/playlists?limit=50")["items"]
    return {
        "profile": 1,
        "followed_artists": ask("/me/following?type=artist")["artists"]["total"],
        "top_artists": 3 * count("/me/top/artists"),
        "top_tracks": 3 * count("/me/top/tracks"),
        "saved_tracks": count("/me/tracks"),
        "playlists": len(listed),
        "playlist_items": sum(one["tracks"]["total"] for one in listed if one["owner"]["id"] == owner),
        "recently_played": len(ask("/me/player/recently-played?limit=50")["items"]),
    }


def test_every_record_of_an_account_lands_in_its_stream(simulated, syncing):
    artist = simulated.ask(
        "GET",
        "/spotify/v1/me/following?type=artist&limit=1",
        headers={"authorization": f"Bearer {simulated.grant(3)['access_token']}"},
    )["artists"]["items"][0]["id"]
    account = simulated.connect("acme", 3, {"artist_ids": [artist]})
    report = syncing.sync()
    stored = {name: len(syncing.stored(name, account)) for name in report.streams}
    expected = totals(simulated, 3)
    assert {name: stored[name] for name in expected} == expected
    assert report.accounts == {"ok": 1}
    assert stored["artists"] == 1
    assert stored["album_tracks"] == sum(row["total_tracks"] for row in syncing.stored("artist_albums"))
