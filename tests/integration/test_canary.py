"""Secrets that can be recognised are planted, everything is run, and no surface shows any of them."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa

from resources.signing import SigningSecret
from resources.vault import EncryptionKey

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
KEY = EncryptionKey(b"CANARY-encryption-key-0123456789")
NEW_KEY = EncryptionKey(b"CANARY-encryption-key-9876543210")
SIGNING = SigningSecret(b"CANARY-signing-secret-0123456789")
CLIENT_SECRET, PASSWORD = "CANARY-client-secret-5678", "CANARY-database-password-42"
ACCESS = {name: f"CANARY-access-{name}-b5f1" for name in ("hostile", "lost", "renewed", "refused", "new")}
REFRESH = {name: f"CANARY-refresh-{name}-c7e3" for name in ("hostile", "lost", "renewed", "refused", "new")}
CANARIES = {
    *ACCESS.values(),
    *REFRESH.values(),
    CLIENT_SECRET,
    PASSWORD,
    KEY.text(),
    NEW_KEY.text(),
    KEY.raw.decode(),
    NEW_KEY.raw.decode(),
    SIGNING.text(),
    SIGNING.key.decode(),
}


def forms_of(canary):
    """Return how a secret may be written: as it is, in hex, in base64 at each of the three alignments."""
    raw = canary.encode()
    yield raw
    yield raw.hex().encode()
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]


def leaks(surfaces):
    """Return which surface shows which secret."""
    return sorted(
        (name, canary)
        for name, content in surfaces.items()
        for canary in CANARIES
        if any(form in content for form in forms_of(canary))
    )


def context(content, canary):
    """Return what stands around a secret."""
    place = max(content.find(form) for form in forms_of(canary))
    return content[max(place - 120, 0) : place + 60]


class Hostile:
    """A provider that repeats every secret it is told in its refusals, and a receiver that does too."""

    def __init__(self):
        self.tokens, self.refreshed, self.received, self.refusing = set(), [], [], True

    def get(self, path, token):
        """Return the status and body of a read."""
        self.tokens.add(token)
        echo = {"error": {"status": 0, "message": f"Bearer {token} is not welcome, {CLIENT_SECRET[:3]}"}}
        if token != ACCESS["hostile"]:
            return 200, json.dumps({"id": "someone", "items": [], "total": 0, "artists": {"items": []}})
        kinds = {
            "/me/tracks": (403, json.dumps(echo)),
            "/me/albums": (404, json.dumps(echo)),
            "/me/top/tracks": (400, json.dumps(echo)),
            "/me/playlists": (200, '{"items": ["' + token),
            "/me/following": (200, json.dumps({"artists": {"items": [{"id": 17, "name": token}]}})),
            "/me/top/artists": (200, json.dumps({"items": token})),
            "/me/player/recently-played": (500, json.dumps(echo)),
        }
        return kinds.get(path, (200, json.dumps({"id": "someone"})))

    def refresh(self, form, authorization):
        """Return the status and body of the token endpoint's answer."""
        token = form["refresh_token"]
        self.refreshed.append(token)
        said = f"{token} with {authorization} and {CLIENT_SECRET} is not welcome"
        if token == REFRESH["lost"]:
            return 400, json.dumps({"error": "invalid_grant", "error_description": said})
        if token == REFRESH["refused"]:
            return 400, json.dumps({"error": said, "error_description": said})
        return 200, json.dumps({"access_token": ACCESS["new"], "refresh_token": REFRESH["new"]})

    def receive(self, headers, body):
        """Return the status and body of the receiver's answer."""
        self.received.append(json.dumps(dict(headers)).encode() + body)
        return (500 if self.refusing else 200), "thank you"


@pytest.fixture
def hostile():
    hostile = Hostile()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            token = self.headers["authorization"].removeprefix("Bearer ")
            self.reply(*hostile.get(urlsplit(self.path).path, token))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path.startswith("/webhook/"):
                self.reply(*hostile.receive(self.headers, body))
            else:
                form = dict(parse_qsl(body.decode()))
                self.reply(*hostile.refresh(form, self.headers["authorization"]))

        def reply(self, status, body):
            self.send_response(status)
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    hostile.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield hostile
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def planted(install, hostile):
    return install(
        ENCRYPTION_KEYS=KEY.text(),
        N8N_SIGNING_SECRETS=SIGNING.text(),
        SPOTIFY_CLIENT_SECRET=CLIENT_SECRET,
        SPOTIFY_API_URL=hostile.address,
        SPOTIFY_TOKEN_URL=f"{hostile.address}/token",
        N8N_URL=hostile.address,
        ENVIRONMENT="production",
    )


def lines():
    """Return accounts to import: one whose reads fail, and three whose access token has ended."""
    ended, later = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    for name in ("hostile", "lost", "renewed", "refused"):
        grant = {"access_token": ACCESS[name], "refresh_token": REFRESH[name]}
        grant["expires_at"] = (later if name == "hostile" else ended).isoformat()
        yield json.dumps({"org": "acme", "provider": "spotify", "external_id": name, "grant": grant})


