"""A search in MLflow: one run for the study, below which the runs of its trials stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.tracking.parameters import parameters
from fimiscope.tracking.parent_run import Place, replace_table
from fimiscope.tracking.store import connect, experiment_id

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

STUDY, STATE = "tuning.study", "tuning.state"
TRIALS = "tables/trials.json"
BEST = "best.yaml"
State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class StudyRun:
    """The open run of a study."""

    client: MlflowClient
    run_id: str
    study: str

    def place(self, number: int) -> Place:
        """Where the run of a trial stands; a trial of which nothing more is said has failed."""
        return Place(self.run_id, f"trial {number}", {STUDY: self.study, STATE: "failed"})

    def ended(self, trial: str, state: State) -> None:
        """Say how the trial with this run ended."""
        self.client.set_tag(trial, STATE, state)

    def best(self, config: str) -> None:
        """Keep the best config so far, as YAML."""
        self.client.log_text(self.run_id, config, BEST)

    def standing(
        self, figures: Mapping[str, float], trials: Sequence[Mapping[str, Any]], plots: Mapping[str, Figure]
    ) -> None:
        """Log what the study has come to, with a row a trial."""
        import pandas as pd

        replace_table(self.client, self.run_id, pd.DataFrame(trials), TRIALS)
        for name, value in figures.items():
            self.client.log_metric(self.run_id, name, value)
        for name, plot in plots.items():
            self.client.log_figure(self.run_id, plot, f"plots/{name}.png", save_kwargs={"bbox_inches": "tight"})


@contextmanager
def study_run(config: Config, corpus: Corpus, study: str, space: Mapping[str, str]) -> Iterator[StudyRun]:
    """Open the run of a study, or go on with the one that an earlier call left, and close it as it ended.

    Args:
        study: its name; studies of other spaces or corpora have other names.
        space: what each key is drawn from, in words; logged in place of the key's value.

    Raises:
        TrackingError: the store cannot be reached.
    """
    client = connect()
    experiment = experiment_id(client, config.tracking.experiment)
    known = client.search_runs([experiment], f"tags.`{STUDY}` = '{study}' and tags.`{STATE}` = 'study'", max_results=1)
    if known:
        run_id = known[0].info.run_id
        _close_broken(client, experiment, run_id)
        client.update_run(run_id, status="RUNNING")
    else:
        run_id = _create(client, experiment, config, corpus, study, space)
    status = "FAILED"
    try:
        yield StudyRun(client, run_id, study)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        client.set_terminated(run_id, status)


def _create(
    client: MlflowClient, experiment: str, config: Config, corpus: Corpus, study: str, space: Mapping[str, str]
) -> str:
    from mlflow.entities import Param

    # MLflow's own tags (user, source, commit) are added by its fluent interface alone.
    from mlflow.tracking.context.registry import resolve_tags

    tags = {STUDY: study, STATE: "study", "corpus.digest": corpus.digest, "codebook": corpus.codebook.version}
    run = client.create_run(experiment, run_name=f"{config.name} (trials)", tags=resolve_tags(tags))
    run_id: str = run.info.run_id
    client.log_batch(run_id, params=[Param(key, value) for key, value in (parameters(config) | dict(space)).items()])
    client.log_text(run_id, config.to_yaml(), "config.yaml")
    return run_id


def _close_broken(client: MlflowClient, experiment: str, run_id: str) -> None:
    """A killed process could not close the run of its trial."""
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    broken = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}' and attributes.status = 'RUNNING'"
    for trial in client.search_runs([experiment], broken):
        client.set_terminated(trial.info.run_id, "KILLED")
