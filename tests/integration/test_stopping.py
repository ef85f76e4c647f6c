"""What is left of a run that does not end well: a checkpoint, a closed run, and one clear line."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fimiscope.config import Config
from fimiscope.errors import CorpusError
from fimiscope.pipeline import train

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import Workplace

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
LONG = ("name=long", "training.epochs=4", "training.most_steps=null", "training.batch=1", "training.patience=4")


def runs_named(client: MlflowClient, name: str) -> list[Run]:
    """Newest first."""
    experiment = client.get_experiment_by_name("fimiscope")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"run_name = '{name}'", order_by=["start_time DESC"]))


def test_ctrl_c_leaves_a_checkpoint_and_a_killed_run_and_resume_goes_on(
    workplace: Workplace, small: list[str], tracked_here: MlflowClient
) -> None:
    long = [*small, *(word for override in LONG for word in ("--set", override))]
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    process = subprocess.Popen(
        workplace.command("train", QUICKSTART, *long),
        cwd=workplace.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 1:"):
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert errors == "fimiscope: stopped; the same command with --resume goes on from the last checkpoint\n"
    [killed] = runs_named(tracked_here, "long")
    assert killed.info.status == "KILLED"
    models = workplace.folder / "models"
    checkpoints = [int(path.name.split("-")[1]) for path in (models / ".long.checkpoints").glob("checkpoint-*")]
    assert checkpoints
    assert not (models / "long").exists()
    assert not (models / ".long.draft").exists()

    resumed = workplace.run("train", QUICKSTART, *long, "--resume")
    assert not re.search(r"^epoch 1:", resumed.stdout, re.MULTILINE)
    assert "epoch 4:" in resumed.stdout
    finished = runs_named(tracked_here, "long")[0]
    assert finished.info.status == "FINISHED"
    steps = [point.step for point in tracked_here.get_metric_history(finished.info.run_id, "valid/loss")]
    per_epoch = tracked_here.get_metric_history(killed.info.run_id, "valid/loss")[0].step
    assert steps == [2 * per_epoch, 3 * per_epoch, 4 * per_epoch]
    assert per_epoch <= max(checkpoints) < 2 * per_epoch
    assert (models / "long" / "manifest.json").is_file()
    assert not (models / ".long.checkpoints").exists()


def test_an_error_inside_training_leaves_a_failed_run(
    tracked_here: MlflowClient, tiny_config: Config, tmp_path: Path
) -> None:
    rows = [
        {"id": str(n), "text": f"The market of town {n} opened on day {n} with {n} stalls and a band.", "role": "none"}
        for n in range(20)
    ]
    corpus = tmp_path / "one-role.jsonl"
    corpus.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    source = {"kind": "labelled", "path": str(corpus), "hold_out": {"valid": 0.3, "test": 0.2}}
    document = tiny_config.model_dump(mode="json") | {
        "name": "one-role",
        "encoder": None,
        "corpus": {"sources": [source], "near_copy": 1.0},
    }
    with pytest.raises(CorpusError, match="nothing to tell apart"):
        train(Config.model_validate(document), models=tmp_path / "models")
    [failed] = runs_named(tracked_here, "one-role")
    assert failed.info.status == "FAILED"
    assert not list((tmp_path / "models").iterdir())


def test_no_run_is_left_open(tracked_here: MlflowClient) -> None:
    experiments = [experiment.experiment_id for experiment in tracked_here.search_experiments()]
    assert not tracked_here.search_runs(experiments, "status = 'RUNNING'")


def test_an_unreachable_server_is_said_before_training_and_without_the_password(
    workplace: Workplace, small: list[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]
    address = f"http://reader:geheim@127.0.0.1:{closed}"
    done = workplace.run("train", QUICKSTART, *small, code=2, variables={"MLFLOW_TRACKING_URI": address})
    [line] = done.stderr.splitlines()
    assert f"the MLflow store http://reader:***@127.0.0.1:{closed} cannot be reached" in line
    assert not re.search(r"^epoch ", done.stdout, re.MULTILINE)
    assert "geheim" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"sqlite:///{QUICKSTART}/mlflow.db", "is no folder"),
        ("nonsense://reader:geheim@example.org/runs", "nonsense://reader:***@example.org/runs cannot be reached"),
        ("./mlruns", "name a database, for example sqlite:///mlflow.db"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused_in_one_line(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, said: str
) -> None:
    from fimiscope.errors import TrackingError
    from fimiscope.tracking.store import connect

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(TrackingError) as raised:
        connect()
    assert said in str(raised.value)
    assert "geheim" not in str(raised.value)
    assert "\n" not in str(raised.value)
