"""The reader at the edges of what a provider may answer."""

from __future__ import annotations

import re

import pytest

from resources.sync import pages

pytestmark = pytest.mark.providers


@pytest.mark.parametrize("cursor", [b"soon", b"-5", b"1.5", b"9" * 19])
def test_newest_position_that_is_no_number_is_a_changed_contract_and_moves_no_cursor(
    simulated, syncing, cursor
):
    simulated.connect("acme", 1)
    simulated.wire.rewrite = lambda request, body: (
        re.sub(rb'"after": ?"\d+"', b'"after":"' + cursor + b'"', body)
        if "recently" in request.url.path
        else body
    )
    syncing.sync("recently_played", "saved_tracks")
    (failed,) = syncing.results(status="failed")
    assert (failed["asset"], failed["error_type"]) == ("spotify/recently_played", "contract")
    assert "cursors.after" in failed["error_message"]
    simulated.wire.rewrite = lambda _, body: body
    assert syncing.sync("recently_played").accounts == {"ok": 1}
    assert syncing.stored("recently_played")


def test_pages_without_end_are_left_after_a_bound_and_delete_nothing(simulated, syncing, monkeypatch):
    monkeypatch.setattr(pages, "MOST_PAGES", 2)
    simulated.connect("acme", 1)
    assert syncing.sync("saved_tracks").accounts == {"partial": 1}
    (result,) = syncing.results(status="partial")
    assert (result["requests"], result["deleted"]) == (2, 0)
    assert "2 pages did not come to an end" in result["error_message"]


def test_episodes_are_asked_for_and_kept_as_what_they_are(simulated, syncing):
    simulated.connect("acme", 1)
    syncing.sync("playlists", "playlist_items")
    assert {"track", "episode"} <= {row["item_type"] for row in syncing.stored("playlist_items")}
