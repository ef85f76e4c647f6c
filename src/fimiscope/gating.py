"""Giving a bundle its gate: score texts with the full model, fit, and write the gate into the bundle's folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from fimiscope.bundle import Bundle, files
from fimiscope.bundle.decisions import PROFILES, Profile
from fimiscope.bundle.document import Document
from fimiscope.bundle.gate import Gate, Kept, save_gate, window_buckets
from fimiscope.corpus.near_copies import cluster
from fimiscope.errors import BundleError, CorpusError
from fimiscope.output_files import one_line
from fimiscope.predict import Predictor
from fimiscope.predict.known_scores import KnownScores
from fimiscope.progress import Progress, silent
from fimiscope.reading import read_articles
from fimiscope.records import Article
from fimiscope.tables import Cell, Table
from fimiscope.training.gate import (
    CONFIDENCE,
    MOST_LOST,
    FittedGate,
    Lesson,
    family_scores,
    fit_gate,
    fit_without,
    thresholds,
    upper_bound,
)

FEWEST_RELEVANT = 1000
CURVE = (0, 1, 2, 4, 8, 16, 32, 64)
_NEAR_COPY = 0.6
_AT_A_TIME = 32
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Source:
    """What became of one input.

    Attributes:
        texts: that were scored.
        relevant: texts that the full model flags or abstains from.
        lost: relevant texts that the cross-fitted gate clears.
        cleared: share of all texts that it clears.
        lost_unseen, cleared_unseen: the same by a gate that learned from the other inputs alone, at a threshold
            chosen on their scores; absent where there are no others.
    """

    name: str
    texts: int
    relevant: int
    lost: int
    cleared: float
    lost_unseen: int | None
    cleared_unseen: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold of the trade-off: families lost of all, their 95 % upper bound, and the share of texts cleared."""

    threshold: float
    lost: int
    bound: float
    cleared: float


@dataclass(frozen=True, slots=True)
class GateReport:
    """A gate that was fitted; figures are for the profile `balanced` where nothing else is said.

    Attributes:
        folder: of the bundle that has it now.
        version: of that bundle.
        kept: by profile.
        sources: by input.
        curve: from the lowest threshold on.
        failed: texts that could not be read or judged.
    """

    folder: Path
    version: str
    kept: dict[Profile, Kept]
    sources: tuple[Source, ...]
    curve: tuple[Point, ...]
    failed: int

    def metrics(self) -> dict[str, float]:
        """The figures by name."""
        kept = self.kept["balanced"]
        texts = sum(source.texts for source in self.sources)
        cleared = sum(source.cleared * source.texts for source in self.sources) / texts
        own = {"texts": texts, "relevant": kept.texts, "families": kept.families, "lost": kept.lost}
        shares = {f"cleared/{_metric_name(source.name)}": source.cleared for source in self.sources}
        return {**{name: float(value) for name, value in own.items()}, "bound": kept.bound, "cleared": cleared} | shares


def give_gate(
    model: Path,
    inputs: Sequence[str],
    *,
    columns: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    fewest: int = FEWEST_RELEVANT,
    progress: Progress = silent,
) -> GateReport:
    """Fit a gate to the bundle in `model` on the texts of the inputs, and put it into the bundle.

    What the model says of a text is kept in the cache folder, so an interrupted call goes on where it stopped.

    Args:
        fewest: texts that the model must flag or abstain from.

    Raises:
        BundleError: the folder holds no bundle with an encoder.
        ReadingError: an input cannot be read.
        CorpusError: the model flags too few of the texts.
    """
    predictor = Predictor.load(model, gate=False)
    if predictor.bundle.encoder is None:
        raise BundleError(f"bundle {model} has no encoder that a gate could spare")
    read = _read(inputs, columns, stdin)
    lesson, origin = _lesson(predictor, read, progress)
    relevant = int(lesson.relevant["balanced"].sum())
    if relevant < fewest:
        raise CorpusError(
            f"the model flags or abstains from {relevant:,} of {len(lesson):,} texts: a gate needs {fewest:,} of them "
            "to show that it loses few; give more texts, or texts nearer to the subject"
        )
    if np.any([*lesson.relevant.values()], axis=0).all():
        raise CorpusError(f"the model might flag every one of {len(lesson):,} texts: give irrelevant texts as well")
    fitted = fit_gate(lesson, progress=progress)
    sources = _sources([Path(given).stem for given in inputs], origin, lesson, fitted, progress)
    manifest = _publish(model, predictor.bundle, fitted.gate)
    curve = _curve(lesson, fitted.scores)
    return GateReport(model, manifest.version, fitted.gate.kept, sources, curve, len(read) - len(lesson))


def _metric_name(name: str) -> str:
    """An input's name with the characters alone that tracking stores allow."""
    return re.sub(r"[^\w.-]+", "_", name)


def fit_and_log(
    model: Path,
    inputs: Sequence[str],
    *,
    columns: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    progress: Progress = silent,
) -> tuple[GateReport, str]:
    """`give_gate`, and its figures in MLflow; the report and the run's id.

    Raises:
        TrackingError: the tracking store cannot be reached.
        FimiscopeError: what `give_gate` raises.
    """
    from fimiscope.evaluation.plots import trade_off
    from fimiscope.tracking.gate_run import log_gate
    from fimiscope.tracking.store import connect

    # A store that cannot be reached must not be found out after an hour of scoring.
    connect()
    report = give_gate(model, inputs, columns=columns, stdin=stdin, progress=progress)
    run_id = log_gate(
        model.name,
        tags={"bundle.version": report.version, "inputs": " ".join(source.name for source in report.sources)},
        metrics=report.metrics(),
        tables=tables(report),
        curve=trade_off([p.bound for p in report.curve], [p.cleared for p in report.curve], MOST_LOST),
    )
    return report, run_id


