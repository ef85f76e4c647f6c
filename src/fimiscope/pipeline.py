"""The whole road in one function: corpus, training, evaluation, tracking, bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from fimiscope.bundle.files import Manifest
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, build
from fimiscope.evaluation.card import model_card
from fimiscope.evaluation.contrast import Contrast, constant_rule, contrast_table, measure
from fimiscope.evaluation.evaluate import Evaluation, evaluate, evaluate_shortcuts, results_table, scorers
from fimiscope.evaluation.metrics import Metrics
from fimiscope.evaluation.provisional import provisional_metrics
from fimiscope.evaluation.suite import Suite
from fimiscope.predict import Predictor
from fimiscope.progress import Progress, silent
from fimiscope.tables import Table

if TYPE_CHECKING:
    from fimiscope.tracking.run import TrackedRun
    from fimiscope.training.loop import Epoch

SPLIT_SEED = 13
EpochListener = Callable[[int, Metrics], None]


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """What a training run leaves behind.

    Attributes:
        folder: of the bundle.
        manifest: of the bundle.
        run_id: of the MLflow run.
        evaluation: the model on the test part.
        results: the results table, shortcuts included.
        contrast: pass rates on the contrast suite, where the config asks for them.
        registered: version of the registered model that was added, if one was asked for.
    """

    folder: Path
    manifest: Manifest
    run_id: str
    evaluation: Evaluation
    results: Table
    contrast: Table | None = None
    registered: str | None = None

    @property
    def metrics(self) -> Metrics:
        """Figures on the test part."""
        return self.evaluation.metrics


def load_corpus(config: Config, codebook: Codebook, *, progress: Progress = silent) -> Corpus:
    """The corpus that a config describes; its parts are the same for every training seed.

    What the encoder has learned from already is not held out.
    """
    from fimiscope.training.encoders import learned_texts

    learned = frozenset() if config.encoder is None else learned_texts(config.encoder)
    return build(
        config.corpus, codebook, seed=SPLIT_SEED, learned=learned, progress=lambda stage: progress(stage, 0, 0)
    )


def assist(config: Config, *, models: Path | str = "models", resume: bool = False) -> None:
    """Share the steps of a run whose main process is in `train`; torchrun starts both by the same command."""
    from fimiscope.training import share_work
    from fimiscope.training.processes import leave

    codebook = Codebook.load(config.codebook)
    share_work(config, load_corpus(config, codebook), codebook, Path(models) / config.name, resume=resume)
    leave()


def train(
    config: Config,
    *,
    models: Path | str = "models",
    register: bool = False,
    resume: bool = False,
    corpus: Corpus | None = None,
    progress: Progress = silent,
    on_epoch: EpochListener = lambda number, figures: None,
) -> TrainedRun:
    """Train by a config, measure on its held-out part, log the run, and publish the bundle as `models/<name>`.

    Args:
        models: folder of bundles.
        register: add a version to the registered model `fimiscope`.
        resume: go on from the checkpoint that an interrupted run of the same config left.
        corpus: the config's corpus, where the caller has built it already.
        progress: told what is being done.
        on_epoch: told each epoch's number and figures.

    Raises:
        FimiscopeError: config, corpus, encoder or tracking store cannot be used.
    """
    from fimiscope.tracking.run import tracked_run
    from fimiscope.tracking.store import connect, reported
    from fimiscope.training import fit_bundle
    from fimiscope.training.processes import leave

    # Before the corpus: a store that is not there must be found out now.
    connect()
    codebook = Codebook.load(config.codebook)
    corpus = corpus or load_corpus(config, codebook, progress=progress)
    folder = Path(models) / config.name
    # Before training: a suite that does not fit the codebook must not be found out hours later.
    suite = Suite.load(codebook) if config.evaluation.contrast else None
    with (
        reported("the run cannot be logged; --resume goes on from its last checkpoint"),
        tracked_run(config, corpus) as run,
    ):

        def listen(epoch: Epoch) -> None:
            figures = provisional_metrics(corpus.part("valid"), epoch.valid_logits, codebook)
            figures["loss"] = epoch.valid_loss
            run.metrics({"loss": epoch.train_loss}, prefix="train", step=epoch.step)
            run.metrics(figures, prefix="valid", step=epoch.step)
            on_epoch(ceil(epoch.number), {"train loss": epoch.train_loss, **figures})

        manifest = fit_bundle(config, corpus, codebook, folder, listener=listen, resume=resume, progress=progress)
        train_part, test = corpus.part("train"), corpus.part("test")
        predictor = Predictor.load(folder)
        evaluations = [evaluate(one, test, name=name, progress=progress) for name, one in scorers(predictor)]
        evaluations += evaluate_shortcuts(train_part, test, codebook)
        run.evaluation(evaluations[0], test)
        results = results_table(evaluations, title=f"Held-out part ({len(test)} texts)")
        run.table(results, "results")
        measured = None if suite is None else measure(predictor, suite, progress=progress)
        contrast = None if measured is None or suite is None else _log_contrast(run, measured, suite, corpus)
        run.card(model_card(manifest, corpus, evaluations[0], results, measured))
        registered = run.bundle(folder, manifest, codebook, register=register)
    leave()
    return TrainedRun(folder, manifest, run.run_id, evaluations[0], results, contrast, registered)


def _log_contrast(run: TrackedRun, measured: Contrast, suite: Suite, corpus: Corpus) -> Table:
    """Log the model's own scorer on the suite, beside the rule that says what training texts mostly are."""
    rule = constant_rule(suite, corpus.codebook, corpus.part("train"))
    table = contrast_table([measured, rule])
    run.contrast(measured, table)
    return table
