"""`fimiscope tune`: a search that is killed, stopped by Ctrl-C and brought to its end, and what MLflow holds of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fimiscope.config import Config
from fimiscope.errors import ConfigError, CorpusError, MissingExtra, OutputError
from fimiscope.tuning import Study, Trial, tune

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import Workplace

# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
TRIALS = 6
RATE = "training.head_learning_rate"


@dataclass(frozen=True, slots=True)
class Search:
    """A study in three calls: killed, stopped by Ctrl-C, and ended."""

    place: Workplace
    before: list[Trial]
    stopped: list[Trial]
    after: list[Trial]
    study: Study


@pytest.fixture(scope="module")
def config(tiny_config: Config) -> Config:
    """Heads alone, of which one rate in two learns nothing."""
    document = tiny_config.model_dump(mode="json") | {"lexical": None}
    document["training"] |= {"trainable_layers": 0, "epochs": 3, "head_learning_rate": 1e-2}
    space = {RATE: [1e-2, 1e-7], "training.weight_decay": {"low": 0.001, "high": 0.1, "log": True}}
    document["tuning"] = {"space": space, "metric": "valid/role/macro_f1_all", "trials": TRIALS}
    return Config.model_validate(document)


@pytest.fixture(scope="module")
def place(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    place = replace(workplace, folder=tmp_path_factory.mktemp("a place to search"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        patch.setenv("MLFLOW_TRACKING_URI", place.store)
        yield place


@pytest.fixture(scope="module")
def search(place: Workplace, config: Config, torch_on_one_core: None) -> Search:
    import time
    t = time.time()
    file = place.folder / "tiny.yaml"
    tuning = config.tuning
    assert tuning is not None
    document = config.model_dump(mode="json") | {"tuning": tuning.model_dump(mode="json")}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    with subprocess.Popen(place.command("tune", file), cwd=place.folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"trial 0: complete")
        process.kill()
    print("killed", time.time() - t)

    def ctrl_c(stage: str, done: int, total: int) -> None:
        if stage == "training" and len(stopped) == 1 and done == 2:
            signal.raise_signal(signal.SIGINT)

    stopped: list[Trial] = []
    with pytest.raises(KeyboardInterrupt):
        tune(config, progress=ctrl_c, on_trial=stopped.append)
    print("stopped", time.time() - t)
    after: list[Trial] = []
    study = tune(config, on_trial=after.append)
    print("ended", time.time() - t)
    for x in study.trials: print(x)
    return Search(place, [], stopped, after, study)


def test_a(search: Search) -> None:
    assert 0
