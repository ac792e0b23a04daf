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
from pydantic.fields import FieldInfo

from assets import audience, audience_checks, delivery, delivery_checks, page_checks
from assets.checks import DESCRIPTIONS, LONGEST_MEAN_MS, LOWEST_SUCCESS_RATE
from console import metrics
from pipelines.api import definitions
from pipelines.browsers import definitions as browser_definitions
from pipelines.cli import main
from resources.backline import CRONS, Backline
from resources.delivery.retries import RETRY_SECONDS
from resources.errors import ProviderError
from resources.provider import Provider
from resources.providers import PROVIDERS
from resources.schemas import PATHS, kind_of
from resources.settings import REPOSITORY, ProviderSettings, Settings, settings_of
from resources.streams import page_table_of, table_of
from resources.tables import Base
from simulator.__main__ import main as simulator_main
from simulator.app import create_app
from simulator.control import Control
from simulator.faults import Kind
from simulator.sites.orders import Outcome

FOR_TESTS = {"BACKLINE_TEST_POSTGRESQL_URL", "BACKLINE_QUOTA_CHANNELS"}
STREAM_ENDS, PAGE_ENDS = ["synced_at", "deleted_at"], ["day", "layout", "way", "seen_at"]


def hosts_of(provider: Provider) -> dict[str, FieldInfo]:
    """Return the settings that one provider has beside those that all have: its API's further hosts."""
    fields = type(settings_of(provider.name, tuple(provider.api.hosts))).model_fields
    return {
        f"BACKLINE_{provider.name.upper()}_{name.upper()}": field
        for name, field in fields.items()
        if name not in ProviderSettings.model_fields
    }


def variables() -> dict[str, tuple[str, str]]:
    """Return each variable with its default, as text, and its meaning."""
    own = {
        str(field.validation_alias or f"BACKLINE_{name.upper()}"): field
        for name, field in Settings.model_fields.items()
    }
    of_provider = {
        f"BACKLINE_<PROVIDER>_{name.upper()}": field for name, field in ProviderSettings.model_fields.items()
    }
    hosts = {name: field for provider in PROVIDERS.values() for name, field in hosts_of(provider).items()}
    known = own | of_provider | hosts
    return {name: (_text(field.default), field.description or "") for name, field in known.items()}


def _text(default: object) -> str:
    value = default.get_secret_value() if isinstance(default, SecretStr) else default
    return "" if value is None else str(value)


def test_settings_are_documented_with_default_and_meaning(page, cells) -> None:
    text = page("docs/reference/settings.md").text
    known = variables()
    of_one = {name for provider in PROVIDERS.values() for name in declared(provider)}
    assert set(cells(text)) - of_one == (set(known) | FOR_TESTS) - of_one
    for name, (default, meaning) in known.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert row.endswith(f"| {meaning} |")
        assert not default or f"| `{default}` |" in row


def declared(provider: Provider) -> dict[str, str]:
    """Return what a provider's settings are where they are not set, by variable."""
    api, prefix = provider.api, f"BACKLINE_{provider.name.upper()}_"
    quota = ",".join(f"{bucket}={units}" for bucket, units in api.quota.buckets.items()) if api.quota else ""
    values = {
        "API_URL": api.base,
        "AUTHORIZE_URL": provider.oauth.authorize,
        "TOKEN_URL": provider.oauth.token,
        "CRON": CRONS[provider.every],
        "RATE_LIMIT": f"{api.limit.requests}/{api.limit.seconds}",
        **({"QUOTA": quota, "MANUAL_SHARE": str(api.quota.manual_share)} if api.quota else {}),
        **{f"{name.upper()}_URL": address for name, address in api.hosts.items()},
    }
    return {f"{prefix}{name}": value for name, value in values.items()}


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_defaults_of_a_provider_are_its_declarations(page, provider: Provider) -> None:
    section = page("docs/reference/settings.md").section(f"### {provider.title}'s defaults")
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|$", section, re.MULTILINE))
    assert rows == declared(provider)


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
    parts = re.split(r"^##+ `(\w+)`$", text, flags=re.MULTILINE)[1:]
    return {
        name: re.findall(r"^\| `(\w+)`", body.partition("\n## ")[0], re.MULTILINE)
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def test_tables_and_columns_are_documented(page) -> None:
    tables = Base.metadata.tables.values()
    known = {table.name: [column.name for column in table.columns] for table in tables}
    assert documented_tables(page("docs/reference/tables.md").text) == known


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_stream_and_page_tables_and_their_columns_are_documented(page, provider: Provider) -> None:
    known: dict[str, list[str]] = {}
    tables = [(table_of(provider, stream), STREAM_ENDS) for stream in provider.streams]
    tables += [(page_table_of(provider, one), PAGE_ENDS) for one in provider.pages]
    for table, ends in tables:
        first, *own = [column.name for column in table.columns]
        assert (first, own[-len(ends) :]) == ("account_id", ends)
        known[table.name] = own[: -len(ends)]
    assert documented_tables(page(f"docs/reference/tables-{provider.name}.md").text) == known


@pytest.mark.parametrize("table", Base.metadata.tables.values(), ids=lambda table: table.name)
def test_words_of_a_column_are_documented(page, table: sa.Table) -> None:
    section = page("docs/reference/tables.md").section(f"### `{table.name}`")
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint) and " IN " in str(constraint.sqltext):
            column, _, words = str(constraint.sqltext).partition(" IN ")
            allowed = ", ".join(f"`{word}`" for word in re.findall(r"'(\w+)'", words))
            assert re.search(rf"^\| `{column}` \|.*{re.escape(allowed)} \|$", section, re.MULTILINE)


