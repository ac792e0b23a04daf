"""The pages about the audience say what the declarations and definitions do."""

from __future__ import annotations

import re

import dagster as dg
import pytest

from assets.audience import PROVIDERS_READ
from assets.audience_checks import DESCRIPTIONS
from pipelines.api import definitions
from pipelines.audience import CHECKS_CRON
from resources.audience import drops, org_daily, silence, volume
from resources.backline import Backline
from resources.provider import Metric
from resources.providers import PROVIDERS
from resources.settings import Settings

ORDER = ("spotify", "instagram", "youtube")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory):
    """The graph of what Dagster loads."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    return definitions(Backline(settings)).resolve_asset_graph()


def cell(metric: Metric | None) -> str:
    """Return how the page names what a metric is made from."""
    if metric is None:
        return ""
    return f"`{metric.stream}.{metric.column}`" if metric.column else f"`{metric.stream}`"


def declared() -> list[list[str]]:
    """Return the rows that the table of metrics must have, in any order."""
    rows = []
    for name in {metric.name for provider in PROVIDERS.values() for metric in provider.audience}:
        found = {
            one: next((metric for metric in PROVIDERS[one].audience if metric.name == name), None)
            for one in ORDER
        }
        (kind,) = {"now" if metric.is_snapshot else "by day" for metric in found.values() if metric}
        rows.append([f"`{name}`", kind, *(cell(metric) for metric in found.values())])
    return rows


def test_the_table_of_metrics_is_that_of_the_declarations(page) -> None:
    assert set(PROVIDERS) == set(ORDER)
    section = page("docs/explanation/audience.md").section("## Metrics by provider")
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    told = [[part.strip() for part in line.strip("|").split("|")] for line in lines]
    assert sorted(told) == sorted(declared())


def test_followers_are_explained_for_every_provider_that_counts_them(page) -> None:
    section = page("docs/explanation/audience.md").section("## What followers are")
    titles = {one.title for one in PROVIDERS.values() if any(m.name == "followers" for m in one.audience)}
    assert set(re.findall(r"^- \*\*(\w+)\*\*", section, re.MULTILINE)) == titles


def test_the_assets_of_the_audience_are_documented(page, graph) -> None:
    section = page("docs/reference/dagster.md").section("### The audience")
    keys = {key.to_user_string() for key in dg.AssetSelection.groups("audience").resolve(graph)}
    assert set(re.findall(r"`(audience/\w+)`", section)) == keys


def test_the_checks_of_the_audience_are_documented_with_their_bounds(page, cells, graph) -> None:
    section = page("docs/reference/dagster.md").section("## Checks")
    named = {key.name for key in graph.asset_check_keys if key.asset_key.path[0] == "audience"}
    assert named == {*DESCRIPTIONS, PROVIDERS_READ}
    assert named <= set(cells(section))
    assert silence.HIGHEST_SHARE == drops.HIGHEST_SHARE == 0.05
    assert f"{silence.HIGHEST_SHARE:.0%}".replace("%", " %") in section
    assert (volume.LOWEST_SHARE, CHECKS_CRON) == (0.5, "30 * * * *")
    bounds = (
        f"of {volume.HISTORY.days} days (at least {volume.FEWEST_PASSES} of them, and {volume.FEWEST_RECORDS}"
    )
    assert bounds in section


def test_how_long_a_number_is_carried_is_documented(page, graph) -> None:
    told = f"for {org_daily.CARRY.days} days at\nmost"
    assert told in page("docs/explanation/audience.md").text
    assert (
        f"for {org_daily.CARRY.days} at most" in graph.get(dg.AssetKey(["audience", "org_daily"])).description
    )
