"""Configs trained and measured fold by fold: on outlets, accounts and dates that a model has never seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fimiscope.baselines import check_baselines, measure_baseline
from fimiscope.codebook import Codebook
from fimiscope.config import AnnotatedSource, Config, Shares
from fimiscope.corpus.annotated import read_annotations
from fimiscope.corpus.folds import LEAKING, fold_names, read_fold
from fimiscope.errors import ConfigError, CorpusError
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation, evaluate_shortcuts
from fimiscope.evaluation.means import Mean, means
from fimiscope.evaluation.metrics import Metrics
from fimiscope.pipeline import load_corpus, train_or_measure
from fimiscope.progress import Progress, silent
from fimiscope.tables import Cell, Table
from fimiscope.tracking.parent_run import ParentRun, Place, parent_run

LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What shortcuts, baselines and models score on one fold.

    Attributes:
        texts: that were tested on.
        shortcuts: learned from the fold's training part.
        baselines: one for each that was asked for, in order.
        models: one for each config, in order.
        reused: names of the models and baselines whose bundles or verdicts were there already.
    """

    fold: str
    texts: int
    shortcuts: tuple[Evaluation, ...]
    baselines: tuple[Evaluation, ...]
    models: tuple[Evaluation, ...]
    reused: tuple[str, ...]

    @property
    def rows(self) -> tuple[Evaluation, ...]:
        return (*self.shortcuts, *self.baselines, *self.models)

    @property
    def paired(self) -> tuple[Evaluation, ...]:
        """The first config's model, and what it is compared with."""
        return (*self.models, *self.baselines)


def cross_validate(
    configs: Sequence[Config],
    folds: Sequence[str] = (),
    *,
    baselines: Sequence[str] = (),
    models: Path | str = "models",
    progress: Progress = silent,
) -> Iterator[FoldResult]:
    """Train each config on each fold by the ordinary road, and give each fold's figures as soon as it is done.

    The MLflow runs of a config's folds stand below one run that holds their means.
    A sealed bundle `<models>/<fold>/<name>` of the same config and corpus is measured, not trained again.

    Args:
        folds: names or files; all shipped ones but the one that leaks where none is given.
        baselines: names of what else is measured, by the first config with an encoder; not logged, and kept as verdicts
            beside the bundles.

    Raises:
        ConfigError: two configs or folds have one name, a config has another codebook or no annotated source, or a
            baseline is not known or has no encoder.
        CorpusError: a fold is not there or does not fit, or the configs are not tested on the same texts and labels.
        FimiscopeError: a run cannot be done.
    """
    names = [config.name for config in configs]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ConfigError(f"two configs are named {', '.join(twice)}: their bundles would lie in one folder")
    if len({config.codebook for config in configs}) > 1:
        raise ConfigError("the configs have different codebooks: models of different labels cannot be compared")
    baselines = tuple(dict.fromkeys(baselines))
    check_baselines(baselines)
    if taken := [name for name in names if name in baselines]:
        raise ConfigError(f"config {taken[0]} bears the name of a baseline: give it another name")
    if baselines and not any(config.encoder for config in configs):
        raise ConfigError(f"--baseline {baselines[0]}: none of the configs has an encoder to read with")
    chosen = folds or [name for name in fold_names() if name != LEAKING]
    stems = [Path(fold).stem for fold in chosen]
    if twice := [stem for stem, count in Counter(stems).items() if count > 1]:
        raise ConfigError(f"two folds are named {', '.join(twice)}: their bundles would lie in one folder")
    planned = {Path(fold).stem: [on_fold(config, fold) for config in configs] for fold in chosen}
    results: list[FoldResult] = []
    with ExitStack() as stack:
        parents = [stack.enter_context(parent_run(config, "folds", stems)) for config in configs]
        for fold, placed in planned.items():
            places = [
                Place(parent.run_id, f"{fold}/{config.name}", {"fold": fold})
                for parent, config in zip(parents, configs, strict=True)
            ]
            results.append(_measure(fold, placed, places, baselines, Path(models) / fold, progress))
            yield results[-1]
        for number, parent in enumerate(parents):
            _finish(parent, number, results)


