"""The tutorial's fourth provider is added as the page says, to a copy of the sources, and everything follows.

The copy is used by programs of their own; Acme is a local server.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from resources.settings import REPOSITORY

pytestmark = [pytest.mark.integration, pytest.mark.providers]

SOURCES = ("assets", "console", "n8n", "pipelines", "resources", "sensors", "simulator")
FILES = ("dagster.yaml", "pyproject.toml", "workspace.yaml")
STREAM_LINES, OAUTH_LINES = 10, 10
LOADED = """
import json
from pipelines.api import definitions
from resources.backline import Backline
loaded = definitions(Backline())
graph, repository = loaded.resolve_asset_graph(), loaded.get_repository_def()
print(json.dumps({
    "assets": {
        key.to_user_string(): sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys() if key.path[0] == "acme"
    },
    "checks": sorted(
        f"{key.asset_key.to_user_string()}:{key.name}"
        for key in graph.asset_check_keys if key.asset_key.path[0] == "acme"
    ),
    "jobs": [name for name in repository.job_names if "acme" in name],
    "schedules": {one.name: one.cron_schedule for one in repository.schedule_defs if "acme" in one.name},
}))
"""
CONNECTED = """
import asyncio, json
import httpx
from console.app import create_app
from resources.backline import Backline
from resources.people.links import first

