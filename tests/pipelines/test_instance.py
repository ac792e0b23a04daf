"""Dagster's instance: its configuration, and its storage made once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import dagster_instance_config

from pipelines.instance import open_instance, prepare_home
from resources.settings import REPOSITORY, Settings

OPENERS = 4
FILES = [REPOSITORY / "dagster.yaml", REPOSITORY / "deploy" / "dagster.yaml"]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return Settings(home=tmp_path / "home")


@pytest.fixture(params=FILES, ids=["embedded", "production"])
def configuration(request, tmp_path, monkeypatch):
    """One of our instance files, as Dagster reads it."""
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql+psycopg2://user:password@host/name")
    (tmp_path / "dagster.yaml").write_text(request.param.read_text())
    config, _ = dagster_instance_config(str(tmp_path))
    return config


def test_a_lost_worker_gives_its_slot_back(configuration):
    assert configuration["run_monitoring"]["enabled"] is True
    assert configuration["run_monitoring"]["free_slots_after_run_end_seconds"] > 0


def test_only_lost_workers_are_retried(configuration):
    retries = configuration["run_retries"]
    assert (retries["enabled"], retries["retry_on_asset_or_op_failure"]) == (True, False)
    assert retries["max_retries"] >= 1


def test_one_slow_sensor_does_not_delay_the_others(configuration):
    assert configuration["sensors"]["use_threads"] is True
    assert configuration["sensors"]["num_workers"] >= 3  # one each


def test_nothing_is_reported_to_anybody(configuration):
    assert configuration["telemetry"]["enabled"] is False


def test_ticks_do_not_pile_up(configuration):
    assert configuration["retention"]["sensor"]["purge_after_days"]["skipped"] == 1


def test_an_opened_instance_has_our_configuration(settings):
    with open_instance(settings) as instance:
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert not instance.telemetry_enabled
        assert Path(instance.root_directory) == settings.resolved_dagster_home


def test_an_opened_instance_holds_runs(settings):
    job = dg.JobDefinition(name="a_job", graph_def=dg.GraphDefinition("g"))
    with open_instance(settings) as instance:
        run = instance.create_run_for_job(job)
    with open_instance(settings) as instance:
        assert instance.get_run_by_id(run.run_id).job_name == "a_job"


def test_the_embedded_home_gets_the_newest_configuration(settings):
    home = prepare_home(settings)
    (home / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    prepare_home(settings)
    assert (home / "dagster.yaml").read_text() == (REPOSITORY / "dagster.yaml").read_text()


def test_a_home_of_ones_own_keeps_its_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_home(Settings())
    assert (tmp_path / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_a_reader_never_meets_half_a_configuration(settings):
    """Rewrite it for as long as another process reads it: each reading is whole."""
    home = prepare_home(settings)
    whole = (REPOSITORY / "dagster.yaml").read_text()
    code = f"import pathlib,sys\npath = pathlib.Path({str(home / 'dagster.yaml')!r})\nprint(flush=True)\n"
    code += f"sys.exit(any(path.read_text() != {whole!r} for _ in range(20_000)))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as reader:
        reader.stdout.readline()
        while reader.poll() is None:
            prepare_home(settings)
        assert reader.returncode == 0


OPEN = """
import sys
from pipelines.instance import open_instance
from resources.settings import Settings

sys.stdin.readline()
with open_instance(Settings()) as instance:
    instance.add_dynamic_partitions("openers", [sys.argv[1]])
    print(instance.get_runs_count())
"""


def test_processes_that_meet_an_empty_home_at_once_leave_it_healthy(settings):
    environment = {**os.environ, "BACKLINE_HOME": str(settings.home)}
    command = [sys.executable, "-c", OPEN]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    openers = [
        subprocess.Popen([*command, str(number)], cwd=REPOSITORY, env=environment, **pipes)
        for number in range(OPENERS)
    ]
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    said = [opener.communicate(timeout=200) for opener in openers]
    assert [(opener.returncode, out) for opener, (out, _) in zip(openers, said, strict=True)] == [
        (0, "0\n") for _ in openers
    ], said
    with open_instance(settings) as instance:
        assert len(instance.get_dynamic_partitions("openers")) == OPENERS
