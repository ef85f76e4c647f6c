"""The whole road in one function: corpus, training, evaluation, tracking, bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from fimiscope.bundle.files import Manifest, is_made_of, verify
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, build
from fimiscope.evaluation.card import model_card
from fimiscope.evaluation.contrast import Contrast, constant_rule, measure
from fimiscope.evaluation.curves import EpochFigures
from fimiscope.evaluation.evaluate import Evaluation, evaluate, evaluate_shortcuts, scorers
from fimiscope.evaluation.metrics import Metrics
from fimiscope.evaluation.notes import run_note
from fimiscope.evaluation.provisional import provisional_metrics
from fimiscope.evaluation.report import Report
from fimiscope.evaluation.suite import Suite
from fimiscope.predict import Predictor
from fimiscope.progress import Progress, silent
from fimiscope.tables import Table

if TYPE_CHECKING:
    from fimiscope.tracking.parent_run import Place
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
    place: Place | None = None,
    progress: Progress = silent,
    on_epoch: EpochListener = lambda number, figures: None,
) -> TrainedRun:
    """Train by a config, measure on its held-out part, log the run, and publish the bundle as `models/<name>`.

    Args:
        models: folder of bundles.
        register: add a version to the registered model `fimiscope`.
        resume: go on from the checkpoint, or from the bundle, that an interrupted run of the same config left.
        corpus: the config's corpus, where the caller has built it already.
        place: of the MLflow run under a parent, if it has one.
        progress: told what is being done.
        on_epoch: told each epoch's number and figures.

    Raises:
        FimiscopeError: config, corpus, encoder or tracking store cannot be used.
    """
    from fimiscope.tracking.run import tracked_run
    from fimiscope.tracking.store import connect, reported
    from fimiscope.training import fit_bundle
    from fimiscope.training.processes import is_alone, leave

    # Before the corpus: a store that is not there must be found out now.
    connect()
    codebook = Codebook.load(config.codebook)
    corpus = corpus or load_corpus(config, codebook, progress=progress)
    folder = Path(models) / config.name
    # Before training: a suite that does not fit the codebook must not be found out hours later.
    suite = Suite.load(codebook) if config.evaluation.contrast else None
    epochs: list[EpochFigures] = []
    with (
        reported("the run cannot be logged; --resume goes on from what is there"),
        tracked_run(config, corpus, place=place) as run,
    ):
        listen = _epoch_listener(run, corpus, on_epoch, epochs.append)
        if resume and is_alone() and _is_there(folder, config, corpus):
            # The former run ended between its last step and its last figure.
            manifest = verify(folder)
        else:
            manifest = fit_bundle(config, corpus, codebook, folder, listener=listen, resume=resume, progress=progress)
        test = corpus.part("test")
        predictor = Predictor.load(folder)
        evaluations = [evaluate(one, test, name=name, progress=progress) for name, one in scorers(predictor)]
        evaluations += evaluate_shortcuts(corpus)
        run.evaluation(evaluations[0], test)
        contrasts = [] if suite is None else _contrasts(predictor, suite, corpus, progress)
        report = Report.of(
            evaluations,
            test,
            codebook,
            title=f"Held-out part ({len(test)} texts)",
            texts=config.tracking.texts,
            threshold=predictor.threshold,
            base_rate=config.decision.base_rate,
            contrasts=contrasts,
            corpus=corpus,
            epochs=epochs,
        )
        run.report(report)
        measured = contrasts[0] if contrasts else None
        if measured is not None:
            run.contrast(measured)
        run.card(model_card(manifest, corpus, evaluations[0], report.results, measured))
        run.note(run_note(corpus, evaluations, measured, run.artifacts()))
        registered = run.bundle(folder, manifest, codebook, register=register)
    leave()
    return TrainedRun(folder, manifest, run.run_id, evaluations[0], report.results, report.contrast, registered)


def try_out(
    config: Config,
    corpus: Corpus,
    run: TrackedRun,
    *,
    progress: Progress = silent,
    on_epoch: EpochListener = lambda number, figures: None,
) -> Metrics:
    """Train by a config, and give the figures on the validation part; no bundle is made and no test text is read.

    Args:
        run: to which the figures of each epoch are logged.
        on_epoch: told each epoch's number and figures; what it raises ends the training.

    Raises:
        FimiscopeError: config, corpus or encoder cannot be used.
    """
    from fimiscope.training import validate

    listen = _epoch_listener(run, corpus, on_epoch)
    logits = validate(config, corpus, corpus.codebook, listener=listen, progress=progress)
    return provisional_metrics(corpus.part("valid"), logits, corpus.codebook)


def _epoch_listener(
    run: TrackedRun,
    corpus: Corpus,
    on_epoch: EpochListener,
    keep: Callable[[EpochFigures], None] = lambda figures: None,
) -> Callable[[Epoch], None]:
    def listen(epoch: Epoch) -> None:
        figures = provisional_metrics(corpus.part("valid"), epoch.valid_logits, corpus.codebook)
        figures["loss"] = epoch.valid_loss
        keep(EpochFigures(epoch.number, epoch.step, epoch.train_loss, epoch.valid_loss, figures))
        run.metrics({"loss": epoch.train_loss}, prefix="train", step=epoch.step)
        run.metrics(figures, prefix="valid", step=epoch.step)
        on_epoch(ceil(epoch.number), {"train loss": epoch.train_loss, **figures})

    return listen


def train_or_measure(
    config: Config,
    *,
    models: Path | str,
    corpus: Corpus,
    place: Place,
    resume: bool = False,
    progress: Progress = silent,
    on_epoch: EpochListener = lambda number, figures: None,
) -> tuple[Evaluation, bool]:
    """Train as `train` does; or measure the bundle `<models>/<name>`, if it is of the same config, codebook and corpus.

    A bundle whose run was broken off before its end is taken up again, so that the run is logged.
    The evaluation on the test part, and whether bundle and run were there.
    """
    from fimiscope.tracking.run import is_logged

    folder = Path(models) / config.name
    made = _is_there(folder, config, corpus)
    if made and is_logged(config, verify(folder)):
        predictor = Predictor.load(folder)
        return evaluate(predictor, corpus.part("test"), name=config.name, progress=progress), True
    resume = resume or made
    run = train(config, models=models, resume=resume, corpus=corpus, place=place, progress=progress, on_epoch=on_epoch)
    return run.evaluation, False


def _is_there(folder: Path, config: Config, corpus: Corpus) -> bool:
    return is_made_of(folder, config=config.to_yaml(), codebook=corpus.codebook, corpus_digest=corpus.digest)


def _contrasts(predictor: Predictor, suite: Suite, corpus: Corpus, progress: Progress) -> list[Contrast]:
    """The bundle's own scorer on the suite, beside the rule that says what training texts mostly are."""
    measured = measure(predictor, suite, progress=progress)
    return [measured, constant_rule(suite, corpus.codebook, corpus.part("train"))]
