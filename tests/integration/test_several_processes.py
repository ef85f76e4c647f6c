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
      hold_out: {valid: 0.2, test: 0.7}
encoder: tiny
windows: {size: 96, overlap: 16}
training: {trainable_layers: all, epochs: 2, batch: 4, learning_rate: 1.0e-3}
"""
TORCHRUN = ("-m", "torch.distributed.run", "--nproc_per_node", "2")
VALID_LOSS = re.compile(r"^epoch 2: .*valid loss ([\d.]+)", re.MULTILINE)

pytestmark = pytest.mark.slow


def trained(folder: Path, *words: str, launcher: tuple[str, ...] = ()) -> float:
    """Train by the command line in `folder`; the last epoch's validation loss."""
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
    assert done.stdout.count("MLflow run  ") == 1
    assert (folder / "models" / "shared-work" / "manifest.json").is_file()
    [loss] = VALID_LOSS.findall(done.stdout)
    return float(loss)


def test_two_processes_make_one_run_and_learn_as_one_process_does(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    # Two processes with batches of 4 take the steps of one process with batches of 8.
    loss = trained(alone, "--set", "training.batch=8")
    assert trained(together, launcher=TORCHRUN) == pytest.approx(loss, rel=0.1)


def test_half_precision_learns_as_full_precision_does(tmp_path: Path) -> None:
    full, half = tmp_path / "full", tmp_path / "half"
    full.mkdir()
    half.mkdir()
    loss = trained(full)
    assert trained(half, "--set", "training.precision=bf16") == pytest.approx(loss, rel=0.1)
