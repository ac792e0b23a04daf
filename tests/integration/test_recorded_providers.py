"""Replies recorded from the real YouTube and Instagram: every record lands, by requests that they know.

The recordings come from several accounts, so the server puts the ids that were asked for into them, in
their order, and nothing else; lists end after their recorded page, and what was not recorded is empty.
"""

# ruff: noqa: D102  # a test's name states the fact

from __future__ import annotations

import copy
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from resources.providers import PROVIDERS

pytestmark = [pytest.mark.integration, pytest.mark.providers]
USER, MEDIA, COMMENT = "UserForIGOnlyAPI", "MediaForIGOnlyAPI", "Comment"
NOTHING = {"items": [], "pageInfo": {"totalResults": 0, "resultsPerPage": 50}}


class Recorded:
    """The recorded replies of one provider."""

    def __init__(self, shared, provider):
        self.folder = shared / "replies" / provider
        if not self.folder.is_dir():
            pytest.skip(f"../shared/replies/{provider} is not here")

    def reply(self, name):
        return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))


class YouTube(Recorded):
    """YouTube as recorded."""

    def __init__(self, shared):
        super().__init__(shared, "youtube")
        self.channel = self.reply("channel_full_parts")["items"][0]["id"]
        self.uploads = [
            item["contentDetails"]["videoId"]
            for item in self.reply("playlistItems_snippet_contentDetails")["items"]
        ]

    def answer(self, path, query):
        """Return the body of a request."""
        if "pageToken" in query:
            return NOTHING
        if path == "/v3/channels":
            return self.channels()
        if path == "/v3/playlistItems":
            return self.reply("playlistItems_snippet_contentDetails")
        if path in {"/v3/videos", "/v3/videos:batchGetStats"}:
            name = "videos_list_page1" if path == "/v3/videos" else "videos_list_single"
            return {"items": self.renamed(self.reply(name)["items"], query["id"].split(","))}
        if path == "/v3/playlists":
            return self.reply("playlists_mine")
        by_day = query["dimensions"] == "day"
        return self.reply("analytics_reports_query") if by_day else {"columnHeaders": []}

    def channels(self):
        """Return the recorded channel with a list of uploads, which its recording lacks."""
        found = self.reply("channel_full_parts")
        playlists = found["items"][0].setdefault("contentDetails", {}).setdefault("relatedPlaylists", {})
        playlists["uploads"] = "UU" + self.channel[2:]
        return found

    @staticmethod
    def renamed(items, ids):
        """Return a recorded item for each id, as many times as there are ids."""
        filled = [copy.deepcopy(items[n % len(items)]) for n in range(len(ids))]
        return [{**item, "id": one} for item, one in zip(filled, ids, strict=True)]


class Instagram(Recorded):
    """Instagram as recorded."""

    def __init__(self, shared):
        super().__init__(shared, "instagram")

    def answer(self, path, query):
        """Return the body of a request."""
        path = path.removeprefix("/v25.0")
        if "after" in query:
            return {"data": []}
        if path == "/me":
            profile = self.reply("user_business_discovery_style")
            return {**profile, "user_id": profile["id"]}
        if path == "/me/insights":
            demographic = query["metric"] == "follower_demographics"
            return self.reply(
                "user_follower_demographics_age_gender" if demographic else "user_insights_day_series"
            )
        if path.endswith("/insights"):
            acted = query["metric"] in {"profile_activity", "navigation"}
            return self.reply(
                "media_insights_profile_activity_breakdown" if acted else "media_insights_OLD_METRICS"
            )
        names = {"/me/media": "media_page1", "/me/stories": "user_stories"}
        return self.reply("media_comments_page1") if path.endswith("/comments") else self.reply(names[path])


