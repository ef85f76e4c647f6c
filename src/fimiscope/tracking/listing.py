"""Runs of an experiment, best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fimiscope.errors import ConfigError, TrackingError
from fimiscope.evaluation.evaluate import HEADLINES
from fimiscope.evaluation.notes import FIGURE
from fimiscope.tables import Cell, Table
from fimiscope.tracking.datasets import held_out_digest
from fimiscope.tracking.parent_run import CHILDREN
from fimiscope.tracking.store import connect_to_existing, reported, shown, tracking_uri

if TYPE_CHECKING:
    from mlflow.entities import Run

BEST_BY = f"test/{FIGURE}"
SHOWN_OF_IDS = 8
_LESS_IS_BETTER = ("loss", "brier", "calibration_error", "failed", "lookalikes_flagged")
_SHOWN = (FIGURE, "flag/f1", "role/macro_f1", "narratives/samples_f1")
_PARTS = ("train/", "valid/", "test/", "contrast/", "tuning/", "curve/", "system/", "std/", "children/")
_MEANS = ("folds", "seeds")


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run.

    Attributes:
        started: UTC, ISO 8601.
        status: `FINISHED`, `KILLED`, `FAILED` or `RUNNING`.
        mean_of: what its children are (`folds`, `seeds`), if its figures are the means of theirs.
        parent: id of the run above it, if there is one.
        held_out: digest of the articles that it was measured on; figures of others do not compare.
        figures: the last value of each of its metrics.
    """

    run_id: str
    name: str
    started: str
    status: str
    mean_of: str | None
    parent: str | None
    held_out: str | None
    figures: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def list_runs(experiment: str, *, by: str = BEST_BY, limit: int = 20) -> list[ListedRun]:
    """The runs of an experiment by one of their metrics, best first; those without it come last, latest first.

    Args:
        by: a metric as MLflow names it; `test/` may be left out. Of losses and errors less is better.

    Raises:
        TrackingError: the store or the experiment is not there, or the store refuses the metric or the limit.
        ConfigError: no run has the metric.
    """
    client = connect_to_existing()
    with reported(f"the runs of {experiment} cannot be listed"):
        found = client.get_experiment_by_name(experiment)
        if found is None:
            known = ", ".join(sorted(one.name for one in client.search_experiments()))
            raise TrackingError(f"there is no experiment {experiment} in {shown(tracking_uri())} (there: {known})")
        metric = metric_name(by)
        order = "ASC" if metric.endswith(_LESS_IS_BETTER) else "DESC"
        runs = client.search_runs(
            [found.experiment_id],
            order_by=[f"metrics.`{metric}` {order}", "attributes.start_time DESC"],
            max_results=limit,
        )
        if runs and metric != BEST_BY and metric not in runs[0].data.metrics:
            known = ", ".join(
                sorted({name for run in runs for name in run.data.metrics if name.startswith("test/")})[:20]
            )
            raise ConfigError(
                f"--by {by}: no run of {experiment} has this metric (for example {known or 'none is there'})"
            )
        return [listed(run) for run in runs]


def metric_name(by: str) -> str:
    """A metric as it was logged; `flag/f1` is short for `test/flag/f1`."""
    return by if by.startswith(_PARTS) else f"test/{by}"


def listed(run: Run) -> ListedRun:
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    tags = run.data.tags
    children = tags.get(CHILDREN)
    started = datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat(timespec="seconds")
    return ListedRun(
        run_id=run.info.run_id,
        name=run.info.run_name,
        started=started,
        status=run.info.status,
        mean_of=children if children in _MEANS else None,
        parent=tags.get(MLFLOW_PARENT_RUN_ID),
        held_out=held_out_digest(run),
        figures=dict(run.data.metrics),
    )


def run_table(runs: list[ListedRun], *, by: str = BEST_BY) -> Table:
    """One row a run, with the headline figures on its test part, and the metric by which it is listed."""
    metric = metric_name(by)
    figures = {f"test/{name}": HEADLINES[name] for name in _SHOWN}
    figures = {metric: figures.get(metric, metric), **figures}
    rows: list[tuple[Cell, ...]] = [
        (
            run.run_id[:SHOWN_OF_IDS],
            run.name,
            run.started[:16].replace("T", " "),
            run.status.lower(),
            f"mean of {run.mean_of}" if run.mean_of else f"in {run.parent[:SHOWN_OF_IDS]}" if run.parent else "",
            *(f"{run.figures[name]:.3f}" if name in run.figures else "–" for name in figures),
            (run.held_out or "–")[:SHOWN_OF_IDS],
        )
        for run in runs
    ]
    columns = ("run", "name", "started (UTC)", "status", "kind", *figures.values(), "test digest")
    return Table("Runs, best first", columns, tuple(rows), "Figures compare within one test digest.")
