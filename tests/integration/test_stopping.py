"""What is left of a run that does not end well: a checkpoint, a closed run, and one clear line."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import CorpusError
from fimiscope.pipeline import train

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import Interrupted, Trained, Workplace

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


def runs_named(client: MlflowClient, name: str) -> list[Run]:
    """Oldest first."""
    experiment = client.get_experiment_by_name("fimiscope")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"run_name = '{name}'", order_by=["start_time ASC"]))


def test_ctrl_c_leaves_one_line_a_checkpoint_and_a_killed_run(
    interrupted: Interrupted, tracked_here: MlflowClient
) -> None:
    assert interrupted.code == 130
    assert interrupted.errors == "fimiscope: stopped; the same command with --resume goes on from the last checkpoint\n"
    assert interrupted.output.count("epoch ") == 1
    killed = runs_named(tracked_here, "quickstart")[0]
    assert killed.info.status == "KILLED"
    [first] = tracked_here.get_metric_history(killed.info.run_id, "valid/loss")
    assert first.step <= interrupted.checkpoint < 2 * first.step
    assert ".quickstart.checkpoints" in interrupted.left
    assert not {"quickstart", ".quickstart.draft"} & set(interrupted.left)


def test_resume_goes_on_from_the_checkpoint(
    workplace: Workplace, trained: Trained, interrupted: Interrupted, tracked_here: MlflowClient
) -> None:
    killed, finished = runs_named(tracked_here, "quickstart")
    assert finished.info.run_id == trained.run_id
    [first] = tracked_here.get_metric_history(killed.info.run_id, "valid/loss")
    steps = [point.step for point in tracked_here.get_metric_history(trained.run_id, "valid/loss")]
    assert steps == [2 * first.step, 3 * first.step]
    assert not re.search(r"^epoch 1:", trained.output, re.MULTILINE)
    assert not (workplace.folder / "models" / ".quickstart.checkpoints").exists()


def test_an_error_inside_training_leaves_a_failed_run(
    tracked_here: MlflowClient, tiny_config: Config, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    rows = [{"id": e.article.id, "text": e.article.text, "role": "none"} for e in tiny_corpus.examples]
    corpus = tmp_path / "one-role.jsonl"
    corpus.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    source = {"kind": "labelled", "path": str(corpus), "hold_out": {"valid": 0.3, "test": 0.2}}
    document = tiny_config.model_dump(mode="json") | {
        "name": "one-role",
        "encoder": None,
        "corpus": {"sources": [source]},
    }
    with pytest.raises(CorpusError, match="nothing to tell apart"):
        train(Config.model_validate(document), models=tmp_path / "models")
    [failed] = runs_named(tracked_here, "one-role")
    assert failed.info.status == "FAILED"
    assert not list(tmp_path.glob("models/*"))


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
    assert f"the MLflow store http://127.0.0.1:{closed} cannot be reached (no answer)" in line
    assert "--offline" in line
    assert done.stdout == ""
    assert "geheim" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"sqlite:///{QUICKSTART}/mlflow.db", "is no folder"),
        ("nonsense://reader:geheim@example.org/runs", "nonsense://***@example.org/runs cannot be reached"),
        ("postgresql://reader:geheim@127.0.0.1:1/runs?password=geheim", "postgresql://***@127.0.0.1:1/runs?***"),
        ("http://[geheim", "cannot be reached"),
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
