"""What Dagster loads, pinned in plain files.

Renew them, and read the difference, with::

    RENEW_SNAPSHOTS=1 .venv/bin/pytest tests/pipelines/test_definitions.py; git diff tests/pipelines/snapshots
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from pipelines.api import definitions
from pipelines.browsers import definitions as browser_definitions
from resources.settings import REPOSITORY

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENEW = "RENEW_SNAPSHOTS"


@pytest.fixture(params=["api", "browsers"])
def location(request):
    return request.param


@pytest.fixture
def repository(backline, location):
    gathered = {"api": definitions, "browsers": browser_definitions}[location]
    return gathered(backline).get_repository_def()


def expect(location, name, value):
    """Compare a value with its snapshot, or renew it."""
    path, text = SNAPSHOTS / location / f"{name}.yaml", yaml.safe_dump(value, width=110, allow_unicode=True)
    if os.environ.get(RENEW):
        path.write_text(text)
    assert text == path.read_text(), (
        f"{path.name} differs; if that is meant: {RENEW}=1 .venv/bin/pytest {__file__}"
    )


def seconds(delta):
    return delta.to_timedelta().total_seconds() if delta else None


def described(node):
    """Return what the snapshot holds of one asset."""
    policy = node.freshness_policy
    return {
        "checks": sorted(key.name for key in node.check_keys),
        "deps": sorted(key.to_user_string() for key in node.parent_keys),
        "freshness": {
            "fail_seconds": seconds(policy.fail_window),
            "warn_seconds": seconds(policy.warn_window),
        },
        "group": node.group_name,
        "kinds": sorted(name for name in node.kinds),
        "owners": sorted(node.owners),
        "partitions": list(node.partitions_def.get_partition_keys()) if node.partitions_def else None,
        "pools": sorted(node.pools or ()),
        "tags": {name: value for name, value in node.tags.items() if not name.startswith("dagster/kind")},
    }


def test_the_assets_are_those_of_the_snapshot(location, repository):
    graph = repository.asset_graph
    keys = sorted(graph.materializable_asset_keys, key=str)
    expect(location, "assets", {key.to_user_string(): described(graph.get(key)) for key in keys})


def test_the_jobs_are_those_of_the_snapshot(location, repository):
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    expect(
        location,
        "jobs",
        {
            job.name: {
                "assets": sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys),
                "executor": job.executor_def.name,
                "partitions": job.partitions_def.get_partition_keys() if job.partitions_def else None,
                "tags": dict(job.tags),
            }
            for job in jobs
        },
    )


def test_the_schedules_are_those_of_the_snapshot(location, repository):
    expect(
        location,
        "schedules",
        {
            one.name: {
                "cron": one.cron_schedule,
                "job": one.job_name,
                "status": one.default_status.value,
                "timezone": one.execution_timezone,
            }
            for one in repository.schedule_defs
        },
    )


def test_the_sensors_are_those_of_the_snapshot(location, repository):
    expect(
        location,
        "sensors",
        {
            one.name: {
                "seconds": one.minimum_interval_seconds,
                "status": one.default_status.value,
                "targets": [target.job_name for target in one.targets],
            }
            for one in repository.sensor_defs
        },
    )


def test_shards_are_partitions(backline):
    object.__setattr__(backline.settings, "shards", 16)
    graph = definitions(backline).get_repository_def().asset_graph
    keys = graph.get(dg.AssetKey(["spotify", "profile"])).partitions_def.get_partition_keys()
    assert keys == [f"{shard:03d}" for shard in range(16)]


def test_every_definition_says_what_it_is_for(repository):
    named = [*repository.schedule_defs, *repository.sensor_defs]
    named += [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assert [one.name for one in named if not one.description] == []
    graph = repository.asset_graph
    assert [key for key in graph.materializable_asset_keys if not graph.get(key).description] == []


@pytest.fixture
def environment(tmp_path):
    """The environment of a fresh interpreter with a home of its own, and warnings shown."""
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text((REPOSITORY / "dagster.yaml").read_text())
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "BACKLINE_HOME": str(tmp_path / "home"),
        "DAGSTER_HOME": str(home),
        "PYTHONWARNINGS": "default",
    }


def python(environment, *arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=240
    )


def locations():
    """Return the modules that the workspace names."""
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())
    return [entry["python_module"]["module_name"] for entry in workspace["load_from"]]


LOAD = """
import importlib, sys
import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.reconstruct import repository_def_from_target_def

module = importlib.import_module(sys.argv[1])
loaded = repository_def_from_target_def(module.defs)
assert loaded.asset_graph.get_all_asset_keys()
print("loaded")
"""


@pytest.mark.parametrize("module", locations())
def test_each_code_location_loads_in_a_fresh_interpreter_without_a_warning(environment, module):
    done = python({**environment, "PYTHONWARNINGS": "error"}, "-c", LOAD, module)
    assert (done.returncode, done.stdout) == (0, "loaded\n"), done.stderr


def test_dagster_validates_the_workspace_without_a_warning_of_ours(environment):
    done = python(environment, "-m", "dagster", "definitions", "validate", "--workspace", "workspace.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "All code locations passed validation" in said
    # the command itself is superseded by `dg check defs`, of which it warns
    theirs = ("definitions_validate_command", "site-packages/dagster/")
    warned = [
        line for line in said.splitlines() if "Warning" in line and not any(one in line for one in theirs)
    ]
    assert warned == []


def test_loading_makes_no_files(environment, tmp_path):
    python(environment, "-c", LOAD, "pipelines.api")
    assert not (tmp_path / "home").exists()
