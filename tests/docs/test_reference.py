"""The reference says all that there is, and nothing that there is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import click
import dagster as dg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from assets import audience, audience_checks
from assets.checks import DESCRIPTIONS, LONGEST_MEAN_MS, LOWEST_SUCCESS_RATE
from pipelines.api import definitions
from pipelines.cli import main
from resources import delivery
from resources.backline import CRONS, Backline
from resources.errors import ProviderError
from resources.events import PATHS
from resources.providers import PROVIDERS
from resources.schemas import schema_of
from resources.settings import REPOSITORY, ProviderSettings, Settings
from resources.streams import table_of
from resources.tables import Base
from simulator.__main__ import main as simulator_main
from simulator.app import create_app
from simulator.control import Control
from simulator.faults import Kind

FOR_TESTS = {"BACKLINE_TEST_POSTGRESQL_URL"}
STREAM_ENDS = ["synced_at", "deleted_at"]


def variables() -> dict[str, tuple[str, str]]:
    """Return each variable with its default, as text, and its meaning."""
    own = {
        str(field.validation_alias or f"BACKLINE_{name.upper()}"): field
        for name, field in Settings.model_fields.items()
    }
    of_provider = {
        f"BACKLINE_<PROVIDER>_{name.upper()}": field for name, field in ProviderSettings.model_fields.items()
    }
    return {name: (_text(f.default), f.description or "") for name, f in (own | of_provider).items()}


def _text(default: object) -> str:
    value = default.get_secret_value() if isinstance(default, SecretStr) else default
    return "" if value is None else str(value)


def test_settings_are_documented_with_default_and_meaning(page, cells) -> None:
    text = page("docs/reference/settings.md").text
    known = variables()
    assert set(cells(text)) == set(known) | FOR_TESTS
    for name, (default, meaning) in known.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert row.endswith(f"| {meaning} |")
        assert not default or f"| `{default}` |" in row


def test_defaults_of_the_provider_are_its_declarations(page) -> None:
    text, spotify = page("docs/reference/settings.md").text, PROVIDERS["spotify"]
    limit = spotify.api.limit
    declared = {
        "API_URL": spotify.api.base,
        "AUTHORIZE_URL": spotify.oauth.authorize,
        "TOKEN_URL": spotify.oauth.token,
        "CRON": CRONS[spotify.every],
        "RATE_LIMIT": f"{limit.requests}/{limit.seconds}",
    }
    for name, value in declared.items():
        assert re.search(rf"^\| `BACKLINE_<PROVIDER>_{name}` .*`{re.escape(value)}`", text, re.MULTILINE)


def test_no_page_names_an_unknown_setting(pages) -> None:
    known = set(variables()) | FOR_TESTS
    for provider in PROVIDERS:
        known |= {name.replace("<PROVIDER>", provider.upper()) for name in known}
    for one in pages:
        named = set(re.findall(r"\bBACKLINE_[A-Z0-9_]*[A-Z0-9]\b", one.text))
        assert not named - known, one.name


def leaves(
    command: click.Command, words: tuple[str, ...] = ("backline",)
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its words."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*words, name))
    else:
        yield " ".join(words), command


def test_commands_and_options_are_documented(page, cells) -> None:
    reference = page("docs/reference/cli.md")
    known = dict(leaves(main))
    assert set(re.findall(r"^## `(backline [^`]+)`$", reference.text, re.MULTILINE)) == set(known)
    for words, command in known.items():
        section = reference.section(f"## `{words}`")
        options = [p.opts[0] for p in command.params if isinstance(p, click.Option)]
        assert cells(section) == options, words


def test_make_targets_are_documented(page, cells) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^([a-z0-9-]+):.*## (.*)$", makefile, re.MULTILINE))
    section = page("docs/reference/cli.md").section("## make")
    assert set(cells(section)) == {f"make {name}" for name in targets}
    assert all(f"| `make {name}` | {meaning} |" in section for name, meaning in targets.items())


def documented_tables(text: str) -> dict[str, list[str]]:
    """Return the columns of each documented table."""
    parts = re.split(r"^### `(\w+)`$", text, flags=re.MULTILINE)[1:]
    return {
        name: re.findall(r"^\| `(\w+)`", body.partition("\n## ")[0], re.MULTILINE)
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def test_tables_and_columns_are_documented(page) -> None:
    common = {
        table.name: [column.name for column in table.columns] for table in Base.metadata.tables.values()
    }
    streams: dict[str, list[str]] = {}
    for provider in PROVIDERS.values():
        for table in (table_of(provider, stream) for stream in provider.streams):
            first, *own = [column.name for column in table.columns]
            assert (first, own[-2:]) == ("account_id", STREAM_ENDS)
            streams[table.name] = own[:-2]
    assert documented_tables(page("docs/reference/tables.md").text) == common | streams


@pytest.mark.parametrize("table", Base.metadata.tables.values(), ids=lambda table: table.name)
def test_words_of_a_column_are_documented(page, table: sa.Table) -> None:
    section = page("docs/reference/tables.md").section(f"### `{table.name}`")
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            column, _, words = str(constraint.sqltext).partition(" IN ")
            allowed = ", ".join(f"`{word}`" for word in re.findall(r"'(\w+)'", words))
            assert re.search(rf"^\| `{column}` \|.*{re.escape(allowed)} \|$", section, re.MULTILINE)


def test_event_types_and_paths_are_documented(page, cells) -> None:
    text = page("docs/reference/events.md").text
    rows = re.findall(r"^\| `([a-z]+\.[a-z]+)` \| `/webhook/([a-z-]+)` \|", text, re.MULTILINE)
    assert dict(rows) == PATHS
    assert set(schema_of("data.synced")["properties"]) == {
        "id",
        "type",
        "provider",
        "orgId",
        "payload",
        "metadata",
    }


@pytest.mark.parametrize("event_type", ["provider.connected", "data.synced", "error.occurred"])
def test_fields_of_payloads_are_documented(page, event_type: str) -> None:
    section = page("docs/reference/events.md").section(f"### Payload of `{event_type}`")
    fields = schema_of(event_type)["properties"]["payload"]["properties"]
    assert not [name for name in fields if not re.search(rf"`{name}(\.\w+)?`", section)]


def test_the_schedule_of_retries_is_documented(pages) -> None:
    seconds = {"5 s": 5, "30 s": 30, "2 min": 120, "10 min": 600, "30 min": 1_800}
    seconds |= {f"{hours} h": hours * 3_600 for hours in (2, 6, 12, 24)}
    assert tuple(seconds.values()) == delivery.RETRY_SECONDS
    told = ", ".join(list(seconds)[:-1]) + " and 24 h"
    where = [one.name for one in pages if told in " ".join(one.text.split())]
    assert where == ["docs/how-to/receive-events-in-n8n.md", "docs/reference/events.md"]


def codes(root: type[ProviderError]) -> set[str]:
    """Return the codes of a class's subclasses that have one of their own."""
    own = {kind.code for kind in root.__subclasses__() if "code" in vars(kind)}
    return own.union(*(codes(kind) for kind in root.__subclasses__()))


