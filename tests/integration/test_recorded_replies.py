"""Replies recorded from the real Spotify: every record lands, and every request is one that Spotify knows."""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

pytestmark = [pytest.mark.integration, pytest.mark.providers]
NOTHING = {"items": [], "next": None, "previous": None, "cursors": None, "total": 0}
BY_PATH = {
    "/me": "me",
    "/me/following": "me_followed_artists_empty",
    "/me/top/artists": "me_top_artists",
    "/me/top/tracks": "me_top_tracks",
    "/me/tracks": "me_saved_tracks",
    "/me/playlists": "me_playlists_page1",
    "/me/player/recently-played": "me_recently_played",
}


class Recorded:
    """The recorded replies, and what they hold."""

    def __init__(self, shared):
        self.folder = shared / "replies" / "spotify"
        if not (self.folder / "me.json").exists():
            pytest.skip("../shared/replies/spotify, the recorded replies, is not here")
        self.artist = self.reply("artist")["id"]
        self.playlist = self.reply("playlist")["id"]

    def reply(self, name):
        return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))

    def answer(self, path, query):
        """Return the status and body of a request; lists end after their recorded page."""
        if query.get("offset", "0") != "0" or "before" in query or "after" in query:
            return 200, NOTHING
        if path in BY_PATH:
            return 200, self.reply(BY_PATH[path])
        if path == f"/playlists/{self.playlist}/items":
            return 200, self.reply("playlist")["items"]
        if path.startswith("/playlists/"):
            return 404, self.reply("error_404_playlist")
        named = {f"/artists/{self.artist}": "artist", f"/artists/{self.artist}/albums": "artist_albums"}
        name = "album_tracks" if re.fullmatch("/albums/[^/]+/tracks", path) else named.get(path)
        return 200, self.reply(name) if name else NOTHING


@pytest.fixture
def recorded(shared):
    return Recorded(shared)


@pytest.fixture
def spotify(recorded):
    """Spotify as recorded, on a port of the loopback; ``log`` holds every request."""

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
            server.log.append((parts.path.removeprefix("/v1"), query))
            self.reply(*recorded.answer(parts.path.removeprefix("/v1"), query))

        def do_POST(self):
            form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
            server.forms.append(form)
            self.reply(200, recorded.reply("token_refresh_without_new_refresh_token"))

        def reply(self, status, body):
            encoded = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    server.log, server.forms, server.address = [], [], f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def synced(install, spotify, recorded, database):
    """An installation that has imported one account and synced it, by the command line."""
    address = spotify.address
    installed = install(SPOTIFY_API_URL=f"{address}/v1", SPOTIFY_TOKEN_URL=f"{address}/token", N8N_URL="")
    ended = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    grant = {"access_token": "ended", "refresh_token": "recorded", "expires_at": ended}
    account = {
        "org": "acme",
        "provider": "spotify",
        "external_id": recorded.reply("me")["id"],
        "grant": grant,
    }
    line = json.dumps({**account, "config": {"artist_ids": [recorded.artist]}})
    assert "Imported 1" in installed.run("accounts", "import", "-", given=line)
    installed.summary = installed.json("sync", "spotify")
    return installed


def test_recorded_replies_land_whole_by_requests_that_spotify_knows(synced, spotify, recorded, shared):
    assert synced.summary["ok"], synced.summary
    check_records(synced, recorded)
    assert [form["refresh_token"] for form in spotify.forms] == ["recorded"]
    check_requests(spotify.log, Contract(shared))


def check_records(synced, recorded):
    def stored(stream, column):
        rows = synced.rows(f"SELECT {column} FROM spotify_{stream} WHERE deleted_at IS NULL")
        return sorted(str(row[column]) for row in rows)

    def given(name, *places):
        items = [item for item in recorded.reply(name)["items"] if item]
        for place in places:
            items = [item[place] for item in items]
        return sorted(map(str, items))

    assert stored("profile", "user_id") == [recorded.reply("me")["id"]]
    assert stored("followed_artists", "artist_id") == []
    assert stored("top_artists", "artist_id") == sorted(3 * given("me_top_artists", "id"))
    assert stored("top_tracks", "track_id") == sorted(3 * given("me_top_tracks", "id"))
    assert stored("saved_tracks", "track_id") == given("me_saved_tracks", "track", "id")
    assert stored("playlists", "playlist_id") == given("me_playlists_page1", "id")
    assert stored("recently_played", "track_id") == given("me_recently_played", "track", "id")
    assert stored("artists", "artist_id") == [recorded.artist]
    assert stored("artist_albums", "album_id") == given("artist_albums", "id")
    albums, tracks = given("artist_albums", "id"), given("album_tracks", "id")
    assert stored("album_tracks", "track_id") == sorted(len(albums) * tracks)
    if recorded.playlist in given("me_playlists_page1", "id"):
        assert len(stored("playlist_items", "position")) == len(recorded.reply("playlist")["items"]["items"])


class Contract:
    """Spotify's own description of its API."""

    def __init__(self, shared):
        path = shared / "specs" / "spotify-fixed-openapi.yml"
        if not path.exists():
            pytest.skip("../shared/specs/spotify-fixed-openapi.yml is not here")
        self.spec = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

    def resolved(self, value):
        while "$ref" in value:
            found = self.spec
            for name in value["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            value = found
        return value

    def parameters(self, path):
        """Return the query parameters of a path by name, or ``None`` where there is no such path."""
        for template, methods in self.spec["paths"].items():
            if "get" in methods and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                known = [self.resolved(one) for one in methods["get"].get("parameters", ())]
                return {one["name"]: one for one in known if one["in"] == "query"}
        return None

    def problem(self, path, query):
        """Return what is wrong with a request, or ``None``."""
        known = self.parameters(path)
        if known is None:
            return f"{path} is not a path"
        for name, value in query.items():
            if name not in known:
                return f"{path} knows no {name}"
            schema = self.resolved(known[name]["schema"])
            if schema.get("type") == "integer":
                low, high = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63)
                if not value.lstrip("-").isdecimal() or not low <= int(value) <= high:
                    return f"{path}?{name}={value} is not within {low} to {high}"
            if "enum" in schema and value not in schema["enum"]:
                return f"{path}?{name}={value} is not one of {schema['enum']}"
        missing = [name for name, one in known.items() if one.get("required") and name not in query]
        return f"{path} needs {missing}" if missing else None


def check_requests(log, contract):
    assert {contract.problem(path, query) for path, query in log} == {None}
    assert len({path for path, _ in log}) > len(BY_PATH)
    # the gate has been seen red
    assert contract.problem("/me/nothing", {})
    assert contract.problem("/me/tracks", {"limit": "51"})
    assert contract.problem("/me/following", {"type": "album"})
    assert contract.problem("/me/tracks", {"before": "1"})
    assert contract.problem("/me/following", {})