@pytest.fixture
def serve():
    """Return what starts a server of recorded replies on a port of the loopback."""
    servers = []

    def start(recorded):
        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                server.log.append((parts.path, query))
                encoded = json.dumps(recorded.answer(parts.path, query)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json; charset=UTF-8")
                self.send_header("content-length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

            def log_message(self, *_):
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        server.daemon_threads = True
        server.log, server.address = [], f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def synced(installed, provider, external_id, scopes):
    """Import one account and sync it by the command line; return the summary."""
    later = (datetime.now(UTC) + timedelta(days=59)).isoformat()
    grant = {"access_token": "recorded-token", "expires_at": later, "scopes": scopes}
    account = {"org": "acme", "provider": provider, "external_id": external_id, "grant": grant}
    assert "Imported 1" in installed.run("accounts", "import", "-", given=json.dumps(account))
    return installed.json("sync", provider)


def stored(installed, table, column):
    rows = installed.rows(f"SELECT {column} FROM {table} WHERE deleted_at IS NULL")
    return sorted(str(row[column]) for row in rows)


def ids(items):
    return sorted(item["id"] for item in items)


def test_what_youtube_was_recorded_to_answer_lands_whole(install, serve, shared):
    recorded = YouTube(shared)
    server = serve(recorded)
    installed = install(
        YOUTUBE_API_URL=f"{server.address}/v3",
        YOUTUBE_ANALYTICS_URL=f"{server.address}/analytics",
        N8N_URL="",
    )
    summary = synced(installed, "youtube", recorded.channel, list(PROVIDERS["youtube"].oauth.all_scopes))
    assert summary["ok"], summary
    assert stored(installed, "youtube_channels", "channel_id") == [recorded.channel]
    for table in ("uploads", "videos", "video_statistics"):
        assert stored(installed, f"youtube_{table}", "video_id") == sorted(recorded.uploads), table
    assert stored(installed, "youtube_playlists", "playlist_id") == ids(
        recorded.reply("playlists_mine")["items"]
    )
    days = [row[0] for row in recorded.reply("analytics_reports_query")["rows"]]
    assert stored(installed, "youtube_channel_daily", "day") == days
    check_youtube(server.log, Discovery(shared))


def test_what_instagram_was_recorded_to_answer_lands_whole(install, serve, shared):
    recorded = Instagram(shared)
    server = serve(recorded)
    addresses = {"INSTAGRAM_API_URL": f"{server.address}/v25.0", "INSTAGRAM_GRAPH_URL": server.address}
    installed = install(**addresses, N8N_URL="")
    own = recorded.reply("user_business_discovery_style")["id"]
    summary = synced(installed, "instagram", own, list(PROVIDERS["instagram"].oauth.all_scopes))
    assert summary["ok"], summary
    media, stories = recorded.reply("media_page1")["data"], recorded.reply("user_stories")["data"]
    assert stored(installed, "instagram_profile", "user_id") == [own]
    assert stored(installed, "instagram_media", "media_id") == ids(media)
    assert stored(installed, "instagram_stories", "story_id") == ids(stories)
    reached = stored(installed, "instagram_account_insights", "metric")
    assert set(reached) == {"follower_count", "reach"}
    demographics = recorded.reply("user_follower_demographics_age_gender")
    results = demographics["data"][0]["total_value"]["breakdowns"][0]["results"]
    assert len(stored(installed, "instagram_follower_demographics", "value")) == len(results)
    check_instagram(server.log, Graph(shared))
    check_no_token(installed)


def check_no_token(installed):
    """The recorded addresses of next pages carry a token's place; none is stored, and none is printed."""
    tables = installed.rows("SELECT stream, cursor FROM stream_cursors")
    assert "access_token" not in json.dumps(tables, default=str)
    assert "recorded-token" not in "".join(installed.output)


class Discovery:
    """Google's own description of both APIs."""

    def __init__(self, shared):
        self.methods = {}
        for name, prefix in (("youtube.v3", "/v3/"), ("youtubeAnalytics.v2", "/analytics/")):
            path = shared / "specs" / f"{name}.discovery.json"
            if not path.exists():
                pytest.skip(f"../shared/specs/{path.name} is not here")
            self._walk(json.loads(path.read_text(encoding="utf-8")), prefix)

    def _walk(self, node, prefix):
        for method in node.get("methods", {}).values():
            if method["httpMethod"] == "GET":
                self.methods[prefix + re.sub("^(youtube/v3|v2)/", "", method["path"])] = method["parameters"]
        for inner in node.get("resources", {}).values():
            self._walk(inner, prefix)

    def problem(self, path, query):
        """Return what is wrong with a request, or ``None``."""
        known = self.methods.get(path)
        if known is None:
            return f"{path} is not a path"
        for name, value in query.items():
            if name not in known:
                return f"{path} knows no {name}"
            if "maximum" in known[name] and int(value) > int(known[name]["maximum"]):
                return f"{path}?{name}={value} is more than {known[name]['maximum']}"
            if "enum" in known[name] and value not in known[name]["enum"]:
                return f"{path}?{name}={value} is not one of {known[name]['enum']}"
        missing = [name for name, one in known.items() if one.get("required") and name not in query]
        return f"{path} needs {missing}" if missing else None


def check_youtube(log, discovery):
    assert {discovery.problem(path, query) for path, query in log} == {None}
    assert {"/v3/channels", "/v3/videos:batchGetStats", "/analytics/reports"} <= {path for path, _ in log}
    assert not any("search" in path for path, _ in log)
    # the gate has been seen red
    assert discovery.problem("/v3/nothing", {})
    assert discovery.problem("/v3/channels", {"id": "a"})
    assert discovery.problem("/v3/playlistItems", {"part": "snippet", "maxResults": "51"})
    assert discovery.problem("/v3/videos", {"part": "snippet", "ids": "a"})


class Graph:
    """Meta's own lists of fields, metrics, breakdowns and periods."""

    def __init__(self, shared):
        folder = shared / "specs" / "instagram"
        if not folder.is_dir():
            pytest.skip("../shared/specs/instagram is not here")
        enums = json.loads((folder / "enum_types.instagram-subset.json").read_text(encoding="utf-8"))
        self.enums = {one["name"]: set(one["values"]) for one in enums}
        self.fields = {
            name: self._fields(folder / f"IG{name}.json")
            for name in ("UserForIGOnlyAPI", "MediaForIGOnlyAPI", "Comment")
        }

    @staticmethod
    def _fields(path):
        return {one["name"] for one in json.loads(path.read_text(encoding="utf-8"))["fields"]}

    def problem(self, path, query):
        """Return what is wrong with a request, or ``None``."""
        path = path.removeprefix("/v25.0")
        kind = "user" if path == "/me/insights" else "media"
        for name in ("metric", "breakdown", "period", "metric_type", "timeframe"):
            if name in query:
                known = self.enums[f"{kind}insights_{name}_enum_param"]
                if unknown := set(query[name].split(",")) - known:
                    return f"{path}?{name}: {unknown}"
        wanted = re.sub(r"\{[^}]*\}", "", query.get("fields", ""))
        of = (
            "Comment"
            if path.endswith("/comments")
            else "UserForIGOnlyAPI"
            if path == "/me"
            else "MediaForIGOnlyAPI"
        )
        unknown = set(filter(None, wanted.split(","))) - self.fields[of] - {"children"}
        return f"{path}?fields: {unknown}" if unknown else None


def check_instagram(log, graph):
    assert {graph.problem(path, query) for path, query in log} == {None}
    assert {"/v25.0/me", "/v25.0/me/media", "/v25.0/me/insights"} <= {path for path, _ in log}
    # the gate has been seen red
    assert graph.problem("/v25.0/me", {"fields": "followers"})
    assert graph.problem("/v25.0/1/insights", {"metric": "impressed"})
    assert graph.problem("/v25.0/me/insights", {"metric": "reach", "breakdown": "follower_type"})
