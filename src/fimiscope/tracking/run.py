"""One training run in MLflow: parameters, corpus, losses, figures, plots, predictions and the bundle."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fimiscope.bundle.files import Manifest
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.examples import digest
from fimiscope.evaluation.contrast import Contrast
from fimiscope.evaluation.evaluate import Evaluation
from fimiscope.evaluation.plots import confusion, precision_recall, reliability, training_curve
from fimiscope.evaluation.predictions import to_rows
from fimiscope.evaluation.report import Report
from fimiscope.tracking.annotations import log_provenance
from fimiscope.tracking.datasets import TEST_DIGEST, log_parts
from fimiscope.tracking.metrics import log_metrics
from fimiscope.tracking.parameters import parameters
from fimiscope.tracking.parent_run import Place
from fimiscope.tracking.registry import CARD, REGISTERED_NAME
from fimiscope.tracking.registry import register as register_version
from fimiscope.tracking.serving import log_model
from fimiscope.tracking.store import connect, experiment_id

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREDICTIONS = "predictions.json"
CONTRAST_TEXTS = "contrast.json"
CODEBOOK = "codebook.json"
REPORT = "report.html"
GIT_SECONDS = 10.0
_VERSIONS = (
    "fimiscope",
    "torch",
    "transformers",
    "datasets",
    "peft",
    "scikit-learn",
    "onnxruntime",
    "tokenizers",
    "mlflow",
    "numpy",
)


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """An open MLflow run."""

    client: MlflowClient
    run_id: str
    config: Config

    def metrics(self, figures: Mapping[str, float], *, prefix: str, step: int = 0) -> None:
        """Log figures as `<prefix>/<name>`."""
        named = {f"{prefix}/{name}": value for name, value in figures.items()}
        log_metrics(self.client, self.run_id, named, step=step)

    def evaluation(self, evaluation: Evaluation, examples: Sequence[Example]) -> None:
        """Log the test figures, plots, and the predictions from which the figures can be computed again."""
        import mlflow
        import pandas as pd

        self.metrics(evaluation.metrics, prefix="test")
        for name, figure in (
            ("confusion", confusion(evaluation.judged)),
            ("precision_recall", precision_recall(evaluation.judged)),
            ("reliability", reliability(evaluation.judged)),
        ):
            mlflow.log_figure(figure, f"plots/{name}.png")
        rows = to_rows(examples, evaluation.verdicts, texts=self.config.tracking.texts)
        mlflow.log_table(pd.DataFrame(rows), PREDICTIONS)

    def contrast(self, contrast: Contrast) -> None:
        """Log the pass rates on the contrast suite, and what became of each of its texts."""
        import mlflow

        suite = digest(outcome.variant.example for outcome in contrast.outcomes)
        mlflow.log_dict({"suite": suite, **contrast.to_dict()}, CONTRAST_TEXTS)
        self.metrics(contrast.metrics(), prefix="contrast")

    def report(self, report: Report) -> None:
        """Log the page, and each of its tables as an MLflow table."""
        import mlflow
        import pandas as pd

        for name, table in report.tables().items():
            mlflow.log_table(pd.DataFrame(table.rows, columns=list(table.columns)), f"tables/{name}.json")
        if report.epochs:
            mlflow.log_figure(training_curve(report.epochs), "plots/training_curve.png")
        mlflow.log_text(report.to_html(), REPORT)

    def card(self, text: str) -> None:
        """Log the model card, from which a registered version is described."""
        import mlflow

        mlflow.log_text(text, CARD)

    def note(self, text: str) -> None:
        """Describe the run in Markdown; MLflow shows it on top of the run's page."""
        import mlflow
        from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

        mlflow.set_tag(MLFLOW_RUN_NOTE, text)

    def artifacts(self) -> list[str]:
        """Names of the files and folders that were logged."""
        return [file.path for file in self.client.list_artifacts(self.run_id)]

    def bundle(self, folder: Path, manifest: Manifest, codebook: Codebook, *, register: bool) -> str | None:
        """Log the bundle once, as a pyfunc model; `register` adds a version to the registered model and gives it."""
        import mlflow

        mlflow.set_tag("bundle.version", manifest.version)
        source = log_model(folder, codebook)
        if not register:
            return None
        return register_version(self.client, REGISTERED_NAME, source=source, run_id=self.run_id)


def is_logged(config: Config, manifest: Manifest) -> bool:
    """Whether the config's experiment has a finished run of the bundle.

    Raises:
        TrackingError: the store cannot be reached.
    """
    client = connect()
    experiment = experiment_id(client, config.tracking.experiment)
    query = f"tags.`bundle.version` = '{manifest.version}' and attributes.status = 'FINISHED'"
    return bool(client.search_runs([experiment], query, max_results=1))


@contextmanager
def tracked_run(config: Config, corpus: Corpus, *, place: Place | None = None) -> Iterator[TrackedRun]:
    """Open a run, log what is known before training, and close it whatever happens.

    The run ends as FINISHED, as KILLED after Ctrl-C, and as FAILED after an error. What the machine does meanwhile is
    logged as `system/…`, unless MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING says false.

    Args:
        place: under a parent, if the run has one.

    Raises:
        TrackingError: the store cannot be reached.
    """
    client = connect()
    import mlflow

    experiment = experiment_id(client, config.tracking.experiment)
    run = mlflow.start_run(
        experiment_id=experiment,
        run_name=config.name if place is None else place.name,
        parent_run_id=None if place is None else place.parent,
        tags=None if place is None else dict(place.tags),
        log_system_metrics=_watches_machine(),
    )
    status = "FAILED"
    try:
        tracked = TrackedRun(client, run.info.run_id, config)
        log_start(client, run.info.run_id, config, corpus)
        yield tracked
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        mlflow.end_run(status=status)


def log_start(client: MlflowClient, run_id: str, config: Config, corpus: Corpus) -> None:
    """Log to the open run what is known before training: settings, codebook, versions and the parts of the corpus."""
    import mlflow

    mlflow.log_params(parameters(config))
    mlflow.log_text(config.to_yaml(), "config.yaml")
    mlflow.log_dict(corpus.codebook.to_dict(), CODEBOOK)
    languages = sorted({example.article.language or "unknown" for example in corpus.examples})
    mlflow.set_tags(
        {
            "codebook": corpus.codebook.version,
            "corpus.digest": corpus.digest,
            "encoder": config.encoder or "none",
            "languages": " ".join(languages),
            "python": platform.python_version(),
            **({TEST_DIGEST: corpus.part_digest("test")} if corpus.part("test") else {}),
            **git_state(),
            **{f"version.{name}": metadata.version(name) for name in _VERSIONS},
        }
    )
    log_provenance(config)
    log_parts(client, run_id, corpus)


def _watches_machine() -> bool:
    from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING

    variable: Any = MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
    return bool(variable.get()) if variable.is_set() else True


def git_state() -> dict[str, str]:
    """Commit of the checkout one works in, if there is one, and whether it has changes, if git can say so in time."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], capture_output=True, text=True, check=False, timeout=GIT_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return {"git.commit": "none"}
    changes = git("status", "--porcelain")
    return {"git.commit": commit, "git.dirty": "unknown" if changes is None else str(bool(changes)).lower()}
