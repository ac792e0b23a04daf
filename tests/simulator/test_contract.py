"""Replies of the simulator against Spotify's OpenAPI document and against recorded replies."""

from __future__ import annotations

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from simulator.spotify.web_api import find

pytestmark = pytest.mark.providers

DEPRECATED = {
    *("available_markets", "genres", "label", "popularity", "album_group", "followers", "linked_from"),
    *("country", "email", "product", "explicit_content"),
}
NULLS_AS_RECORDED = {
    *("images", "album", "cursors", "next", "after", "before", "context", "item", "track"),
    *("id", "href", "uri", "album_type", "release_date", "release_date_precision"),  # of local files
}
READS = {
    "/me": "/me",
    "/me/tracks": "/me/tracks?limit=50",
    "/me/albums": "/me/albums?limit=50",
    "/me/playlists": "/me/playlists?limit=50",
    "/me/top/artists": "/me/top/artists?limit=50",
    "/me/top/tracks": "/me/top/tracks?limit=50",
    "/me/following": "/me/following?type=artist&limit=50",
    "/me/player/recently-played": "/me/player/recently-played?limit=50",
    "/artists/{id}": "/artists/{artist}",
    "/artists/{id}/albums": "/artists/{artist}/albums?limit=10",
    "/albums/{id}": "/albums/{album}",
    "/albums/{id}/tracks": "/albums/{album}/tracks?limit=50",
    "/tracks/{id}": "/tracks/{track}",
    "/playlists/{playlist_id}": "/playlists/{playlist}?additional_types=track,episode",
    "/playlists/{playlist_id}/items": "/playlists/{playlist}/items?limit=50&additional_types=track,episode",
    "/search": "/search?q=the&type=artist,album,track&limit=10",
}
EXTENDED_READS = {
    "/artists": "/artists?ids={artist}",
    "/albums": "/albums?ids={album}",
    "/tracks": "/tracks?ids={track}",
    "/artists/{id}/top-tracks": "/artists/{artist}/top-tracks",
    "/users/{user_id}": "/users/{user}",
    "/playlists/{playlist_id}/tracks": "/playlists/{playlist}/tracks?limit=50&additional_types=track,episode",
}
RECORDED = {
    "me": "/me",
    "me_saved_tracks": "/me/tracks",
    "me_playlists_page1": "/me/playlists",
    "me_top_artists": "/me/top/artists",
    "me_top_tracks": "/me/top/tracks",
    "me_recently_played": "/me/player/recently-played",
    "me_followed_artists_empty": "/me/following",
    "artist": "/artists/{id}",
    "artist_albums": "/artists/{id}/albums",
    "album": "/albums/{id}",
    "album_tracks": "/albums/{id}/tracks",
    "track": "/tracks/{id}",
    "playlist": "/playlists/{playlist_id}",
}


def nullable(schema):
    """Write OpenAPI's ``nullable`` as JSON Schema has it."""
    if isinstance(schema, list):
        return [nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: nullable(value) for key, value in schema.items() if key not in {"example", "examples"}}
    if changed.pop("nullable", None) is True and isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
    return changed


@pytest.fixture(scope="session")
def openapi(shared):
    text = (shared / "specs" / "spotify-fixed-openapi.yml").read_text()
    return nullable(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def address(sim, template, account):
    """Fill in the ids of things that the account's lists name."""
    track = sim.body("/me/top/tracks?limit=1", account)["items"][0]
    names = {
        "artist": track["artists"][0]["id"],
        "album": track["album"]["id"],
        "track": track["id"],
        "playlist": sim.body("/me/playlists?limit=2", account)["items"][1]["id"],
        "user": sim.body("/me", account)["id"],
    }
    return template.format(**names)


def endpoint_at(path):
    """Return the endpoint at one of the document's paths."""
    found = find("/".join("x" if part[:1] == "{" else part for part in path.split("/")))
    assert found, path
    return found[0]


def differences(openapi, path, body):
    """Return what the document forbids, without what it is known to be wrong about."""
    pointer = openapi["paths"][path]["get"]["responses"]["200"]["$ref"].rpartition("/")[2]
    schema = openapi["components"]["responses"][pointer]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": openapi["components"]})
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator.iter_errors(body)
        if not _known(error)
    ]


def _known(error):
    if error.context:
        branches = {}
        for part in error.context:
            branches.setdefault(part.schema_path[0], []).append(part)
        return any(all(_known(part) for part in parts) for parts in branches.values())
    if error.validator == "required":
        return error.message.split("'")[1] in DEPRECATED
    if error.instance is None:
        names = [part for part in error.absolute_path if isinstance(part, str)]
        return names[-1] in NULLS_AS_RECORDED or list(error.absolute_path)[:1] == ["items"]
    return False


@pytest.mark.parametrize("path", READS)
def test_development_replies_fit_the_document_but_for_deprecated_fields(sim, openapi, path):
    for account in range(5):
        body = sim.body(address(sim, READS[path], account), account)
        assert differences(openapi, path, body) == []


