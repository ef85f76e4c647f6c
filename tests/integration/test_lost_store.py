"""A store that goes away, or cannot keep a file, while a model trains: one line, and what was learned is there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fimiscope.config import Config
from fimiscope.errors import TrackingError
from fimiscope.pipeline import train
from fimiscope.tracking.store import ARTIFACTS, DATABASE

if TYPE_CHECKING:
    from conftest import MlflowServer

# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


def test_artifacts_that_have_no_place_are_told_before_training(
    tiny_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # MLflow would set it for all tests to come.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / DATABASE}")
    (tmp_path / ARTIFACTS).write_text("a file where the folder should be", encoding="utf-8")
    epochs: list[int] = []
    with pytest.raises(TrackingError) as raised:
        train(tiny_config, on_epoch=lambda number, figures: epochs.append(number))
    said = str(raised.value)
    assert said.startswith("the run cannot be logged; --resume goes on from what is there")
    assert f"{tmp_path / ARTIFACTS}" in said
    assert "\n" not in said
    assert epochs == []


@pytest.mark.slow
def test_a_server_that_goes_away_costs_no_training(
    tiny_config: Config,
    mlflow_server: Callable[[str, Path], AbstractContextManager[MlflowServer]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with mlflow_server(f"sqlite:///{tmp_path}/server.db", tmp_path) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        with pytest.raises(TrackingError) as raised:
            train(tiny_config, on_epoch=lambda number, figures: server.stop())
    said = str(raised.value)
    assert said.startswith("the run cannot be logged; --resume goes on from what is there")
    assert "\n" not in said

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    epochs: list[int] = []
    run = train(tiny_config, resume=True, on_epoch=lambda number, figures: epochs.append(number))
    assert epochs == [tiny_config.training.epochs]
    assert run.metrics["flag/pr_auc"] > 0
