"""A search for better settings: trials of one config, measured on its validation part alone.

Settings are drawn by the tree-structured Parzen estimator (Bergstra et al., "Algorithms for hyper-parameter
optimization", 2011). A trial that after an epoch stands below the median of the others at theirs is stopped (the median
rule of Golovin et al., "Google Vizier", 2017).
"""

from __future__ import annotations

import json
import math
import shlex
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fimiscope.checksums import short_digest
from fimiscope.codebook import Codebook
from fimiscope.config import Choice, Config, RangeConfig, TuningConfig
from fimiscope.corpus import Corpus
from fimiscope.errors import ConfigError, CorpusError, MissingExtra, OutputError
from fimiscope.evaluation.metrics import Metrics
from fimiscope.evaluation.provisional import provisional_metrics
from fimiscope.pipeline import load_corpus, try_out
from fimiscope.progress import Progress, silent
from fimiscope.tables import Table

if TYPE_CHECKING:
    import optuna
    from matplotlib.figure import Figure

    from fimiscope.tracking.study_run import State, StudyRun

NEVER_PRUNED = 4
"""So many trials are completed before others are measured against them."""
FEWEST_FOR_IMPORTANCE = 4
DATABASE, BEST = "study.db", "best.yaml"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial that has ended.

    Attributes:
        values: that were tried, by key of the config.
        value: of the metric; of a pruned trial the last that was measured; `None` where nothing was.
        seconds: that it took.
    """

    number: int
    state: State
    values: Mapping[str, Choice]
    value: float | None
    seconds: float

    @property
    def settings(self) -> str:
        """What to add to the `train` command to get this trial's config."""
        return " ".join(f"--set {shlex.quote(f'{key}={_written(value)}')}" for key, value in self.values.items())


@dataclass(frozen=True, slots=True)
class Study:
    """What a search has come to, earlier calls included.

    Attributes:
        name: of the config, with a digest of all that decides the figures.
        run_id: of the MLflow run above those of the trials.
        metric: that was to become as high as possible.
        trials: that have ended, in their order.
        best: the complete trial with the highest value; `None` where none is complete.
        file: the config with the best trial's values; there as soon as a trial is complete.
        skipped: why a plot was not drawn, if one was not.
    """

    name: str
    run_id: str
    metric: str
    trials: tuple[Trial, ...]
    best: Trial | None
    file: Path
    skipped: str | None

    def table(self) -> Table:
        """One row a trial: complete ones first, best first."""
        keys = list(dict.fromkeys(key for trial in self.trials for key in trial.values))
        ranked = sorted(self.trials, key=lambda trial: (trial.state != "complete", -_value(trial), trial.number))
        rows = [
            (
                trial.number,
                trial.state,
                "–" if trial.value is None else f"{trial.value:.4f}",
                *(_written(trial.values[key]) if key in trial.values else "–" for key in keys),
                f"{trial.seconds:.0f}",
            )
            for trial in ranked
        ]
        return Table(f"Trials of {self.name}", ("trial", "state", self.metric, *keys, "seconds"), tuple(rows))


