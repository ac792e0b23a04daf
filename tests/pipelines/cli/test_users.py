"""`backline users`: people are added, listed, given roles and links, disabled."""

from __future__ import annotations

import sqlalchemy as sa

from resources.people import passwords
from resources.tables import User


def test_person_is_added_with_a_link_listed_and_disabled(installation):
    link = installation.json("users", "add", "Ada", "--role", "admin", "--json")["link"]
    assert link.startswith("http://127.0.0.1:8700/enter?link=")
    installation.json("users", "add", "grace", "--role", "viewer", "--json")
    installation.json("users", "role", "grace", "operator", "--json")
    installation.json("users", "disable", "grace", "--json")
    ada, grace = installation.json("users", "list", "--json")
    assert (ada["name"], ada["state"], ada["roles"]) == (
        "ada",
        "no password",
        [{"org": None, "role": "admin"}],
    )
    assert (grace["state"], grace["roles"]) == ("disabled", [{"org": None, "role": "operator"}])
    assert "grace is disabled" in installation.refused("users", "link", "grace")


def test_password_is_read_from_standard_input_and_stored_as_its_hash(installation):
    words = "canary four plain words"
    added = installation.json(
        "users", "add", "ada", "--role", "admin", "--password-stdin", "--json", input=f"{words}\n"
    )
    assert added == {"link": None}
    (stored,) = [row[0] for row in installation.rows(sa.select(User.password_hash))]
    assert stored.startswith("$argon2id$")
    assert passwords.fits(stored, words)


def test_what_cannot_be_is_refused_with_the_cure(installation):
    installation.json("users", "add", "ada", "--role", "admin", "--json")
    assert "is there already" in installation.refused("users", "add", "ada", "--role", "viewer")
    assert "'nowhere' is unknown" in installation.refused(
        "users", "add", "b", "--role", "viewer", "--org", "nowhere"
    )
    assert "the only admin over all" in installation.refused("users", "disable", "ada")
    assert "is unknown; see `backline users list`" in installation.refused("users", "link", "nobody")