def test_every_error_has_a_cause_and_a_cure(page, cells) -> None:
    known = set(schema_of("error.occurred")["$defs"]["error"]["enum"])
    assert known == codes(ProviderError) | {"grant_ending", "run_failed"}
    section = page("docs/how-to/mend-a-broken-account.md").section("## By error")
    assert set(cells(section)) == known
    events = page("docs/reference/events.md").section("### Payload of `error.occurred`")
    assert not [code for code in known if f"`{code}`" not in events]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """What Dagster loads."""
    return definitions(Backline(Settings(home=tmp_path_factory.mktemp("home"))))


def test_assets_and_checks_are_documented(page, cells, loaded: dg.Definitions) -> None:
    reference = page("docs/reference/dagster.md")
    graph = loaded.resolve_asset_graph()
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    section = reference.section("## Assets")
    groups = "|".join((*PROVIDERS, audience.GROUP))
    assert set(re.findall(rf"`((?:{groups})/\w+)`", section)) == keys
    checks = reference.section("## Checks")
    known = {*DESCRIPTIONS, *audience_checks.DESCRIPTIONS, audience.PROVIDERS_READ}
    assert set(cells(checks)) == known == {key.name for key in graph.asset_check_keys}
    assert f"more than {LOWEST_SUCCESS_RATE * 100:.0f} %" in checks
    assert f"less than {LONGEST_MEAN_MS:,} ms" in checks


def test_jobs_schedules_and_sensors_are_documented(page, cells, loaded: dg.Definitions) -> None:
    reference, repository = page("docs/reference/dagster.md"), loaded.get_repository_def()
    jobs = {name for name in repository.job_names if not name.startswith("__")}
    assert set(cells(reference.section("## Jobs"))) == jobs
    schedules = {schedule.name for schedule in repository.schedule_defs}
    assert set(cells(reference.section("## Schedules"))) == schedules
    assert set(cells(reference.section("## Sensors"))) == {sensor.name for sensor in repository.sensor_defs}


def test_the_simulator_is_documented(page, cells) -> None:
    reference = page("docs/reference/simulator.md")
    listed = [name for name in cells(reference.text) if not name.startswith(("GET", "POST"))]
    options = [p.opts[0] for p in simulator_main.params if isinstance(p, click.Option)]
    assert [name for name in listed if name.startswith("--")] == options
    assert {name for name in listed if not name.startswith("--")} == set(get_args(Kind))
    control = next(service for _, service in create_app().services if isinstance(service, Control))
    section = reference.section("## Control API")
    for method, name in control.orders:
        assert re.search(
            rf"^\| .*`{method}[`, ].*/control/{name}`|^\| `{method} /control/{name}`", section, re.MULTILINE
        )


def test_streams_and_their_costs_are_explained(page) -> None:
    rows = page("docs/explanation/spotify.md").section("## What is read, and what it costs")
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+)\|", rows, re.MULTILINE))))
    assert named == {stream.name for stream in PROVIDERS["spotify"].streams}
