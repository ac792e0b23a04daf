"""`backline accounts`."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from resources.grants import open_grant
from resources.tables import ConnectedAccount, Grant, Org


def line(number=1, **changes):
    account = {
        "org": "north",
        "provider": "spotify",
        "external_id": f"user-{number}",
        "display_name": f"User {number}",
        "grant": {"access_token": "secret-access", "refresh_token": "r", "scopes": ["user-top-read"]},
        "config": {"artist_ids": ["abc"]},
    }
    return json.dumps({**account, **changes})


def names(installation):
    query = sa.select(ConnectedAccount.external_id).order_by(ConnectedAccount.external_id)
    return [row.external_id for row in installation.rows(query)]


def test_imported_accounts_are_stored_with_their_org_and_grant(installation):
    said = installation.json("accounts", "import", "-", input=f"{line(1)}\n{line(2, org='south')}\n")
    assert said == {"imported": 2, "refused": []}
    assert {row.slug for row in installation.rows(sa.select(Org.slug))} == {"north", "south"}
    grants = installation.rows(sa.select(Grant.__table__))
    assert {open_grant(installation.backline.vault, row).tokens.access_token for row in grants} == {
        "secret-access"
    }


def test_an_account_imported_again_is_brought_up_to_date(installation):
    installation.json("accounts", "import", "-", input=line(1))
    installation.json("accounts", "import", "-", input=line(1, display_name="Renamed"))
    [row] = installation.rows(sa.select(ConnectedAccount.display_name))
    assert row.display_name == "Renamed"


@pytest.mark.parametrize(
    ("wrong", "field", "problem"),
    [
        (b"nonsense", "line", "is not JSON"),
        (b"[]", "line", "Expected `object`, got `array`"),
        (b"{}", "line", "Object missing required field `org`"),
        (b"\xff\xfe\x00binary\x00", "line", "is not UTF-8"),
        (b'{"org": "x\x00"}', "line", "is not JSON"),
        (line(9, org="No Slug").encode(), "org", "'No Slug' is not a slug"),
        (line(9, provider="myspace").encode(), "provider", "'myspace' is unknown"),
        (line(9, provider="[/red]").encode(), "provider", "'[/red]' is unknown"),
        (line(9, surprise=1).encode(), "line", "Object contains unknown field `surprise`"),
        (line(9, external_id=" ").encode(), "external_id", "is empty"),
        (line(9, config={"polka": []}).encode(), "config.polka", "is unknown"),
        (line(9, config={"artist_ids": "abc"}).encode(), "config.artist_ids", "is not a list of ids"),
        (line(9, display_name="x" * 2_000_000).encode(), "line", "is longer than 1,048,576 bytes"),
        (b"[" * 100_000, "line", "Expected `object`, got `array`"),
        (
            line(9, grant={"access_token": "a", "expires_at": "2026-11-23T10:00:00"}).encode(),
            "grant.expires_at",
            "has no zone",
        ),
        (
            line(9, grant={"access_token": "a", "expires_at": "0001-01-01T00:00:00+14:00"}).encode(),
            "line",
            "the database refuses it",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_wrong_line_is_named_and_the_right_ones_are_kept(installation, wrong, field, problem):
    (installation.folder / "accounts.jsonl").write_bytes(
        b"\n".join([line(1).encode(), wrong, b"", line(2).encode()])
    )
    said = installation.json("accounts", "import", "accounts.jsonl", code=1)
    [refused] = said["refused"]
    assert said["imported"] == 2
    assert (refused["line"], refused["field"]) == (2, field)
    assert refused["problem"].startswith(problem)
    assert refused["cure"]
    assert names(installation) == ["user-1", "user-2"]
    shown = installation.run("accounts", "import", "accounts.jsonl")
    assert f"line 2: {field}: {problem}" in shown.stderr
    assert shown.stdout == "Imported 2, refused 1.\n"


def test_what_a_line_keeps_secret_is_not_repeated(installation):
    wrong = line(1, grant={"access_token": "hunter2", "expires_at": "hunter2"})
    result = installation.run("accounts", "import", "-", input=wrong)
    assert result.exit_code == 1
    assert "hunter2" not in result.output


def test_more_lines_than_one_transaction_takes_are_imported(installation):
    text = "\n".join(line(number) for number in range(1_001))
    assert installation.json("accounts", "import", "-", input=text)["imported"] == 1_001


def test_an_empty_file_imports_nothing(installation):
    assert installation.json("accounts", "import", "-", input="\n\n") == {"imported": 0, "refused": []}


def test_the_list_shows_no_secret(installation):
    installation.connect(name="Acme")
    rows = installation.json("accounts", "list")
    assert [(row["org"], row["display_name"], row["status"]) for row in rows] == [
        ("north", "Acme", "connected")
    ]
    shown = installation.run("accounts", "list").stdout
    assert "Acme" in shown
    assert "secret-access" not in shown + json.dumps(rows)


def test_the_list_may_be_narrowed(installation):
    installation.connect("north", "Acme")
    installation.connect("south", "Bolt")
    assert [row["org"] for row in installation.json("accounts", "list", "--org", "south")] == ["south"]
    assert len(installation.json("accounts", "list", "--provider", "spotify")) == 2


def test_an_empty_list_says_what_to_do(installation):
    assert installation.json("accounts", "list") == []
    assert "`backline accounts import`" in installation.run("accounts", "list").stdout


def test_a_disconnected_account_has_no_grant_and_keeps_its_row(installation):
    account = installation.connect()
    assert installation.json("accounts", "disconnect", account) == {
        "account": str(account),
        "status": "disconnected",
    }
    assert installation.account(account).status == "disconnected"
    assert installation.rows(sa.select(Grant.account_id)) == []


@pytest.mark.integration
def test_a_good_account_is_called_by_the_name_its_provider_knows(installation, served):
    grant = served.grant(1)
    account = installation.connect(grant=grant, name="[/red]")
    verdict = installation.json("accounts", "test", account)
    assert (verdict["account"], verdict["ok"]) == (str(account), True)
    assert grant["display_name"] in verdict["message"]
    assert installation.run("accounts", "test", account).stdout.startswith("good: ")


@pytest.mark.integration
def test_a_bad_account_exits_1_and_names_the_cure(installation, served):
    account = installation.connect()
    verdict = installation.json("accounts", "test", account, code=1)
    assert verdict["ok"] is False
    assert "econnect" in verdict["message"]
    assert installation.run("accounts", "test", account).stdout.startswith("bad: ")


def config_of(installation):
    query = sa.select(ConnectedAccount.id, ConnectedAccount.provider_config)
    (row,) = installation.rows(query)
    return str(row.id), row.provider_config


def test_an_accounts_artists_are_set_and_taken_out_without_its_tokens(installation):
    installation.json("accounts", "import", "-", input=line(1))
    account, _ = config_of(installation)
    said = installation.json("accounts", "configure", account, "artist_ids", "one", "two")
    assert said == {"account": account, "key": "artist_ids", "values": ["one", "two"]}
    assert config_of(installation)[1] == {"artist_ids": ["one", "two"]}
    installation.json("accounts", "configure", account, "artist_ids")
    assert config_of(installation)[1] == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show_ids", "one"), "config.show_ids: is unknown; Spotify takes: artist_ids"),
        (("artist_ids", "a b"), "config.artist_ids: is not a list of ids"),
    ],
)
def test_what_a_provider_does_not_take_is_refused_and_changes_nothing(installation, arguments, said):
    installation.json("accounts", "import", "-", input=line(1))
    account, before = config_of(installation)
    result = installation.run("accounts", "configure", account, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert config_of(installation)[1] == before
