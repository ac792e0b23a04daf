"""Links lead somewhere, and the commands that pages tell a reader to type exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import msgspec
import pytest

from pipelines.cli import main
from resources.accounts import parse_import_line
from resources.errors import InputRefused
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.schemas import validator_of
from resources.settings import REPOSITORY

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
INLINE = re.compile(r"`((?:backline|make) [^`\n]+)`")
NOT_THERE = "## What is not there yet"
OTHER_COMMANDS = {"cp", "export", "git", "python", "rm", "source"}
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))


def problem_of(line: str) -> str | None:
    """Return what is wrong with a command, or ``None``."""
    words = shlex.split(line.replace("…", ""), comments=True)
    if not words or words[0] in OTHER_COMMANDS:
        return None
    if words[0] == "make":
        return _problem_of_make(words[1:])
    return _problem_of_backline(words[1:]) if words[0] == "backline" else f"{words[0]} is not known"


def _problem_of_make(words: list[str]) -> str | None:
    for word in words:
        name, equals, _ = word.partition("=")
        known = re.search(rf"\$\({name}\)|\b{name} \?=", MAKEFILE) if equals else name in TARGETS
        if not known:
            return f"make knows no {word}"
    return None


def _problem_of_backline(words: list[str]) -> str | None:
    command: click.Command = main
    for number, word in enumerate(words):
        if word.startswith("--"):
            options = {"--help", "--version"}
            for parameter in command.params:
                options |= {*parameter.opts, *parameter.secondary_opts}
            if word not in options:
                return f"{command.name} knows no {word}"
        elif isinstance(command, click.Group):
            if word not in command.commands:
                return f"there is no command {' '.join(words[: number + 1])}"
            command = command.commands[word]
    return None


def test_relative_links_resolve(pages) -> None:
    broken = []
    by_path = {one.path: one for one in pages}
    for one in pages:
        for target in LINK.findall(one.prose):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            path = (one.path.parent / name).resolve() if name else one.path
            if not path.exists() or (anchor and path in by_path and anchor not in by_path[path].anchors):
                broken.append(f"{one.name}: {target}")
    assert not broken


def test_every_page_is_in_the_index(pages, page) -> None:
    index = page("docs/index.md")
    linked = {
        (index.path.parent / target.partition("#")[0]).resolve() for target in LINK.findall(index.prose)
    }
    folders = ("tutorial", "how-to", "reference", "explanation")
    missing = [one.name for one in pages if one.path.parent.name in folders and one.path not in linked]
    assert not missing


def test_decisions_have_numbers_of_their_own(pages) -> None:
    numbers = [one.path.name[:4] for one in pages if one.path.parent.name == "decisions"]
    assert all(number.isdecimal() for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_shell_blocks_name_existing_commands(pages) -> None:
    lines = [(one.name, line) for one in pages for block in one.blocks("sh") for line in block.splitlines()]
    assert lines
    assert not [f"{name}: {problem}" for name, line in lines if (problem := problem_of(line))]


def test_commands_in_sentences_exist(pages) -> None:
    wrong = []
    for one in pages:
        told = one.prose.partition(NOT_THERE)[0]
        wrong += [f"{one.name}: {p}" for line in INLINE.findall(told) if (p := problem_of(line))]
    assert not wrong


def test_commands_that_are_said_to_be_missing_are(page) -> None:
    section = page("README.md").section(NOT_THERE)
    absent = [line for line in INLINE.findall(section) if line != "backline sync"]
    assert not [line for line in absent if problem_of(line) is None]


def test_a_wrong_command_would_be_found() -> None:
    assert problem_of("backline accounts lisst") == "there is no command accounts lisst"
    assert problem_of("backline sync spotify --everything") == "sync knows no --everything"
    assert problem_of("make tset") == "make knows no tset"
    assert problem_of("make demo KEPT=1") == "make knows no KEPT=1"


def test_folders_of_the_map_exist(page, cells) -> None:
    section = page("README.md").section("## The repository")
    folders = cells(section)
    assert folders
    assert not [name for name in folders if not (REPOSITORY / name).exists()]
    packages = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")}
    assert not {name for name in packages if f"{name}/" not in folders}


def test_the_sample_event_fits_its_schema(page) -> None:
    (block,) = page("docs/reference/events.md").blocks("json")
    validator_of("data.synced").validate(msgspec.json.decode(block))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_sample_import_line_is_understood(page, provider: str) -> None:
    (block,) = page(f"docs/how-to/connect-{provider}.md").blocks("json")
    line = parse_import_line(block)
    assert (line.org_slug, line.provider.name) == ("acme", provider)
    assert set(line.scopes) <= set(PROVIDERS[provider].oauth.all_scopes)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_what_a_developer_console_must_be_given_is_told(page, provider: Provider) -> None:
    text, settings = page(f"docs/how-to/connect-{provider.name}.md").text, f"BACKLINE_{provider.name.upper()}"
    told = [f"/connect/{provider.name}/callback`", f"{settings}_CLIENT_ID=", f"{settings}_CLIENT_SECRET="]
    told += [f"{settings}_API_KEY="] if provider.api.key_header else []
    told += provider.oauth.all_scopes if provider.name != "spotify" else []  # Spotify's are asked for alone
    assert not [word for word in told if word not in text]


def test_refusals_of_import_lines_are_quoted_as_they_are(page) -> None:
    text = page("docs/how-to/connect-spotify.md").text
    grant = {"access_token": "x"}
    for number, (org, provider) in enumerate((("Acme!", "spotify"), ("acme", "spotfy")), 1):
        line = {"org": org, "provider": provider, "external_id": "31abc", "grant": grant}
        with pytest.raises(InputRefused) as refused:
            parse_import_line(msgspec.json.encode(line).decode())
        assert f"line {number}: {refused.value}" in text


def test_no_page_names_a_path_of_somebodys_machine(pages) -> None:
    homes = re.compile(r"/(?:home|Users|root|work|tmp)/\w+")
    assert not [one.name for one in pages if homes.search(one.text)]
    assert Path(REPOSITORY, "docs").is_dir()