def tables(report: GateReport) -> tuple[Table, Table, Table]:
    """What each profile's threshold keeps, what is cleared of each input, and the trade-off."""
    profiles = tuple(
        (profile, kept.texts, kept.families, kept.lost, _percent(kept.bound)) for profile, kept in report.kept.items()
    )
    return (
        Table(
            "Flags and abstentions of the full model that the gate clears",
            ("profile", "texts", "families of near-copies", "lost", f"at most ({CONFIDENCE:.0%})"),
            profiles,
        ),
        Table(
            "By input (balanced)",
            (
                "input",
                "texts",
                "flagged or abstained",
                "lost",
                "cleared",
                "lost, input unseen",
                "cleared, input unseen",
            ),
            tuple(_source_row(source) for source in report.sources),
            "Unseen: gate and threshold learned from the other inputs alone.",
        ),
        Table(
            "Trade-off (balanced)",
            ("threshold", "families lost", f"at most ({CONFIDENCE:.0%})", "texts cleared"),
            tuple((f"{p.threshold:.2f}", p.lost, _percent(p.bound), _percent(p.cleared)) for p in report.curve),
        ),
    )


def _source_row(source: Source) -> tuple[Cell, ...]:
    unseen: tuple[Cell, Cell] = ("–", "–")
    if source.lost_unseen is not None and source.cleared_unseen is not None:
        unseen = (source.lost_unseen, _percent(source.cleared_unseen))
    return (source.name, source.texts, source.relevant, source.lost, _percent(source.cleared), *unseen)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _read(
    inputs: Sequence[str], columns: Mapping[str, str] | None, stdin: BinaryIO | None
) -> list[tuple[int, Article | None]]:
    """Every text of the inputs with the number of its input; `None` for what cannot be read."""
    return [
        (number, item if isinstance(item, Article) else None)
        for number, source in enumerate(inputs)
        for item in read_articles([source], columns=columns, stdin=stdin)
    ]


def _lesson(
    predictor: Predictor, read: Sequence[tuple[int, Article | None]], progress: Progress
) -> tuple[Lesson, Ints]:
    """What the full model says of the texts that can be judged, and the number of each one's input."""
    encoder, scores = predictor.bundle.encoder, KnownScores(predictor)
    assert encoder is not None
    texts, buckets, origin = [], [], []
    found: list[tuple[float, str | None]] = []
    for start in range(0, len(read), _AT_A_TIME):
        part = read[start : start + _AT_A_TIME]
        readable = [(number, article) for number, article in part if article is not None]
        scored = scores.of([article for _, article in readable])
        for (number, article), (probability, language) in zip(readable, scored, strict=True):
            if probability is not None:
                texts.append(Document.of(article).text)
                buckets.append(window_buckets(encoder.cut(texts[-1:])[0], encoder.layout))
                found.append((probability, language))
                origin.append(number)
        progress("scoring with the full model", start + len(part), len(read))
    decisions = predictor.bundle.decisions[predictor.scorer]
    relevant: dict[Profile, npt.NDArray[np.bool_]] = {
        profile: np.array([p >= decisions.flag[profile] or decisions.undecided(p, profile, lang) for p, lang in found])
        for profile in PROFILES
    }
    families = np.array(cluster(texts, [None] * len(texts), _NEAR_COPY), dtype=np.int64)
    return Lesson(buckets, relevant, families), np.array(origin, dtype=np.int64)


def _sources(
    names: Sequence[str], origin: Ints, lesson: Lesson, fitted: FittedGate, progress: Progress
) -> tuple[Source, ...]:
    """What becomes of each input by the gate that knows its like, and by one that does not."""
    relevant, sources = lesson.relevant["balanced"], []
    for number, name in enumerate(names):
        mine = origin == number
        if not mine.any():
            continue
        cleared = fitted.scores[mine] < fitted.gate.thresholds["balanced"]
        lost_unseen, cleared_unseen = None, None
        if not mine.all():
            others = lesson.take(np.flatnonzero(~mine))
            bound, _ = thresholds(fitted.scores[~mine], others)
            unseen = fit_without(lesson, mine) < bound["balanced"]
            lost_unseen, cleared_unseen = int((unseen & relevant[mine]).sum()), float(unseen.mean())
        lost = int((cleared & relevant[mine]).sum())
        flags = int(relevant[mine].sum())
        sources.append(Source(name, int(mine.sum()), flags, lost, float(cleared.mean()), lost_unseen, cleared_unseen))
        progress("leaving inputs out", number + 1, len(names))
    return tuple(sources)


def _curve(lesson: Lesson, scores: Floats) -> tuple[Point, ...]:
    """Thresholds that lose no family, one, two, four and so on."""
    lowest = family_scores(scores, lesson, "balanced")
    return tuple(
        Point(float(lowest[lost]), lost, upper_bound(lost, len(lowest)), float((scores < lowest[lost]).mean()))
        for lost in CURVE
        if lost < len(lowest)
    )


def _publish(folder: Path, bundle: Bundle, gate: Gate) -> files.Manifest:
    """Put the gate into the bundle: a copy gets it, is sealed, and takes the bundle's place."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.draft")
    facts = {name: getattr(bundle.manifest, name) for name in files.FACTS}
    try:
        with one_line(folder):
            shutil.copytree(folder, draft)
            save_gate(draft, gate)
            manifest = files.seal(draft, **facts)
            files.publish(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest
