"""Fitting the gate: logistic regression on hashed pieces learns what the full model might flag.

It learns from the flags and abstentions of the most generous profile, so that a text which the full model nearly flags
teaches it no word that clears. An article is worth its best window; which window of a relevant article is the relevant
one is guessed and fitted in turn (Andrews et al., "Support vector machines for multiple-instance learning", 2003).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.decisions import Profile
from fimiscope.bundle.gate import BITS, Gate, Ints, Kept
from fimiscope.progress import Progress, silent

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
MOST_LOST = 0.005
CONFIDENCE = 0.95
FOLDS = 5
_STRENGTH = 1.0
_ROUNDS = 2
_MOST_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the full model says of texts that the gate learns from.

    Attributes:
        buckets: of each window of each text, as `fimiscope.bundle.gate.buckets_of` gives them.
        relevant: for each profile which texts the full model flags or abstains from, shape (texts,).
        families: number of the near-copies that each text belongs to, shape (texts,).
    """

    buckets: Sequence[Sequence[Ints]]
    relevant: Mapping[Profile, Bools]
    families: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.buckets)

    def take(self, rows: npt.NDArray[np.int64]) -> Lesson:
        """The given texts."""
        relevant: dict[Profile, Bools] = {profile: flags[rows] for profile, flags in self.relevant.items()}
        return Lesson([self.buckets[row] for row in rows], relevant, self.families[rows])


@dataclass(frozen=True, slots=True)
class FittedGate:
    """A gate and the texts' scores by gates that learned from none of their near-copies, shape (texts,)."""

    gate: Gate
    scores: Floats


def fit_gate(lesson: Lesson, *, progress: Progress = silent) -> FittedGate:
    """Fit on all texts; thresholds stand on scores that are cross-fitted by family.

    Weights and IDF are rounded to half precision, in which bundles keep them.
    """
    from sklearn.model_selection import GroupKFold

    scores = np.zeros(len(lesson))
    parts = GroupKFold(FOLDS, shuffle=True, random_state=0).split(scores, groups=lesson.families)
    for number, (learned, asked) in enumerate(parts, start=1):
        scores[asked] = scores_by(_fit(lesson.take(learned)), lesson.take(asked))
        progress("fitting the gate", number, FOLDS + 1)
    found = _fit(lesson)
    bounds, kept = thresholds(scores, lesson)
    progress("fitting the gate", FOLDS + 1, FOLDS + 1)
    return FittedGate(Gate(found.weights, found.idf, found.bias, bounds, kept), scores)


def fit_without(lesson: Lesson, left_out: Bools) -> Floats:
    """Scores of the texts left out by a gate that learned from the others, near-copies of theirs excepted."""
    copies = np.isin(lesson.families, lesson.families[left_out])
    return scores_by(_fit(lesson.take(np.flatnonzero(~copies))), lesson.take(np.flatnonzero(left_out)))


def scores_by(gate: Gate, lesson: Lesson) -> Floats:
    """The gate's score of each text."""
    return np.array([max(gate.window_score(window) for window in windows) for windows in lesson.buckets])


def upper_bound(lost: int, of: int) -> float:
    """Clopper and Pearson's (1934) one-sided 95 % upper bound of a share of which `lost` of `of` were seen."""
    from scipy.stats import beta  # type: ignore[import-untyped]

    return 1.0 if lost >= of else float(beta.ppf(CONFIDENCE, lost + 1, of - lost))


def thresholds(scores: Floats, lesson: Lesson) -> tuple[dict[Profile, float], dict[Profile, Kept]]:
    """The highest threshold of each profile that loses so few families that the bound holds.

    How many may be lost follows from their number alone, so the bound is exact (Wilks 1941). A profile with too few
    flags to bound takes the lowest threshold of the others.
    """
    lowest = {profile: family_scores(scores, lesson, profile) for profile in lesson.relevant}
    allowed = {profile: _most_lost(len(found)) for profile, found in lowest.items()}
    bounded = {profile: float(found[allowed[profile]]) for profile, found in lowest.items() if allowed[profile] >= 0}
    fallback = min(bounded.values(), default=-inf)
    limits: dict[Profile, float] = {profile: bounded.get(profile, fallback) for profile in lowest}
    kept: dict[Profile, Kept] = {}
    for profile, found in lowest.items():
        lost = int((found < limits[profile]).sum())
        kept[profile] = Kept(int(lesson.relevant[profile].sum()), len(found), lost, upper_bound(lost, len(found)))
    return limits, kept


def family_scores(scores: Floats, lesson: Lesson, profile: Profile) -> Floats:
    """The lowest score of each family of relevant texts, ascending: near-copies stand or fall together."""
    flags = lesson.relevant[profile]
    _, family = np.unique(lesson.families[flags], return_inverse=True)
    lowest = np.full(family.max(initial=-1) + 1, inf)
    np.minimum.at(lowest, family, scores[flags])
    return np.sort(lowest)


def _most_lost(families: int) -> int:
    """How many of so many families may be lost; -1 where even none lost bounds nothing."""
    lost = -1
    while upper_bound(lost + 1, families) <= MOST_LOST:
        lost += 1
    return lost


def _fit(lesson: Lesson) -> Gate:
    """A gate without thresholds."""
    from sklearn.linear_model import LogisticRegression

    owner = np.repeat(np.arange(len(lesson)), [len(windows) for windows in lesson.buckets])
    windows = [window for text in lesson.buckets for window in text]
    documents = np.bincount(np.concatenate(windows), minlength=2**BITS)
    idf = _rounded(np.log((1 + len(windows)) / (1 + documents)) + 1)
    table = _table(windows, idf)
    relevant = np.any([*lesson.relevant.values()], axis=0)[owner]
    used = np.ones(len(owner), dtype=bool)
    for _ in range(_ROUNDS):
        model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=_MOST_STEPS)
        model.fit(table[used], relevant[used])
        weights, bias = model.coef_[0], float(model.intercept_[0])
        scores = table @ weights + bias
        best = np.full(len(lesson), -inf)
        np.maximum.at(best, owner, scores)
        # Every window of an irrelevant text is irrelevant; of a relevant one it is known of the best alone.
        used = ~relevant | (scores >= best[owner])
    return Gate(_rounded(weights), idf, bias, {}, {})


def _table(windows: Sequence[Ints], idf: npt.NDArray[np.float32]) -> csr_matrix:
    """One row a window; a row times the weights is the window's score without the bias."""
    from scipy.sparse import csr_matrix

    rows = [idf[window].astype(np.float64) for window in windows]
    values = np.concatenate([row / (np.linalg.norm(row) or 1.0) for row in rows])
    ends = np.cumsum([0, *(len(window) for window in windows)])
    return csr_matrix((values, np.concatenate(windows), ends), shape=(len(windows), 2**BITS))


def _rounded(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    return values.astype(np.float16).astype(np.float32)