def tune(
    config: Config,
    *,
    folder: Path | str = Path("out/tuning"),
    minutes: float | None = None,
    progress: Progress = silent,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Study:
    """Search the space of the config's section `tuning` for the highest figure on the validation part.

    The test part is taken out of the corpus before the first trial. The same config and corpus go on with the study
    that an earlier call left in `<folder>/<study>`, until it has `tuning.trials` trials; one that was broken off is not
    counted. Any change to what decides the figures begins a new study beside the old one.

    Args:
        folder: of the studies.
        minutes: after which no trial begins, in place of `tuning.minutes`.
        progress: told what is being done.
        on_trial: told each trial that ends by itself.

    Raises:
        ConfigError: the config has no section `tuning`.
        CorpusError: the metric cannot be measured on the validation part.
        MissingExtra: optuna is not installed.
        OutputError: the study cannot be kept in the folder.
        FimiscopeError: a trial cannot be run.
    """
    started = time.monotonic()
    tuning = config.tuning
    if tuning is None:
        raise ConfigError(
            f"config {config.name} has no section tuning: say there what to try, as configs/tune.yaml does"
        )
    _check_optuna()
    import optuna

    from fimiscope.tracking.store import connect, reported
    from fimiscope.tracking.study_run import study_run
    from fimiscope.training.processes import is_alone

    if not is_alone():
        raise ConfigError("tune runs in one process: start it without torchrun")
    # Before the corpus: a store that is not there must be found out now.
    connect()
    corpus = _without_test(load_corpus(config, Codebook.load(config.codebook), progress=progress))
    metric = _figure_of(tuning, corpus)
    name = _name(config, tuning, corpus)
    home = Path(folder) / name
    with (
        reported("the search cannot be logged; the same command goes on with it"),
        _opened(home / DATABASE, name) as study,
        study_run(config, corpus, name, _in_words(tuning)) as run,
    ):
        _close_broken(study)
        # Not the same draws again where an earlier call left off.
        study.sampler = optuna.samplers.TPESampler(seed=config.seed + len(study.trials))
        search = _Search(config, tuning, metric, corpus, name, home / BEST, run, progress, on_trial)
        limit = tuning.minutes if minutes is None else minutes
        progress("trials", _counted(study), tuning.trials)
        study.optimize(
            search.run_trial,
            n_trials=max(0, tuning.trials - _counted(study)),
            timeout=None if limit is None else max(0.0, 60 * limit - (time.monotonic() - started)),
            callbacks=[search.trial_ended],
        )
        trials = tuple(map(_trial, study.trials))
        best = _best(trials)
        if best is not None:
            # An earlier call may have been killed before it could.
            search.keep(best)
        plots, skipped = _plots(study, tuning.metric, config.seed)
        run.standing(_standing(trials), [*map(_row, trials)], plots)
    return Study(name, run.run_id, tuning.metric, trials, best, home / BEST, skipped)


@dataclass(frozen=True, slots=True)
class _Search:
    """What all trials of a study share."""

    config: Config
    tuning: TuningConfig
    metric: str
    corpus: Corpus
    study: str
    file: Path
    run: StudyRun
    progress: Progress
    on_trial: Callable[[Trial], None]

    def run_trial(self, trial: optuna.Trial) -> float:
        from optuna import TrialPruned

        from fimiscope.tracking.run import tracked_run

        values = {key: _drawn(trial, key, given) for key, given in self.tuning.space.items()}
        config = self.config.with_values(values)

        def on_epoch(number: int, figures: Metrics) -> None:
            if not math.isfinite(figures["loss"]):
                raise TrialPruned
            trial.report(figures[self.metric], number)
            # After the last epoch there is nothing left to save.
            if number < config.training.epochs and trial.should_prune():
                raise TrialPruned

        pruned = None
        with tracked_run(config, self.corpus, place=self.run.place(trial.number)) as own:
            try:
                figures = try_out(config, self.corpus, own, progress=self.progress, on_epoch=on_epoch)
                own.metrics(figures, prefix="tuning")
            except TrialPruned as stop:
                pruned = stop
            self.run.ended(own.run_id, "complete" if pruned is None else "pruned")
        if pruned is not None:
            raise pruned
        return figures[self.metric]

    def trial_ended(self, study: optuna.Study, frozen: optuna.trial.FrozenTrial) -> None:
        trial = _trial(frozen)
        if trial.state == "complete" and study.best_trial.number == trial.number:
            self.keep(trial)
        self.progress("trials", _counted(study), self.tuning.trials)
        self.on_trial(trial)

    def keep(self, best: Trial) -> None:
        """Write the best trial's config, here and to MLflow."""
        text = (
            f"# Trial {best.number} of the study {self.study}: {self.tuning.metric} {_value(best):.4f}, measured on "
            f"the validation part.\n#   fimiscope train {shlex.quote(str(self.file))}\n"
            f"{self.config.with_values(best.values).to_yaml()}"
        )
        self.file.write_text(text, encoding="utf-8")
        self.run.best(text)


def _drawn(trial: optuna.Trial, key: str, given: tuple[Choice, ...] | RangeConfig) -> Choice:
    if not isinstance(given, RangeConfig):
        return trial.suggest_categorical(key, given)
    if given.whole:
        return trial.suggest_int(key, int(given.low), int(given.high), log=given.log)
    return trial.suggest_float(key, given.low, given.high, log=given.log)


def _in_words(tuning: TuningConfig) -> dict[str, str]:
    def told(given: tuple[Choice, ...] | RangeConfig) -> str:
        if isinstance(given, RangeConfig):
            return f"{given.low} to {given.high}{', logarithmic' if given.log else ''}"
        return ", ".join(map(_written, given))

    return {"tuning.metric": tuning.metric} | {key: told(given) for key, given in tuning.space.items()}


def _without_test(corpus: Corpus) -> Corpus:
    """No trial can look at what it does not have."""
    return replace(corpus, examples=tuple(example for example in corpus.examples if example.part != "test"))


def _figure_of(tuning: TuningConfig, corpus: Corpus) -> str:
    """The metric as evaluation names it.

    Raises:
        CorpusError: the validation part has no labels for it.
    """
    from fimiscope.training.fitting import check_parts

    valid, codebook = corpus.part("valid"), corpus.codebook
    check_parts(corpus.part("train"), valid)
    name = tuning.metric.removeprefix("valid/")
    logits = np.zeros((len(valid), sum(len(head.labels) for head in codebook.heads())))
    if name not in provisional_metrics(valid, logits, codebook):
        raise CorpusError(
            f"tuning.metric: {tuning.metric} cannot be measured on the validation part ({len(valid)} texts), which has "
            "no text labelled so: choose another, or hold out more"
        )
    return name


def _name(config: Config, tuning: TuningConfig, corpus: Corpus) -> str:
    decisive = [config.to_yaml(), tuning.metric, tuning.model_dump_json(include={"space"}), corpus.digest]
    return f"{config.name}-{short_digest(json.dumps(decisive))[:8]}"


def _check_optuna() -> None:
    try:
        import optuna
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise MissingExtra("optuna", "tune") from error
    # What it says of each trial is said to `on_trial` already.
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)


