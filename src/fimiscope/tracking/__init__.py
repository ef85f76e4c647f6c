"""Experiments, runs and registered models; the one room that imports mlflow."""

from fimiscope.tracking.registry import bundle_folder, is_reference
from fimiscope.tracking.run import TrackedRun, tracked_run

__all__ = ["TrackedRun", "bundle_folder", "is_reference", "tracked_run"]