def on_fold(config: Config, fold: str) -> Config:
    """The config with its annotated source split by the fold; all other sources are learned from, and not tested on.

    Raises:
        ConfigError: there is no annotated source.
        CorpusError: the fold is not there, or does not fit the annotations.
    """
    annotated = [source for source in config.corpus.sources if isinstance(source, AnnotatedSource)]
    if not annotated:
        raise ConfigError(f"config {config.name} has no source of kind annotated: folds are of the annotated texts")
    for source in annotated:
        read_fold(fold, read_annotations(source.annotations))
    by_fold = {"hold_out": Shares(), "latest": (), "outlets": (), "fold": fold}
    learned_whole = {"hold_out": Shares(valid=0, test=0)}
    sources = tuple(
        source.model_copy(update=by_fold if isinstance(source, AnnotatedSource) else learned_whole)
        for source in config.corpus.sources
    )
    return config.model_copy(update={"corpus": config.corpus.model_copy(update={"sources": sources})})


def mean_table(results: Sequence[FoldResult]) -> Table:
    """Mean of the headline figures over the folds: of all texts, and of English and French where a fold has both."""
    rows: list[tuple[Cell, ...]] = []
    for model, kinds in fold_means(results).items():
        for kind, figures in kinds.items():
            cells = [
                f"{figures[name].value:.2f} ({figures[name].count})" if name in figures else "–" for name in HEADLINES
            ]
            rows.append((model, kind, *cells))
    return Table("Mean over folds (folds that have the figure)", ("model", "texts", *HEADLINES.values()), tuple(rows))


def fold_means(results: Sequence[FoldResult]) -> dict[str, dict[str, dict[str, Mean]]]:
    """By model, then `all` or `en, fr`, then figure: its mean over the folds that have it."""
    found: dict[str, dict[str, dict[str, Mean]]] = {}
    for row in results[0].rows if results else ():
        measured = [one.metrics for result in results for one in result.rows if one.name == row.name]
        found[row.name] = {
            "all": means([{name: figures[name] for name in HEADLINES if name in figures} for figures in measured]),
            ", ".join(LANGUAGES): means([_of_languages(figures) for figures in measured]),
        }
    return found


def _of_languages(figures: Metrics) -> Metrics:
    """The headline figures that all of `LANGUAGES` have, as the mean of these languages."""
    apart = [
        {name: figures[place] for name in HEADLINES if (place := f"language/{language}/{name}") in figures}
        for language in LANGUAGES
    ]
    return {name: mean.value for name, mean in means(apart).items() if mean.count == len(LANGUAGES)}


def _measure(
    fold: str,
    configs: Sequence[Config],
    places: Sequence[Place],
    baselines: Sequence[str],
    folder: Path,
    progress: Progress,
) -> FoldResult:
    codebook = Codebook.load(configs[0].codebook)
    corpora = [load_corpus(config, codebook, progress=progress) for config in configs]
    tested = {(corpus.part_digest("test"), *(e.article.id for e in corpus.part("test"))) for corpus in corpora}
    if len(tested) > 1:
        raise CorpusError(
            f"fold {fold}: the configs are not tested on the same texts by the same labels; give them the same sources "
            "in the same order"
        )
    evaluations, besides, reused = [], [], []
    for config, corpus, place in zip(configs, corpora, places, strict=True):
        evaluation, was_there = train_or_measure(config, models=folder, corpus=corpus, place=place, progress=progress)
        evaluations.append(evaluation)
        reused += [config.name] * was_there
    for name in baselines:
        config, corpus = next(pair for pair in zip(configs, corpora, strict=True) if pair[0].encoder)
        evaluation, was_there = measure_baseline(name, config, corpus, folder=folder, progress=progress)
        besides.append(evaluation)
        reused += [name] * was_there
    shortcuts = tuple(evaluate_shortcuts(corpora[0]))
    texts = len(corpora[0].part("test"))
    return FoldResult(fold, texts, shortcuts, tuple(besides), tuple(evaluations), tuple(reused))


def _finish(parent: ParentRun, number: int, results: Sequence[FoldResult]) -> None:
    """Log what the folds say of the config of this number."""
    measured = {result.fold: result.models[number] for result in results}
    reused = [result.fold for result in results if measured[result.fold].name in result.reused]
    parent.finish(measured, "folds", reused)