def test_event_types_and_paths_are_documented(page, cells) -> None:
    text = page("docs/reference/events.md").text
    rows = re.findall(r"^\| `([a-z]+\.[a-z]+)` \| `/webhook/([a-z-]+)` \|", text, re.MULTILINE)
    assert dict(rows) == PATHS
    assert set(kind_of("data.synced").schema["properties"]) == {
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
    fields = kind_of(event_type).schema["properties"]["payload"]["properties"]
    assert not [name for name in fields if not re.search(rf"`{name}(\.\w+)?`", section)]


def test_the_schedule_of_retries_is_documented(pages) -> None:
    seconds = {"5 s": 5, "30 s": 30, "2 min": 120, "10 min": 600, "30 min": 1_800}
    seconds |= {f"{hours} h": hours * 3_600 for hours in (2, 6, 12, 24)}
    assert tuple(seconds.values()) == RETRY_SECONDS
    told = ", ".join(list(seconds)[:-1]) + " and 24 h"
    where = [one.name for one in pages if told in " ".join(one.text.split())]
    assert where == ["docs/how-to/receive-events-in-n8n.md", "docs/reference/events.md"]


def codes(root: type[ProviderError]) -> set[str]:
    """Return the codes of a class's subclasses that have one of their own."""
    own = {kind.code for kind in root.__subclasses__() if "code" in vars(kind)}
    return own.union(*(codes(kind) for kind in root.__subclasses__()))


def test_every_error_has_a_cause_and_a_cure(page, cells) -> None:
    known = set(kind_of("error.occurred").schema["$defs"]["error"]["enum"])
    assert known == codes(ProviderError) | {"grant_ending", "run_failed"}
    section = page("docs/how-to/mend-a-broken-account.md").section("## By error")
    assert set(cells(section)) == known
    events = page("docs/reference/events.md").section("### Payload of `error.occurred`")
    assert not [code for code in known if f"`{code}`" not in events]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[dg.Definitions]:
    """What Dagster loads, by code location."""
    backline = Backline(Settings(home=tmp_path_factory.mktemp("home")))
    return [definitions(backline), browser_definitions(backline)]


def test_assets_and_checks_are_documented(page, cells, loaded: list[dg.Definitions]) -> None:
    reference = page("docs/reference/dagster.md")
    graphs = [location.resolve_asset_graph() for location in loaded]
    keys = {key.to_user_string() for graph in graphs for key in graph.get_all_asset_keys()}
    section = reference.section("## Assets")
    groups = "|".join((*PROVIDERS, audience.GROUP, delivery.GROUP))
    assert set(re.findall(rf"`((?:{groups})/\w+)`", section)) == keys
    checks = reference.section("## Checks")
    modules = (page_checks, audience_checks, delivery_checks)
    known = {*DESCRIPTIONS, audience.PROVIDERS_READ}.union(*(module.DESCRIPTIONS for module in modules))
    assert set(cells(checks)) == known == {key.name for graph in graphs for key in graph.asset_check_keys}
    assert f"more than {LOWEST_SUCCESS_RATE * 100:.0f} %" in checks
    assert f"less than {LONGEST_MEAN_MS:,} ms" in checks


def test_metrics_are_documented_with_their_meaning(page) -> None:
    known = {metrics.full_name(figure): figure.meaning for figure in metrics.FIGURES}
    rows = re.findall(
        r"^\| `(backline_\w+)` \| (.+) \|$", page("docs/reference/metrics.md").text, re.MULTILINE
    )
    assert dict(rows) == known | {metrics.EVENTS: metrics.EVENTS_MEANING}


def test_jobs_schedules_and_sensors_are_documented(page, cells, loaded: list[dg.Definitions]) -> None:
    reference = page("docs/reference/dagster.md")
    repositories = [location.get_repository_def() for location in loaded]
    known = {
        "Jobs": {name for one in repositories for name in one.job_names if not name.startswith("__")},
        "Schedules": {schedule.name for one in repositories for schedule in one.schedule_defs},
        "Sensors": {sensor.name for one in repositories for sensor in one.sensor_defs},
    }
    for title, names in known.items():
        assert set(cells(reference.section(f"## {title}"))) == names


def table_under(text: str, header: str) -> str:
    """Return the rows of the table with this header."""
    return text.partition(f"{header}\n")[2].partition("\n\n")[0]


def test_the_simulator_is_documented(page, cells) -> None:
    reference = page("docs/reference/simulator.md")
    options = [p.opts[0] for p in simulator_main.params if isinstance(p, click.Option)]
    assert cells(table_under(reference.text, "| option | meaning |")) == options
    assert set(cells(table_under(reference.text, "| kind | does |"))) == set(get_args(Kind))
    assert set(cells(table_under(reference.text, "| outcome | on | is |"))) == set(get_args(Outcome))
    control = next(service for _, service in create_app().services if isinstance(service, Control))
    for method, name in control.orders:
        row = rf"^\| .*`{method}[`, ].*/control/{name}`|^\| `{method} /control/{name}`"
        assert re.search(row, reference.text, re.MULTILINE), (method, name)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_streams_and_their_costs_are_explained(page, provider: Provider) -> None:
    rows = page(f"docs/explanation/{provider.name}.md").section("## What is read, and what it costs")
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+)\|", rows, re.MULTILINE))))
    assert named == {stream.name for stream in provider.streams}
