"""What is refused, and how: exit 2, one sentence that names the field and the cure, no traceback."""

from __future__ import annotations

import uuid

import pytest

from pipelines.cli import main

NOBODY = "00000000-0000-0000-0000-000000000000"


def all_commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from all_commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sync", "myspace"], "provider: 'myspace' is unknown; use one of spotify"),
        (["sync"], "PROVIDER: is missing; see `backline sync --help`"),
        (["sync", "spotify", "polkas"], "stream: 'polkas' is unknown; use some of profile, "),
        (["sync", "spotify", "--org", "nobody"], "org: nobody is unknown; see `backline accounts list`"),
        (
            ["sync", "spotify", "--account", NOBODY],
            f"account: {NOBODY} is unknown; see `backline accounts list`",
        ),
        (
            ["sync", "spotify", "--account", "x"],
            "--account: 'x' is not a valid UUID; see `backline sync --help`",
        ),
        (
            ["sync", "spotify", "--from", "yesterday", "--to", "2026-11-01"],
            "--from: 'yesterday' does not match",
        ),
        (["sync", "spotify", "--from", "2026-11-01"], "--to: is missing; give the first and the last day"),
        (["sync", "spotify", "--to", "2026-11-01"], "--from: is missing; give the first and the last day"),
        (
            ["sync", "spotify", "--from", "2026-11-02", "--to", "2026-11-01"],
            "--from: 2026-11-02 is after 2026-11-01; give the earlier day first",
        ),
        (
            ["sync", "spotify", "--from", "2026-11-01", "--to", "2026-11-02"],
            "--from and --to: no stream of Spotify has a history by the day; leave them out, or say --full",
        ),
        (["accounts", "test", "x"], "ACCOUNT: 'x' is not a valid UUID; see `backline accounts test --help`"),
        (["accounts", "test", NOBODY], f"account: {NOBODY} is unknown"),
        (["accounts", "disconnect", "x"], "ACCOUNT: 'x' is not a valid UUID"),
        (["accounts", "disconnect", NOBODY], f"account: {NOBODY} is unknown; see `backline accounts list`"),
        (["accounts", "list", "--provider", "myspace"], "provider: 'myspace' is unknown; use one of spotify"),
        (["accounts", "list", "--org", "nobody"], "org: nobody is unknown; see `backline accounts list`"),
        (["accounts", "import", "missing.jsonl"], "FILE|-: 'missing.jsonl': No such file or directory; see"),
        (["accounts", "import", "."], "FILE|-: '.': Is a directory; see"),
        (["events", "show", "evt_x"], "id: evt_x is unknown; see `backline events list`"),
        (["events", "list", "--limit", "0"], "--limit: 0 is not in the range 1<=x<=10000; see"),
        (
            ["events", "list", "--status", "lost"],
            "--status: 'lost' is not one of 'pending', 'delivered', 'failed'",
        ),
        (["events", "test", "no.such"], "EVENT_TYPE: 'no.such' is not one of 'provider.connected'"),
        (["events", "replay"], "ID or options: none is given; name events, or say which, as --status failed"),
        (
            ["events", "replay", "evt_x"],
            "ID: only 0 of 1 are there, fit, and are not under way",
        ),
        (["events", "replay", "--status", "failed", "--since", "noon"], "--since: 'noon' does not match"),
        (["events", "deliver", "--seconds", "21"], "--seconds: 21 is not in the range 1<=x<=20"),
        (["events", "test", "data.synced"], "BACKLINE_N8N_URL: is not set"),
        (["events", "test", "data.synced", "--endpoint", "x"], "endpoint: 'x' is unknown; use an id of"),
        (["events", "replay", "--org", "nobody"], "org: nobody is unknown; see `backline accounts list`"),
        (["endpoints", "add", "x", "https://x.example", "--org", "nobody"], "org: nobody is unknown"),
        (["endpoints", "add", "x", "http://10.0.0.1", "--org", "a"], "url: 10.0.0.1 is not a public address"),
        (
            ["endpoints", "add", "x", "https://x.example", "--org", "a", "--header", "y"],
            "--header: holds no colon; write it as",
        ),
        (["endpoints", "change", "n8n data-sync"], "options: none is given; say what to change"),
        (["endpoints", "change", "n8n data-sync", "--url", "https://x.example"], "url: belongs to n8n's"),
        (["endpoints", "change", "n8n data-sync", "--rate", "fast"], "rate_limit: is 'fast'; use requests"),
        (["endpoints", "rotate", "n8n data-sync"], "endpoint: n8n's own paths use the settings' secrets"),
        (["endpoints", "remove", "n8n data-sync"], "endpoint: n8n data-sync is n8n's own path; disable it"),
        (["db", "backup", "home"], "target: home exists; name a file that does not"),
        (["db", "backup", "no/such/folder/copy.db"], "target: no/such/folder is not a folder; make it first"),
        (["db", "backup"], "TARGET: is missing; see `backline db backup --help`"),
        (["polka"], "polka: is not a command; see `backline --help`"),
        (["accounts", "lst"], "lst: is not a command; did you mean list"),
        (["--polka"], "--polka: is unknown; see `backline --help`"),
        (["events", "list", "--jsn"], "--jsn: is unknown; did you mean --json"),
        (["doctor", "now"], "arguments: Got unexpected extra argument (now); see `backline doctor --help`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refused_input_names_the_field_and_the_cure(installation, arguments, said):
    assert installation.refused(*arguments).startswith(said)


def test_an_account_that_cannot_be_synced_is_refused_with_the_cure(installation):
    account = installation.connect()
    installation.run("accounts", "disconnect", account)
    said = installation.refused("sync", "spotify", "--account", account)
    assert said == f"account: {account} is disconnected; connect it in the console"


def test_markup_in_a_refused_value_is_shown_as_it_is(installation):
    assert installation.refused("sync", "[/red]").startswith("provider: '[/red]' is unknown")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BACKLINE_SHARDS", "0", "BACKLINE_SHARDS: Input should be greater than or equal to 1"),
        ("BACKLINE_SHARDS", "many", "BACKLINE_SHARDS: Input should be a valid integer"),
        (
            "BACKLINE_FAILURE_THRESHOLD",
            "2",
            "BACKLINE_FAILURE_THRESHOLD: Input should be less than or equal to 1",
        ),
        ("BACKLINE_ENVIRONMENT", "staging", "BACKLINE_ENVIRONMENT: String should match pattern"),
        ("BACKLINE_DATABASE_URL", "nonsense", "BACKLINE_DATABASE_URL: is not a SQLAlchemy URL; use"),
        ("BACKLINE_DATABASE_URL", "mysql://h/d", "BACKLINE_DATABASE_URL: names mysql; use"),
        ("BACKLINE_ENCRYPTION_KEYS", "short", "BACKLINE_ENCRYPTION_KEYS: a key is not base64; use"),
        ("BACKLINE_ENCRYPTION_KEYS", "AAAA", "BACKLINE_ENCRYPTION_KEYS: a key has 3 bytes; use"),
        ("BACKLINE_ENVIRONMENT", "production", "BACKLINE_ENCRYPTION_KEYS: is not set, but is needed"),
    ],
)
def test_a_bad_setting_is_a_sentence(installation, monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    assert installation.refused("keys", "rotate").startswith(said)


def test_a_bad_setting_of_a_provider_is_a_sentence(installation, monkeypatch):
    installation.connect()
    monkeypatch.setenv("BACKLINE_SPOTIFY_RATE_LIMIT", "fast")
    monkeypatch.setenv("BACKLINE_SPOTIFY_CLIENT_ID", "app")
    said = installation.refused("doctor")
    assert said.startswith("BACKLINE_<PROVIDER>_RATE_LIMIT: String should match pattern")


@pytest.mark.parametrize("name", ["BACKLINE_SHARDS", "BACKLINE_ENCRYPTION_KEYS"])
def test_a_bad_setting_is_a_sentence_from_the_first_line_of_the_program_on(installation, name):
    done = installation.program("keys", "rotate", **{name: "0"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {name}: ")
    assert "Traceback" not in done.stderr


def test_a_secret_setting_is_not_repeated(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_ENCRYPTION_KEYS", "hunter2-hunter2")
    assert "hunter2" not in installation.refused("keys", "rotate")


def test_help_needs_no_valid_setting(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_SHARDS", "0")
    assert installation.run("--help").exit_code == 0


def test_a_database_that_is_not_there_is_a_sentence(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_DATABASE_URL", f"sqlite:///{installation.folder}/no/such/folder.db")
    result = installation.run("accounts", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: The database refused: ")
    assert "BACKLINE_DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_server_that_does_not_answer_is_a_sentence_without_its_password(installation, monkeypatch):
    monkeypatch.setenv("BACKLINE_DATABASE_URL", "postgresql+psycopg://user:hunter2@127.0.0.1:1/name")
    result = installation.run("accounts", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: The database refused: ")
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize(("path", "command"), list(all_commands(main)), ids=lambda value: "")
def test_every_command_says_what_it_does(path, command):
    assert command.help, path


FOREGROUND = {("demo",), ("up",), ("n8n", "serve"), ("n8n", "install")}


@pytest.mark.parametrize(("path", "command"), list(all_commands(main)), ids=lambda value: "")
def test_every_command_that_ends_by_itself_takes_json(path, command):
    options = {name for option in command.params for name in option.opts}
    assert ("--json" in options) is (path not in FOREGROUND), path


def test_an_unknown_account_is_one_sentence_for_machines_too(installation):
    installation.refused("accounts", "disconnect", uuid.uuid4(), "--json")