def wrong_lines():
    """Return lines that are refused, each for another reason, each with a secret in it."""
    account = {"org": "acme", "provider": "spotify", "external_id": "x"}
    grant = {"access_token": ACCESS["hostile"], "refresh_token": REFRESH["hostile"]}
    yield json.dumps({**account, "grant": grant})[:-12]
    yield json.dumps({**account, "grant": {**grant, "expires_at": "never"}})
    yield json.dumps({**account, "grant": {**grant, "expires_at": "2026-01-01T00:00:00"}})
    yield json.dumps({**account, "grant": {**grant, "secret": ACCESS["lost"]}})
    yield json.dumps({**account, "grant": ACCESS["hostile"]})


def run_everything(planted, hostile, tmp_path):
    """Run every command, in both forms, with everything going wrong that may."""
    run = planted.run
    run("accounts", "import", "-", given="\n".join(lines()))
    run("accounts", "import", "-", given="\n".join(wrong_lines()), code=1)
    run("accounts", "import", "-", "--json", given="\n".join(wrong_lines()), code=1)
    run("sync", "spotify", code=1)
    run("sync", "spotify", "--only-failed", "--json", code=None)
    run("sync", "spotify", "--org", "nobody", code=2)
    hostile.refusing = False
    (event,) = planted.rows("SELECT id FROM webhook_events WHERE event_type = 'data.synced' LIMIT 1")
    accounts = [str(row["id"]) for row in planted.rows("SELECT id FROM connected_accounts")]
    run("accounts", "list")
    run("accounts", "list", "--json")
    run("doctor", "--json", code=None)
    run("events", "list")
    run("events", "show", event["id"])
    run("events", "replay", event["id"], "--json")
    run("events", "deliver", code=None)
    run("events", "test", "data.synced", "--json")
    for account in accounts[:2]:
        run("accounts", "test", account, code=None)
    run("events", "export")
    planted.settings["ENCRYPTION_KEYS"] = f"{NEW_KEY.text()},{KEY.text()}"
    run("keys", "rotate")
    run("db", "prune")
    run("accounts", "disconnect", accounts[0])
    if planted.database.is_sqlite:
        refuse_settings(planted)
        run("db", "backup", str(tmp_path / "home" / "backup"))


def refuse_settings(planted):
    """Run commands under settings that are wrong, and hold secrets."""
    kept = dict(planted.settings)
    wrong = {
        "ENCRYPTION_KEYS": KEY.text()[:-9] + ",",
        "N8N_SIGNING_SECRETS": SIGNING.text() + "!",
        "DATABASE_URL": f"postgresql+psycopg://someone:{PASSWORD}@127.0.0.1:9/nothing",
    }
    for name, value in wrong.items():
        planted.settings[name] = value
        planted.run("doctor", code=None)
        planted.run("events", "test", "data.synced", code=None)
        planted.settings[name] = kept[name]


def surfaces(planted, hostile, tmp_path):
    """Return all that is stored, printed and sent, by name."""
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    found = {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}
    found |= {f"output {number}": text.encode() for number, text in enumerate(planted.output)}
    found |= {f"sent {number}": sent for number, sent in enumerate(hostile.received)}
    with planted.database.read() as connection:
        for table in sa.inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()
            found[f"table {table}"] = "\n".join(map(written, rows)).encode()
    return found


def written(row):
    return " | ".join(value.hex() if isinstance(value, bytes | memoryview) else str(value) for value in row)


def test_no_secret_shows_on_any_surface(planted, hostile, tmp_path):
    run_everything(planted, hostile, tmp_path)
    assert hostile.tokens >= {ACCESS["hostile"], ACCESS["new"]}, "the secrets were in use"
    assert set(hostile.refreshed) == {REFRESH["lost"], REFRESH["renewed"], REFRESH["refused"]}
    found = surfaces(planted, hostile, tmp_path)
    shown = leaks(found)
    assert shown == [], "\n".join(f"{name}: {context(found[name], canary)}" for name, canary in shown)
    assert any("dagster" in name and content for name, content in found.items())
    assert any("is not welcome" in content.decode(errors="replace") for content in found.values())
    check_that_leaks_are_found(planted, hostile, tmp_path)


def check_that_leaks_are_found(planted, hostile, tmp_path):
    """Plant each kind of leak, and see that it is found: the gate has been seen red."""
    (tmp_path / "home" / "leak").write_bytes(b"..." + SIGNING.key + b"...")
    hostile.received.append(base64.b64encode(b"Basic :" + CLIENT_SECRET.encode()))
    planted.output.append(f"error: {ACCESS['lost']} is bad")
    with planted.database.write() as connection:
        connection.execute(sa.text("UPDATE grants SET sealed = :plain"), {"plain": REFRESH["new"].encode()})
    found = {(name.split()[0], canary) for name, canary in leaks(surfaces(planted, hostile, tmp_path))}
    assert {
        ("home/leak", SIGNING.key.decode()),
        ("sent", CLIENT_SECRET),
        ("output", ACCESS["lost"]),
        ("table", REFRESH["new"]),
    } <= found
