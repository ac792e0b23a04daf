"""Sensors evaluated in this process, on an ephemeral Dagster instance."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.jobs import job_name
from resources.backline import Backline
from resources.providers import PROVIDERS

SPOTIFY = PROVIDERS["spotify"]


@dg.op(name="spotify_streams", config_schema=dg.Field(dg.Permissive(), is_required=False))
def nothing() -> None:
    """Do nothing: the sensors look at how a run ended, not at what it did."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database: SQLite, or what a test asks for by ``indirect`` parameters."""
    if getattr(request, "param", "sqlite") == "sqlite":
        path = tmp_path / "backline.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template, server = request.getfixturevalue("migrated_postgresql"), request.getfixturevalue("postgresql")
    url = server.create(template)
    yield url
    server.drop(url)


@dataclass
class Dagster:
    """An instance with runs that ended in every way, and sensors to meet them."""

    instance: dg.DagsterInstance
    backline: Backline

    def run(
        self,
        status: dg.DagsterRunStatus = dg.DagsterRunStatus.FAILURE,
        tags: dict[str, str] | None = None,
        config: dict[str, Any] | None = None,
        **more: Any,
    ) -> dg.DagsterRun:
        """Add a run of the Spotify sync in some state."""
        job = dg.JobDefinition(name=job_name(SPOTIFY), graph_def=dg.GraphDefinition("g", node_defs=[nothing]))
        run_config = {"ops": {"spotify_streams": {"config": config}}} if config else {}
        run = self.instance.create_run_for_job(job, run_config=run_config, tags=tags, **more)
        reports = {
            dg.DagsterRunStatus.FAILURE: self.instance.report_run_failed,
            dg.DagsterRunStatus.CANCELED: self.instance.report_run_canceled,
        }
        if status in reports:
            reports[status](run)
        elif status is not dg.DagsterRunStatus.NOT_STARTED:
            kind = {
                dg.DagsterRunStatus.STARTING: dg.DagsterEventType.PIPELINE_STARTING,
                dg.DagsterRunStatus.STARTED: dg.DagsterEventType.PIPELINE_START,
                dg.DagsterRunStatus.CANCELING: dg.DagsterEventType.PIPELINE_CANCELING,
                dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.PIPELINE_SUCCESS,
            }[status]
            event = dg.DagsterEvent(kind.value, run.job_name, message="")
            self.instance.report_dagster_event(event, run.run_id)
        return self.instance.get_run_by_id(run.run_id)

    def tick(self, sensor: dg.SensorDefinition) -> str:
        """Evaluate a sensor, and return what it says."""
        resources = {"backline": self.backline}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            result = sensor(context)
        assert isinstance(result, dg.SkipReason)
        return str(result.skip_message)


@pytest.fixture
def dagster(simulated) -> Iterator[Dagster]:
    simulated.backline.transport = simulated.wire
    with dg.DagsterInstance.ephemeral() as instance:
        yield Dagster(instance, simulated.backline)
