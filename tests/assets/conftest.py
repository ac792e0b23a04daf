"""The provider's assets, materialized in this process, with the simulator for the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEventType

from assets.streams import provider_assets, stream_key
from resources.providers import PROVIDERS

SPOTIFY = PROVIDERS["spotify"]
ASSETS = provider_assets(SPOTIFY, 1)


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A database of one kind: which one it is makes no difference here."""
    path = tmp_path / "backline.db"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@dataclass
class Dagster:
    """An ephemeral instance on which the assets are materialized."""

    instance: dg.DagsterInstance
    backline: Any

    def materialize(
        self,
        *streams: str,
        selection: dg.AssetSelection | None = None,
        tags: dict[str, str] | None = None,
        partition_key: str | None = "000",
        **config: Any,
    ) -> dg.ExecuteInProcessResult:
        """Materialize streams, all where none is named; ``config`` is the sync's own."""
        keys = [stream_key(SPOTIFY, stream) for stream in streams]
        return dg.materialize(
            [ASSETS],
            instance=self.instance,
            resources={"backline": self.backline},
            partition_key=partition_key,
            selection=selection or keys or None,
            run_config={"ops": {"spotify_streams": {"config": config}}},
            tags=tags,
            raise_on_error=False,
        )


@pytest.fixture
def dagster(simulated) -> Iterator[Dagster]:
    simulated.backline.transport = simulated.wire
    with dg.DagsterInstance.ephemeral() as instance:
        yield Dagster(instance, simulated.backline)


@pytest.fixture
def metadata_of():
    """Return a function that returns a stream's metadata as plain values."""

    def plain(result: dg.ExecuteInProcessResult, stream: str) -> dict[str, Any]:
        key = stream_key(SPOTIFY, stream)
        [found] = [
            one for one in result.asset_materializations_for_node("spotify_streams") if one.asset_key == key
        ]
        return {name: value.value for name, value in found.metadata.items()}

    return plain


@pytest.fixture
def stored_checks(dagster: Dagster):
    """Return a function that returns the stored verdicts of a run, by stream and check."""

    def read(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], bool]:
        logs = dagster.instance.all_logs(result.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
        verdicts = [entry.dagster_event.asset_check_evaluation_data for entry in logs]
        return {(one.asset_key.path[-1], one.check_name): one.passed for one in verdicts}

    return read