@pytest.mark.parametrize("path", READS | EXTENDED_READS)
def test_extended_replies_fit_the_document(extended, openapi, path):
    for account in range(5):
        body = extended.body(address(extended, (READS | EXTENDED_READS)[path], account), account)
        assert differences(openapi, path, body) == []


def test_the_comparison_finds_what_is_wrong(sim, openapi):
    body = sim.body("/me/tracks?limit=5")
    body["items"][0]["track"]["duration_ms"] = "long"
    body["items"][1]["track"]["album"]["images"] = [{"url": "x"}]
    del body["total"]
    found = "\n".join(differences(openapi, "/me/tracks", body))
    for word in ("duration_ms", "height", "total"):
        assert word in found


def test_every_path_of_the_document_is_known(openapi):
    for path, methods in openapi["paths"].items():
        if "get" in methods:
            endpoint_at(path)


def test_what_the_document_calls_deprecated_is_removed_in_development_mode(openapi):
    for path, methods in openapi["paths"].items():
        if "get" in methods:
            endpoint = endpoint_at(path)
            contains = path.endswith("/contains")  # deprecated, but not among what was removed
            assert endpoint.removed == (methods["get"].get("deprecated", False) and not contains), path


def test_needed_scopes_are_the_document_s(openapi):
    for path in READS:
        endpoint = endpoint_at(path)
        scopes = openapi["paths"][path]["get"]["security"][0]["oauth_2_0"]
        if path != "/me":  # any token reads it; scopes decide how much it shows
            assert [endpoint.scope] == (scopes or [""]), path


def test_parameters_are_the_document_s(openapi):
    for path in READS:
        endpoint = endpoint_at(path)
        listed = openapi["paths"][path]["get"].get("parameters", [])
        listed = [
            openapi["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for one in listed
        ]
        names = {one["name"] for one in listed if one["in"] == "query"}
        extra = {"type"} if path == "/me/player/recently-played" else set()  # undocumented, in use
        assert set(endpoint.parameters) == names | extra, path


def keys(value, path="$"):
    """Return where keys stand, lists taken as one element."""
    if isinstance(value, dict):
        inner = [keys(part, f"{path}.{name}") for name, part in value.items()]
        return {f"{path}.{name}" for name in value}.union(*inner)
    if isinstance(value, list):
        return set().union(*(keys(part, f"{path}[]") for part in value))
    return set()


def recorded(shared, name):
    return json.loads((shared / "replies" / "spotify" / f"{name}.json").read_text())


@pytest.mark.parametrize("name", RECORDED)
def test_development_replies_have_all_recorded_keys_that_are_not_deprecated(sim, shared, name):
    ours = keys(sim.body(address(sim, READS[RECORDED[name]], 1), 1))
    lacking = keys(recorded(shared, name)) - ours
    assert {path for path in lacking if not DEPRECATED & set(path.replace("[]", "").split("."))} == set()


@pytest.mark.parametrize("name", sorted(set(RECORDED) - {"playlist", "me_playlists_page1"}))
def test_extended_replies_have_all_recorded_keys(extended, shared, name):
    ours = keys(extended.body(address(extended, READS[RECORDED[name]], 1), 1))
    assert keys(recorded(shared, name)) - ours == set()


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("error_400_invalid_limit", "/me/tracks?limit=99", 400),
        ("error_403_forbidden_removed_endpoint", "/playlists/x/tracks", 403),
        ("error_404_playlist", "/playlists/37i9dQZF1DXcBWIGoYBM5M", 404),
    ],
)
def test_errors_are_the_recorded_ones(sim, shared, name, query, status):
    reply = sim.get(query)
    assert (reply.status_code, reply.json()) == (status, recorded(shared, name))


def test_the_rate_limit_error_is_the_recorded_one(sim, shared):
    sim.control("faults", kind="rate_limit")
    assert sim.get("/me").json() == recorded(shared, "error_429_rate_limit")


def test_token_replies_have_the_recorded_keys(sim, shared):
    form = {"grant_type": "refresh_token", "client_id": "simulator-client"}
    reply = sim.ask(
        "POST", "/spotify/api/token", data={**form, "refresh_token": sim.grant()["refresh_token"]}
    )
    assert set(reply.json()) == set(recorded(shared, "token_authorization_code"))


def test_token_errors_are_the_recorded_ones(sim, shared):
    token = sim.grant()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "nobody", "refresh_token": token}
    assert sim.ask("POST", "/spotify/api/token", data=form).json() == recorded(
        shared, "error_400_invalid_client"
    )
    sim.control("revoke", provider="spotify", account=0)
    form["client_id"] = "simulator-client"
    assert sim.ask("POST", "/spotify/api/token", data=form).json() == recorded(
        shared, "error_400_invalid_grant_refresh_revoked"
    )
