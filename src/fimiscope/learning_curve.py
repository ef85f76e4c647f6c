"""One config trained on growing shares of its training part: what more texts would bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.corpus.examples import digest
from fimiscope.errors import ConfigError
from fimiscope.evaluation.evaluate import HEADLINES, Evaluation
from fimiscope.evaluation.intervals import intervals
from fimiscope.evaluation.plots import learning_curve as draw
from fimiscope.pipeline import load_corpus, train_or_measure
from fimiscope.progress import Progress, silent
from fimiscope.tables import Cell, Table
from fimiscope.tracking.parent_run import Place, log_curve, parent_run

SHARES = (0.125, 0.25, 0.5, 1.0)
SHOWN = {**HEADLINES, "evidence/hit": "evidence hit"}


@dataclass(frozen=True, slots=True)
class Point:
    """A model of one share.

    Attributes:
        texts: that it learned from.
        evaluation: on the whole test part.
        reused: whether its bundle was there already.
    """

    share: float
    texts: int
    evaluation: Evaluation
    reused: bool


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Points by growing share, and the MLflow run above theirs."""

    run_id: str
    points: tuple[Point, ...]

    def table(self) -> Table:
        """One row a share, with 95 % intervals over the test part."""
        rows: list[tuple[Cell, ...]] = []
        for point in self.points:
            bounds = intervals(point.evaluation.judged)
            rows.append((f"{point.share:g}", point.texts, *(str(bounds.get(name, "–")) for name in SHOWN)))
        tested = len(self.points[0].evaluation.judged)
        return Table(
            f"Learning curve, held-out part ({tested} texts)", ("share", "texts", *SHOWN.values()), tuple(rows)
        )


def learning_curve(
    config: Config,
    shares: Sequence[float] = SHARES,
    *,
    models: Path | str = "models",
    progress: Progress = silent,
    on_point: Callable[[Point], None] = lambda point: None,
) -> LearningCurve:
    """Train the config on each share of its training part; validation and test part stay the same.

    A sealed bundle `<models>/<name>-share-<share>` of the same config and texts is measured, not trained again.

    Args:
        shares: above 0, up to 1.
        on_point: told each point as soon as it is measured.

    Raises:
        ConfigError: a share is none, or is given twice, or the process shares its work with others.
        FimiscopeError: as `train`.
    """
    from fimiscope.tracking.store import connect
    from fimiscope.training.processes import is_alone

    if any(not 0 < share <= 1 for share in shares) or len(set(shares)) < len(shares):
        raise ConfigError("--share: give shares above 0 and up to 1, each once")
    if not is_alone():
        raise ConfigError("a learning curve is made in one process: start the command without torchrun")
    # Before the corpus: a store that is not there must be found out now.
    connect()
    corpus = load_corpus(config, Codebook.load(config.codebook), progress=progress)
    ordered = sorted(shares)
    points: list[Point] = []
    with parent_run(config, "shares", [f"{share:g}" for share in ordered], corpus=corpus) as parent:
        for share in ordered:
            part = with_share(corpus, share)
            own = config.model_copy(update={"name": f"{config.name}-share-{share:g}"})
            place = Place(parent.run_id, own.name, {"share": f"{share:g}"})
            measured, was_there = train_or_measure(own, models=models, corpus=part, place=place, progress=progress)
            points.append(Point(share, len(part.part("train")), measured, was_there))
            on_point(points[-1])
        curve = LearningCurve(parent.run_id, tuple(points))
        plot = draw({point.texts: intervals(point.evaluation.judged) for point in points}, SHOWN)
        log_curve(parent, {point.texts: point.evaluation.metrics for point in points}, curve.table(), plot)
    return curve


def with_share(corpus: Corpus, share: float) -> Corpus:
    """The corpus with a share of each source's training texts.

    Near-copies and families stay together, and a smaller share is part of every larger one. A source keeps one family
    at least.
    """
    train = corpus.part("train")
    sizes = Counter(example.group for example in train)
    source_of: dict[str, str] = {}
    for example in train:
        source_of.setdefault(example.group, example.source)
    kept: set[str] = set()
    for source in set(source_of.values()):
        groups = sorted((group for group in sizes if source_of[group] == source), key=sha256_of_text)
        room, taken = share * sum(sizes[group] for group in groups), 0
        for group in groups:
            # The first that does not fit is the last: a larger share must have all that a smaller one has.
            if taken and taken + sizes[group] / 2 > room:
                break
            kept.add(group)
            taken += sizes[group]
    examples = tuple(example for example in corpus.examples if example.part != "train" or example.group in kept)
    return replace(corpus, examples=examples, digest=digest(examples))
