"""Figures into the store, in batches that it accepts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

_MOST = 1000


def log_metrics(client: MlflowClient, run_id: str, figures: Mapping[str, float], *, step: int = 0) -> None:
    """Log figures of one step to a run, open or not."""
    from mlflow.entities import Metric

    now = round(time.time() * 1000)
    metrics = [Metric(name, value, now, step) for name, value in figures.items()]
    for start in range(0, len(metrics), _MOST):
        client.log_batch(run_id, metrics=metrics[start : start + _MOST])
