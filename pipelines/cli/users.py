"""`backline users`: who may use the console, and with which roles."""

from __future__ import annotations

import sys
from typing import Any

import click
import sqlalchemy as sa

from pipelines.cli.output import json_option, migrated, people, show_json, show_table
from resources.backline import Backline
from resources.errors import InputRefused
from resources.people import links, passwords
from resources.people import users as store
from resources.people.roles import Role
from resources.people.users import Person

ACTOR = "command line"
ROLES = click.Choice([role.value for role in Role])
org_option = click.option("--org", metavar="SLUG", help="In this org alone; without it over all.")


@click.group()
def users() -> None:
    """Console operators and their roles."""


@users.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List everybody with roles and state."""
    with migrated(Backline()).database.read() as connection:
        rows = [_row(one) for one in store.listed(connection)]
    if as_json:
        show_json(rows)
        return
    empty = "Nobody yet. Add an admin: backline users add NAME --role admin"
    show_table("Users", [{**row, "roles": _in_words(row["roles"])} for row in rows], empty)


def _row(one: Person) -> dict[str, Any]:
    held = [{"org": None, "role": one.rights.everywhere.value}] if one.rights.everywhere else []
    held += [{"org": org, "role": role.value} for org, role in sorted(one.rights.orgs.items())]
    state = "disabled" if one.disabled_at else "active" if one.has_password else "no password"
    return {"name": one.name, "state": state, "roles": held, "last_login_at": one.last_login_at}


def _in_words(held: list[dict[str, Any]]) -> str:
    return ", ".join(f"{one['role']} in {one['org'] or 'all orgs'}" for one in held)


@users.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, required=True, help="What NAME may do.")
@org_option
@click.option("--password-stdin", is_flag=True, help="Read a password from standard input, and make no link.")
@json_option
def add_command(name: str, role: str, org: str | None, *, password_stdin: bool, as_json: bool) -> None:
    """Add NAME, and print a one-time link by which NAME sets a password."""
    backline = migrated(Backline())
    kept = _password_hash(name) if password_stdin else ""
    with backline.database.write() as connection:
        number = store.add(connection, ACTOR, name, Role(role), org)
        if kept:
            store.set_password(connection, ACTOR, number, kept)
        proof = "" if kept else links.make(connection, ACTOR, number)
    _tell(f"{store.check_name(name)} is added.", backline, proof, as_json=as_json)


@users.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice([*(role.value for role in Role), "none"]))
@org_option
@json_option
def role_command(name: str, role: str, org: str | None, *, as_json: bool) -> None:
    """Give NAME a ROLE, or none, in an org or over all."""
    wanted = None if role == "none" else Role(role)
    with migrated(Backline()).database.write() as connection:
        store.set_role(connection, ACTOR, store.find(connection, name).id, wanted, org)
    _done(name, f"is {role} in {org or 'all orgs'} from now on", as_json=as_json)


@users.command("password")
@click.argument("name")
@json_option
def password_command(name: str, *, as_json: bool) -> None:
    """Set NAME's password, read from standard input or asked for; NAME's sessions end."""
    backline = migrated(Backline())
    with backline.database.read() as connection:
        user = store.find(connection, name)
    kept = _password_hash(user.name)
    with backline.database.write() as connection:
        store.set_password(connection, ACTOR, user.id, kept)
    _done(name, "has a new password; all sessions of that name ended", as_json=as_json)


def _password_hash(name: str) -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    return passwords.hashed(typed, name)


@users.command("link")
@click.argument("name")
@json_option
def link_command(name: str, *, as_json: bool) -> None:
    """Print a one-time link that lets NAME in, for a forgotten password."""
    backline = migrated(Backline())
    with backline.database.write() as connection:
        user = store.find(connection, name)
        if user.disabled_at is not None:
            raise InputRefused("user", f"{user.name} is disabled", f"run `backline users enable {user.name}`")
        proof = links.make(connection, ACTOR, user.id)
    _tell("", backline, proof, as_json=as_json)


@users.command("disable")
@click.argument("name")
@json_option
def disable_command(name: str, *, as_json: bool) -> None:
    """Let NAME in no more, at once: sessions end, tokens are revoked."""
    with migrated(Backline()).database.write() as connection:
        store.disable(connection, ACTOR, _id_of(connection, name))
    _done(name, "is disabled", as_json=as_json)


@users.command("enable")
@click.argument("name")
@json_option
def enable_command(name: str, *, as_json: bool) -> None:
    """Let NAME in again; tokens stay revoked."""
    with migrated(Backline()).database.write() as connection:
        store.enable(connection, ACTOR, _id_of(connection, name))
    _done(name, "is enabled", as_json=as_json)


def _id_of(connection: sa.Connection, name: str) -> Any:
    return store.find(connection, name).id


def _done(name: str, what: str, *, as_json: bool) -> None:
    show_json({"name": name, "done": what}) if as_json else people.print(f"{name} {what}.")


def _tell(said: str, backline: Backline, proof: str, *, as_json: bool) -> None:
    """Print a link, which is shown this once."""
    link = links.address(backline.settings.public_url, proof) if proof else None
    if as_json:
        show_json({"link": link})
        return
    if said:
        people.print(said)
    if link:
        people.print("This link lets in once, for three days:")
        click.echo(link)
