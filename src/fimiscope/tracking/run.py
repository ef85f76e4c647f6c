"""One training run in MLflow: parameters, corpus, losses, figures, plots, predictions and the bundle."""

from __future__ import annotations

import platform
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from fimiscope.bundle.files import Manifest
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, Example
from fimiscope.evaluation.contrast import Contrast, family_table, repost_table
from fimiscope.evaluation.evaluate import Evaluation
from fimiscope.evaluation.plots import confusion, precision_recall, reliability
from fimiscope.evaluation.predictions import to_rows
from fimiscope.tables import Table
from fimiscope.tracking.annotations import log_provenance
from fimiscope.tracking.registry import REGISTERED_NAME
from fimiscope.tracking.registry import register as register_version
from fimiscope.tracking.serving import log_model
from fimiscope.tracking.store import connect, experiment_id

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREDICTIONS = "predictions.json"
_AT_ONCE = 100
_LONGEST_PARAMETER = 6000
_LONGEST_DIGEST = 36
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
        import mlflow

        named = [(f"{prefix}/{name}", value) for name, value in figures.items()]
        for start in range(0, len(named), _AT_ONCE):
            mlflow.log_metrics(dict(named[start : start + _AT_ONCE]), step=step)

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

    def contrast(self, contrast: Contrast, rates: Table) -> None:
        """Log the pass rates on the contrast suite, their table, and what became of each family and re-post."""
        self.metrics(contrast.metrics(), prefix="contrast")
        self.table(rates, "contrast")
        self.table(family_table(contrast), "contrast_families")
        self.table(repost_table(contrast), "contrast_reposts")

    def table(self, table: Table, file: str) -> None:
        """Log a results table as MLflow table `file`.json."""
        import mlflow
        import pandas as pd

        mlflow.log_table(pd.DataFrame(table.rows, columns=list(table.columns)), f"tables/{file}.json")

    def bundle(self, folder: Path, manifest: Manifest, codebook: Codebook, *, register: bool) -> str | None:
        """Log the bundle once, as a pyfunc model; `register` adds a version to the registered model and gives it."""
        import mlflow

        mlflow.set_tag("bundle.version", manifest.version)
        source = log_model(folder, codebook)
        if not register:
            return None
        return register_version(self.client, REGISTERED_NAME, source=source, run_id=self.run_id)


@contextmanager
def tracked_run(config: Config, corpus: Corpus) -> Iterator[TrackedRun]:
    """Open a run, log what is known before training, and close it whatever happens.

    The run ends as FINISHED, as KILLED after Ctrl-C, and as FAILED after an error.

    Raises:
        TrackingError: the store cannot be reached.
    """
    client = connect()
    import mlflow

    experiment = experiment_id(client, config.tracking.experiment)
    run = mlflow.start_run(experiment_id=experiment, run_name=config.name)
    status = "FAILED"
    try:
        tracked = TrackedRun(client, run.info.run_id, config)
        _log_start(config, corpus)
        yield tracked
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        mlflow.end_run(status=status)


def _log_start(config: Config, corpus: Corpus) -> None:
    import mlflow

    parameters = [(name, value[:_LONGEST_PARAMETER]) for name, value in config.flat().items()]
    for start in range(0, len(parameters), _AT_ONCE):
        mlflow.log_params(dict(parameters[start : start + _AT_ONCE]))
    mlflow.log_text(config.to_yaml(), "config.yaml")
    languages = sorted({example.article.language or "unknown" for example in corpus.examples})
    mlflow.set_tags(
        {
            "codebook": corpus.codebook.version,
            "corpus.digest": corpus.digest,
            "encoder": config.encoder or "none",
            "languages": " ".join(languages),
            "python": platform.python_version(),
            **_git_state(),
            **{f"version.{name}": metadata.version(name) for name in _VERSIONS},
        }
    )
    log_provenance(config)
    for part in ("train", "valid", "test"):
        if corpus.part(part):
            with warnings.catch_warnings():
                # The schema is a record of what was trained on, not a contract for inputs with missing integers.
                warnings.filterwarnings("ignore", message=".*schema contains integer column.*")
                dataset = mlflow.data.huggingface_dataset.from_huggingface(
                    corpus.table(part), name=f"{config.name}-{part}", digest=corpus.digest[:_LONGEST_DIGEST]
                )
                mlflow.log_input(dataset, context=part)


def _git_state() -> dict[str, str]:
    """Commit of the checkout one works in, if there is one, and whether it has changes."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], capture_output=True, text=True, check=False, timeout=10)
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return {"git.commit": "none"}
    return {"git.commit": commit, "git.dirty": str(bool(git("status", "--porcelain"))).lower()}
