"""One run above others of one config: its folds or seeds with the mean of their figures, or its learning curve."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Literal

from fimiscope.checksums import short_digest
from fimiscope.config import Config
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.notes import parent_note
from fimiscope.tables import Table
from fimiscope.tracking.parameters import parameters
from fimiscope.tracking.store import connect, experiment_id, reported

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import Run

CHILDREN = "children"
"""Tag of a parent: what its children are."""
Kind = Literal["folds", "seeds", "shares"]
DEVIATION, COUNT = "std", "children"
_PLAN = "children.plan"
_OF_CHILDREN = {"folds": ("corpus.sources",), "seeds": ("seed",), "shares": ()}
"""Parameters in which children of a kind differ."""
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands among others.

    Attributes:
        parent: id of the run above it.
        name: of the run.
        tags: that tell it from its siblings, for example its fold.
    """

    parent: str
    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ParentRun:
    """An open run above others. Several can be open at a time."""

    client: MlflowClient
    run_id: str

    def finish(self, measured: Mapping[str, Evaluation], kind: Kind, reused: Sequence[str]) -> None:
        """Log the means of the children's test figures, a table with a row a child, and what came out, in Markdown.

        Args:
            measured: children by name.
            reused: names of those that were trained before.
        """
        from mlflow.entities import Metric
        from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

        now = round(time.time() * 1000)
        children = {name: evaluation.metrics for name, evaluation in measured.items()}
        tested = [{f"test/{name}": value for name, value in figures.items()} for figures in children.values()]
        metrics = [Metric(name, value, now, 0) for name, value in mean_figures(tested).items()]
        for start in range(0, len(metrics), _AT_ONCE):
            self.client.log_batch(self.run_id, metrics=metrics[start : start + _AT_ONCE])
        self.client.set_tag(self.run_id, MLFLOW_RUN_NOTE, parent_note(kind, children, reused))
        columns: dict[str, list[str] | list[float | None]] = {kind.removesuffix("s"): list(children)}
        columns |= {title: [figures.get(name) for figures in children.values()] for name, title in HEADLINES.items()}
        self.client.log_table(self.run_id, columns, "tables/children.json")


def log_curve(parent: ParentRun, measured: Mapping[int, Mapping[str, float]], table: Table, plot: Figure) -> None:
    """Log each child's test figures as `curve/<name>`, whose step is how many texts it learned from; table and plot."""
    from mlflow.entities import Metric

    now = round(time.time() * 1000)
    metrics = [
        Metric(f"curve/{name}", value, now, texts) for texts, own in measured.items() for name, value in own.items()
    ]
    for start in range(0, len(metrics), _AT_ONCE):
        parent.client.log_batch(parent.run_id, metrics=metrics[start : start + _AT_ONCE])
    columns = {name: [row[number] for row in table.rows] for number, name in enumerate(table.columns)}
    parent.client.log_table(parent.run_id, columns, "tables/learning_curve.json")
    parent.client.log_figure(parent.run_id, plot, "plots/learning_curve.png")


def mean_figures(children: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over the children that have it, under its own name.

    `std/<name>` is the standard deviation of the children (n - 1), where two or more have the figure, and
    `children/<name>` how many have it, where not all do. `children` is their number.
    """
    figures = {COUNT: float(len(children))}
    for name in dict.fromkeys(name for child in children for name in child):
        values = [child[name] for child in children if name in child]
        figures[name] = fmean(values)
        if len(values) > 1:
            figures[f"{DEVIATION}/{name}"] = stdev(values)
        if len(values) < len(children):
            figures[f"{COUNT}/{name}"] = float(len(values))
    return figures


@contextmanager
def parent_run(
    config: Config, kind: Kind, members: Sequence[str], *, tags: Mapping[str, str] | None = None
) -> Iterator[ParentRun]:
    """Open the run above those of one config, and close it as it ended.

    It goes on with the parent that an interrupted call for the same config and members has left, so that its children
    stay together.

    Args:
        kind: what the children are.
        members: name of each child.
        tags: that all children share.

    Raises:
        TrackingError: the store cannot be reached.
    """
    client = connect()
    experiment = experiment_id(client, config.tracking.experiment)
    plan = short_digest("\n".join([config.to_yaml(), kind, *members]))
    left = _interrupted(client, experiment, plan)
    if left is not None:
        client.update_run(left.info.run_id, status="RUNNING")
        run_id = left.info.run_id
    else:
        run_id = _create(client, experiment, config, {**(tags or {}), CHILDREN: kind, _PLAN: plan})
    status = "FAILED"
    with reported(f"the run above the {kind} cannot be logged; the same command goes on from what is there"):
        try:
            client.log_text(run_id, config.to_yaml(), "config.yaml")
            yield ParentRun(client, run_id)
            status = "FINISHED"
        except (KeyboardInterrupt, GeneratorExit):
            status = "KILLED"
            raise
        finally:
            client.set_terminated(run_id, status)


def _create(client: MlflowClient, experiment: str, config: Config, tags: Mapping[str, str]) -> str:
    from mlflow.entities import Param

    # MLflow's own tags (user, source, commit) are added by its fluent interface alone.
    from mlflow.tracking.context.registry import resolve_tags

    name = f"{config.name} ({tags[CHILDREN]})"
    run_id: str = client.create_run(experiment, run_name=name, tags=resolve_tags(dict(tags))).info.run_id
    shared = {key: value for key, value in parameters(config).items() if key not in _OF_CHILDREN[tags[CHILDREN]]}
    client.log_batch(run_id, params=[Param(key, value) for key, value in shared.items()])
    return run_id


def _interrupted(client: MlflowClient, experiment: str, plan: str) -> Run | None:
    query = f"tags.`{_PLAN}` = '{plan}' and attributes.status != 'FINISHED'"
    found = client.search_runs([experiment], query, order_by=["attributes.start_time DESC"], max_results=1)
    return found[0] if found else None
