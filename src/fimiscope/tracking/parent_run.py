"""One run above others of one config: its folds or seeds with the mean of their figures, or its learning curve."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fimiscope.checksums import short_digest
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.means import means
from fimiscope.evaluation.notes import parent_note
from fimiscope.tables import Table
from fimiscope.tracking.datasets import TEST_DIGEST
from fimiscope.tracking.metrics import log_metrics
from fimiscope.tracking.parameters import parameters
from fimiscope.tracking.store import connect, experiment_id, reported

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from pandas import DataFrame

CHILDREN = "children"
"""Tag of a parent: what its children are."""
Kind = Literal["folds", "seeds", "shares"]
DEVIATION, COUNT = "std", "children"
_PLAN = "children.plan"
_OF_CHILDREN = {"folds": ("corpus.sources",), "seeds": ("seed",), "shares": ()}
"""Parameters in which children of a kind differ."""


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
        import pandas as pd
        from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

        children = {name: evaluation.metrics for name, evaluation in measured.items()}
        tested = [{f"test/{name}": value for name, value in figures.items()} for figures in children.values()]
        log_metrics(self.client, self.run_id, mean_figures(tested))
        self.client.set_tag(self.run_id, MLFLOW_RUN_NOTE, parent_note(kind, children, reused))
        columns: dict[str, list[str] | list[float | None]] = {kind.removesuffix("s"): list(children)}
        columns |= {title: [figures.get(name) for figures in children.values()] for name, title in HEADLINES.items()}
        replace_table(self.client, self.run_id, pd.DataFrame(columns), "tables/children.json")


def log_curve(parent: ParentRun, measured: Mapping[int, Mapping[str, float]], table: Table, plot: Figure) -> None:
    """Log each child's test figures as `curve/<name>`, whose step is how many texts it learned from; table and plot."""
    import pandas as pd

    for texts, figures in measured.items():
        curve = {f"curve/{name}": value for name, value in figures.items()}
        log_metrics(parent.client, parent.run_id, curve, step=texts)
    rows = pd.DataFrame(table.rows, columns=list(table.columns))
    replace_table(parent.client, parent.run_id, rows, "tables/learning_curve.json")
    parent.client.log_figure(parent.run_id, plot, "plots/learning_curve.png")


def mean_figures(children: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over the children that have it, under its own name.

    `std/<name>` is the standard deviation of the children (n - 1), where two or more have the figure, and
    `children/<name>` how many have it, where not all do. `children` is their number.
    """
    figures = {COUNT: float(len(children))}
    for name, mean in means(children).items():
        figures[name] = mean.value
        if mean.deviation is not None:
            figures[f"{DEVIATION}/{name}"] = mean.deviation
        if mean.count < len(children):
            figures[f"{COUNT}/{name}"] = float(mean.count)
    return figures


@contextmanager
def parent_run(
    config: Config, kind: Kind, members: Sequence[str], *, corpus: Corpus | None = None
) -> Iterator[ParentRun]:
    """Open the run above those of one config, and close it as it ended.

    It goes on with the parent that an earlier call of this user for the same config, members and corpus has left, so
    that its children stay together; where each child has a corpus of its own, with one that was interrupted only.

    Args:
        kind: what the children are.
        members: name of each child.
        corpus: whose validation and test part all children share.

    Raises:
        TrackingError: the store cannot be reached, or refuses something.
    """
    client = connect()
    with reported(f"the run above the {kind} cannot be logged; the same command goes on from what is there"):
        run_id = _opened(client, config, kind, members, corpus)
        status = "FAILED"
        try:
            client.log_text(run_id, config.to_yaml(), "config.yaml")
            yield ParentRun(client, run_id)
            status = "FINISHED"
        except (KeyboardInterrupt, GeneratorExit):
            status = "KILLED"
            raise
        finally:
            client.set_terminated(run_id, status)


def replace_table(client: MlflowClient, run_id: str, table: DataFrame, path: str) -> None:
    """Log a table in the place of what an earlier call logged; MLflow's own `log_table` would add to it."""
    from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

    client.log_text(run_id, table.to_json(orient="split", index=False), path)
    client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([{"path": path, "type": "table"}]))


def _opened(client: MlflowClient, config: Config, kind: Kind, members: Sequence[str], corpus: Corpus | None) -> str:
    """Id of the parent that an earlier call has left, running again, or of a new one."""
    from mlflow.entities import Param

    # MLflow's own tags (user, source, commit) are added by its fluent interface alone.
    from mlflow.tracking.context.registry import resolve_tags
    from mlflow.utils.mlflow_tags import MLFLOW_USER

    experiment = experiment_id(client, config.tracking.experiment)
    plan = short_digest("\n".join([config.to_yaml(), kind, *members, "" if corpus is None else corpus.digest]))
    shared = {} if corpus is None else {TEST_DIGEST: corpus.part_digest("test")}
    tags = resolve_tags({**shared, CHILDREN: kind, _PLAN: plan})
    query = f"tags.`{_PLAN}` = '{plan}'" + (" and attributes.status != 'FINISHED'" if corpus is None else "")
    for left in client.search_runs([experiment], query, order_by=["attributes.start_time DESC"]):
        if left.data.tags.get(MLFLOW_USER) == tags[MLFLOW_USER]:
            client.update_run(left.info.run_id, status="RUNNING")
            return str(left.info.run_id)
    run_id: str = client.create_run(experiment, run_name=f"{config.name} ({kind})", tags=tags).info.run_id
    common = {key: value for key, value in parameters(config).items() if key not in _OF_CHILDREN[kind]}
    client.log_batch(run_id, params=[Param(key, value) for key, value in common.items()])
    return run_id