async def go():
    backline = Backline()
    wire = httpx.ASGITransport(create_app(backline))
    own = {"origin": "null", "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(transport=wire, base_url="http://127.0.0.1:8700") as browser:
        await browser.post("/enter", data={"link": first(backline.database)}, headers=own)
        cards = (await browser.get("/admin/integrations/providers")).text
        start = await browser.post("/connect/acme/start", data={"org": "south"}, headers=own)
        assert start.status_code == 303, start.text
        async with httpx.AsyncClient() as outside:
            agreed = await outside.get(start.headers["location"])
        done = await browser.get(agreed.headers["location"])
        assert done.status_code == 303, done.text
        home = (await browser.get(done.headers["location"])).text
    print(json.dumps({"cards": cards, "home": home}))

asyncio.run(go())
"""


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Copy:
    """A copy of the sources that knows Acme, and an installation of it."""

    folder: Path
    environment: dict[str, str]
    acme: Any

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run Python in the copy, and return what it prints."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def backline(self, *arguments: str) -> Any:
        """Run a command, and return the document that it prints."""
        return json.loads(self.run("-m", "pipelines.cli", *arguments, "--json"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with closing(sqlite3.connect(self.folder / "home" / "backline.db")) as connection:
            return connection.execute(query).fetchall()


def register(copy: Path, declaration: str, registration: str) -> None:
    """Do what the tutorial's steps 2 and 3 say."""
    folder = copy / "resources" / "providers"
    (folder / "acme.py").write_text(declaration, encoding="utf-8")
    imported, listed = (line for line in registration.splitlines() if line)
    gathered = (folder / "__init__.py").read_text(encoding="utf-8")
    gathered = re.sub(r"^PROVIDERS: .*$", listed, gathered, flags=re.MULTILINE)
    gathered = gathered.replace(
        "from resources.providers.instagram", f"{imported}\nfrom resources.providers.instagram"
    )
    (folder / "__init__.py").write_text(gathered, encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(page) -> list[str]:
    """The page's Python: the declaration, and its registration."""
    return page("docs/tutorial/add-a-provider.md").blocks("python")


@pytest.fixture(scope="module")
def copy(blocks: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("acme")
    for name in SOURCES:
        leave = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=leave)
    for name in FILES:
        shutil.copyfile(REPOSITORY / name, folder / name)
    register(folder, *blocks)
    server = _load("acme")
    with server.serving() as acme:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BACKLINE_", "DAGSTER_"))}
        settings = {
            "HOME": str(folder / "home"),
            "DAGSTER_URL": "",
            "ACME_API_URL": f"{acme.address}/v1",
            "ACME_AUTHORIZE_URL": f"{acme.address}/oauth/authorize",
            "ACME_TOKEN_URL": f"{acme.address}/oauth/token",
            "ACME_CLIENT_ID": server.CLIENT_ID,
            "ACME_CLIENT_SECRET": server.CLIENT_SECRET,
            "ACME_RATE_LIMIT": "100000/1",
        }
        environment = {**kept, **{f"BACKLINE_{name}": value for name, value in settings.items()}}
        (folder / "home").mkdir()
        made = Copy(folder, {**environment, "PYTHONPATH": str(folder)}, acme)
        made.run("-m", "pipelines.cli", "db", "upgrade")
        yield made


def test_an_imported_account_is_synced_as_the_page_says(copy: Copy, page) -> None:
    text = page("docs/tutorial/add-a-provider.md")
    (block,) = text.blocks("json")
    line = json.loads(block)
    line["grant"] |= {"access_token": "ended", "refresh_token": "acme-refresh"}
    (copy.folder / "accounts.jsonl").write_text(json.dumps(line))
    assert copy.backline("accounts", "import", "accounts.jsonl")["imported"] == 1
    copy.acme.asked.clear()
    summary = copy.backline("sync", "acme")
    assert summary["ok"], summary
    shown = re.findall(r"^│ acme/(\w+) +│ (\d+) .*│ (\d+) +│$", text.text, re.MULTILINE)
    told = {stream: int(requests) for stream, _, requests in shown}
    assert {one["asset"].partition("/")[2]: one["requests"] for one in summary["streams"]} == told | {
        "stations": told["stations"] + 1  # the token had ended
    }
    assert copy.rows("SELECT count(*), count(name), count(genre) FROM acme_stations") == [(60, 60, 0)]
    cities = "SELECT station_id, city, listeners FROM acme_cities WHERE station_id = 's7' ORDER BY city"
    assert copy.rows(cities) == [("s7", "Oslo", 7), ("s7", "Rome", 7)]
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    (counted,) = copy.rows("SELECT count(*), max(day), sum(minutes) = 3 * sum(plays) FROM acme_plays")
    assert counted == (90, yesterday.isoformat(), 1)


def test_the_next_sync_reads_no_day_twice_but_those_that_still_change(copy: Copy) -> None:
    copy.acme.asked.clear()
    copy.backline("sync", "acme", "plays")
    assert copy.acme.asked == ["/v1/plays"]
    assert copy.rows("SELECT count(*) FROM acme_plays") == [(90,)]


def test_dagster_has_its_assets_checks_job_and_schedule(copy: Copy) -> None:
    loaded = json.loads(copy.run("-c", LOADED))
    assert loaded["assets"] == {"acme/stations": [], "acme/cities": ["acme/stations"], "acme/plays": []}
    assert len(loaded["checks"]) == 9
    assert loaded["jobs"] == ["acme_sync"]
    assert loaded["schedules"] == {"acme_sync_schedule": "0 4 * * *"}


def test_a_person_connects_an_account_in_the_console(copy: Copy) -> None:
    shown = json.loads(copy.run("-c", CONNECTED))
    assert "Connect Acme" in shown["cards"]
    assert "/connect/acme/callback" in shown["cards"]
    assert "Radio One" in shown["home"]
    query = """SELECT slug, external_id, display_name, status FROM connected_accounts
        JOIN orgs ON orgs.id = org_id WHERE slug = 'south' AND provider = 'acme'"""
    assert copy.rows(query) == [("south", "a1", "Radio One", "connected")]
    (event,) = copy.rows("SELECT event_type, provider FROM webhook_events WHERE event_type LIKE 'provider%'")
    assert event == ("provider.connected", "acme")
    assert copy.backline("sync", "acme", "--org", "south")["ok"]


def test_the_declaration_is_as_clean_as_the_others(copy: Copy) -> None:
    file = "resources/providers/acme.py"
    copy.run("-m", "ruff", "format", "--check", file, "resources/providers/__init__.py")
    copy.run("-m", "ruff", "check", file, "resources/providers/__init__.py")


def calls(module: ast.Module, name: str) -> list[ast.Call]:
    """Return the calls of a name, in the order of the file."""
    found = (node for node in ast.walk(module) if isinstance(node, ast.Call))
    named = [node for node in found if isinstance(node.func, ast.Name) and node.func.id == name]
    return sorted(named, key=lambda node: node.lineno)


def lines(node: Any) -> int:
    """Return how many lines a piece of the file takes."""
    return int(node.end_lineno - node.lineno + 1)


def test_a_stream_is_at_most_ten_lines_and_oauth_too(blocks: list[str], page, capsys) -> None:
    module = ast.parse(blocks[0])
    streams = {str(ast.literal_eval(call.args[0])): lines(call) for call in calls(module, "Stream")}
    (consent,) = calls(module, "OAuth")
    constants = (
        node.value.value for node in module.body if isinstance(getattr(node, "value", None), ast.Constant)
    )
    oauth = lines(consent) + sum("/oauth/" in str(value) for value in constants)
    records = {node.name: len(node.body) for node in module.body if isinstance(node, ast.ClassDef)}
    docstrings = [n for n in ast.walk(module) if isinstance(n, ast.Module | ast.ClassDef)]
    whole = len([line for line in blocks[0].splitlines() if line.strip()]) - len(docstrings)
    with capsys.disabled():
        print(f"\nAcme in lines: {whole} in all, OAuth {oauth}, streams {streams}, records {records}")  # noqa: T201  # it is asked for
    assert len(streams) == 3
    assert max(streams.values()) <= STREAM_LINES
    assert oauth <= OAUTH_LINES
    counted = page("docs/tutorial/add-a-provider.md").section("## How much that was")
    assert f"included | {oauth} |" in counted
    assert f"| a stream | {min(streams.values())} or {max(streams.values())} |" in counted
    assert f"docstrings | {whole} |" in counted
