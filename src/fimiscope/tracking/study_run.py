"""A search in MLflow: one run for the study, and nested in it one run for each trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fimiscope.config import Choice, Config
from fimiscope.corpus import Corpus
from fimiscope.tracking.run import TrackedRun, closed_as_it_ended, log_start
from fimiscope.tracking.store import connect, experiment_id

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

STUDY, STATE = "tuning.study", "tuning.state"
TRIALS = "tables/trials.json"
BEST = "best.yaml"
State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class TrialRun(TrackedRun):
    """The open run of one trial."""

    def ended(self, state: State) -> None:
        """Say how the trial ended; a trial of which nothing is said has failed."""
        import mlflow

        mlflow.set_tag(STATE, state)


@dataclass(frozen=True, slots=True)
class StudyRun:
    """The open run of a study."""

    client: MlflowClient
    run_id: str
    experiment: str
    study: str

    @contextmanager
    def trial(self, number: int, values: Mapping[str, Choice], config: Config) -> Iterator[TrialRun]:
        """Open the run of a trial, whose parameters are `values`, and close it as it ended."""
        import mlflow

        run = mlflow.start_run(
            experiment_id=self.experiment,
            run_name=f"{config.name} trial {number}",
            nested=True,
            tags={STUDY: self.study, STATE: "failed"},
        )
        with closed_as_it_ended():
            mlflow.log_params(dict(values))
            mlflow.log_text(config.to_yaml(), "config.yaml")
            yield TrialRun(self.client, run.info.run_id, config)

    def row(self, trial: Mapping[str, Any]) -> None:
        """Add a trial to the table of trials."""
        import mlflow

        mlflow.log_table({name: [value] for name, value in trial.items()}, TRIALS)

    def best(self, config: str) -> None:
        """Keep the best config so far, as YAML."""
        import mlflow

        mlflow.log_text(config, BEST)

    def standing(self, figures: Mapping[str, float], plots: Mapping[str, Figure]) -> None:
        """Log what the study has come to."""
        import mlflow

        mlflow.log_metrics(dict(figures))
        for name, plot in plots.items():
            mlflow.log_figure(plot, f"plots/{name}.png", save_kwargs={"bbox_inches": "tight"})


@contextmanager
def study_run(config: Config, corpus: Corpus, study: str, parameters: Mapping[str, object]) -> Iterator[StudyRun]:
    """Open the run of a study, or go on with the one that an earlier call left, and close it as it ended.

    Trials that a killed call left open are closed.

    Args:
        study: its name; other studies of one config have other names.
        parameters: of the search, logged beside those of the config.

    Raises:
        TrackingError: the store cannot be reached.
    """
    client = connect()
    import mlflow

    experiment = experiment_id(client, config.tracking.experiment)
    known = client.search_runs([experiment], f"tags.`{STUDY}` = '{study}' and tags.`{STATE}` = 'study'", max_results=1)
    if known:
        run_id = known[0].info.run_id
        _close_trials(client, experiment, run_id)
        mlflow.start_run(run_id=run_id)
    else:
        tags = {STUDY: study, STATE: "study"}
        run_id = mlflow.start_run(experiment_id=experiment, run_name=f"{config.name} tuning", tags=tags).info.run_id
    with closed_as_it_ended():
        if not known:
            log_start(config, corpus)
            mlflow.log_params(dict(parameters))
        yield StudyRun(client, run_id, experiment, study)


def _close_trials(client: MlflowClient, experiment: str, run_id: str) -> None:
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    inside = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}' and attributes.status = 'RUNNING'"
    for trial in client.search_runs([experiment], inside):
        client.set_terminated(trial.info.run_id, "KILLED")