@contextmanager
def _opened(file: Path, name: str) -> Iterator[optuna.Study]:
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=NEVER_PRUNED),
            load_if_exists=True,
        )
    except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError, OSError) as error:
        raise OutputError(
            f"{file} cannot hold the study ({type(error).__name__}): move it away, or name another folder"
        ) from error
    try:
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _close_broken(study: optuna.Study) -> None:
    """A killed process could not say that its trial has failed."""
    from optuna.trial import TrialState

    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _counted(study: optuna.Study) -> int:
    return sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.get_trials(deepcopy=False))


def _trial(frozen: optuna.trial.FrozenTrial) -> Trial:
    states: dict[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned"}
    state = states.get(frozen.state.name, "failed")
    seconds = 0.0 if frozen.duration is None else frozen.duration.total_seconds()
    return Trial(frozen.number, state, frozen.params, frozen.value, seconds)


def _row(trial: Trial) -> dict[str, Choice]:
    return {
        "trial": trial.number,
        "state": trial.state,
        "value": trial.value,
        **trial.values,
        "seconds": round(trial.seconds, 1),
    }


def _value(trial: Trial) -> float:
    return -math.inf if trial.value is None else trial.value


def _best(trials: tuple[Trial, ...]) -> Trial | None:
    return max((trial for trial in trials if trial.state == "complete"), key=_value, default=None)


def _standing(trials: tuple[Trial, ...]) -> Metrics:
    counts = Counter(trial.state for trial in trials)
    figures = {f"tuning/{state}": float(counts[state]) for state in ("complete", "pruned", "failed")}
    best = _best(trials)
    return figures if best is None else figures | {"tuning/best": _value(best)}


def _written(value: Choice) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plots(study: optuna.Study, metric: str, seed: int) -> tuple[dict[str, Figure], str | None]:
    """Parallel coordinates and importance (fANOVA: Hutter, Hoos and Leyton-Brown 2014), and what was left out and why.

    Both are drawn from the complete trials alone.
    """
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from optuna.exceptions import ExperimentalWarning
    from optuna.importance import FanovaImportanceEvaluator
    from optuna.visualization.matplotlib import plot_parallel_coordinate, plot_param_importances

    values = [trial.value for trial in map(_trial, study.trials) if trial.state == "complete"]
    if not values:
        return {}, "no plot was drawn: no trial is complete"
    plots, skipped = {}, None

    def drawn(axes: Axes) -> Figure:
        figure = axes.get_figure(root=True)
        assert figure is not None
        plt.close(figure)
        return figure

    # Optuna draws in a style of its own, and leaves it set.
    with plt.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        axes = plot_parallel_coordinate(study, target_name=metric)
        # Optuna cuts the names of keys short, and draws the worst trials in white.
        axes.set_xticks(axes.get_xticks(), [metric, *sorted(study.best_params)])
        axes.collections[0].set_cmap("viridis")
        plots["parallel_coordinates"] = drawn(axes)
        plots["parallel_coordinates"].set_size_inches(3 + 2 * len(study.best_params), 4.8)
        if len(values) < FEWEST_FOR_IMPORTANCE or len(set(values)) == 1:
            skipped = f"importance was not drawn: it needs {FEWEST_FOR_IMPORTANCE} complete trials that differ in value"
        else:
            evaluator = FanovaImportanceEvaluator(seed=seed)
            plots["importance"] = drawn(plot_param_importances(study, evaluator, target_name=metric))
    return plots, skipped
