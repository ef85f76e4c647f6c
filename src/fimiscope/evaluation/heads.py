"""Figures of the heads that name classes: role, actors, narratives, Africa."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fimiscope.evaluation.judged import HEADS, Classes, Judged
from fimiscope.evaluation.weighted import Bools, Floats, f1, mean, share, weighted_mean

LARGE = 20
"""Gold texts from which a class has an F1 of its own; a smaller one is told as k of n."""

FEWEST_CLASSES = 2
"""Large classes from which their mean F1 is given: of roles, `none` alone would flatter."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One class in one set of texts: gold texts, given ones, and those that are both."""

    gold: int
    given: int
    both: int

    @property
    def precision(self) -> float:
        """0 where the class is never given."""
        return self.both / max(1, self.given)

    @property
    def recall(self) -> float:
        return self.both / max(1, self.gold)

    @property
    def f1(self) -> float:
        return 2 * self.both / max(1, self.gold + self.given)


def class_counts(classes: Classes) -> dict[str, ClassCount]:
    """Counts by class, over the labelled texts."""
    gold, given = classes.gold[classes.known], classes.given[classes.known]
    sums = zip(classes.codes, gold.sum(axis=0), given.sum(axis=0), (gold & given).sum(axis=0), strict=True)
    return {code: ClassCount(int(a), int(b), int(c)) for code, a, b, c in sums}


def role_confusion(judged: Judged) -> npt.NDArray[np.int64]:
    """Texts by gold role (rows) and given role (columns), in the codebook's order; shape (roles, roles)."""
    role = judged.heads["role"]
    counts: npt.NDArray[np.int64] = role.gold[role.known].T.astype(np.int64) @ role.given[role.known].astype(np.int64)
    return counts


def drawn(judged: Judged, weights: Floats) -> dict[str, Floats]:
    """Figures of all classes together, one value a row of `weights`.

    For each head with several classes: `macro_f1`, the mean F1 of the classes with at least `LARGE` gold texts;
    `macro_f1_languages`, the mean over languages of the same within the language; `macro_f1_all`, the mean F1 of all
    classes with a gold text. The first two are absent where fewer than `FEWEST_CLASSES` classes are large enough.
    """
    figures: dict[str, Floats] = {}
    for head in HEADS:
        classes = judged.heads[head]
        known = classes.known
        if not classes.gold[known].any():
            continue
        gold, given, mine = classes.gold[known], classes.given[known], weights[:, known]
        if len(classes.codes) == 1:
            figures[f"{head}/f1"] = f1(gold[:, 0], given[:, 0], mine)
            continue
        languages = np.array(judged.languages)[known]
        figures |= {f"{head}/{name}": values for name, values in _macro(gold, given, languages, mine).items()}
        if head == "role":
            figures["role/accuracy"] = weighted_mean((gold == given).all(axis=1).astype(float), mine)
        if head == "narratives":
            figures["narratives/samples_f1"] = _samples_f1(gold, given, mine)
    return figures


def fixed(judged: Judged) -> dict[str, float]:
    """Figures without an interval by resampling: of each class, kappa, and the share of likeliest narratives."""
    figures: dict[str, float] = {}
    for head in HEADS:
        classes = judged.heads[head]
        for code, count in class_counts(classes).items():
            if count.gold:
                name = head if len(classes.codes) == 1 else f"{head}/{code}"
                figures |= {f"{name}/precision": count.precision, f"{name}/recall": count.recall}
                figures |= {f"{name}/f1": count.f1, f"{name}/texts": float(count.gold)}
    role = judged.heads["role"]
    if role.known.any():
        figures["role/kappa"] = _kappa(role.gold[role.known], role.given[role.known])
    narratives = judged.heads["narratives"]
    named = narratives.known & narratives.gold.any(axis=1)
    if named.any() and judged.narrative_probability.any():
        probability = judged.narrative_probability[named]
        right = narratives.gold[named, probability.argmax(axis=1)] & (probability.max(axis=1) > 0)
        figures["narratives/top1"] = float(right.mean())
    return figures


def _macro(gold: Bools, given: Bools, languages: npt.NDArray[np.str_], weights: Floats) -> dict[str, Floats]:
    figures = {"macro_f1_all": mean(f1(gold, given, weights)[:, gold.any(axis=0)])}
    large = gold.sum(axis=0) >= LARGE
    if large.sum() >= FEWEST_CLASSES:
        figures["macro_f1"] = mean(f1(gold[:, large], given[:, large], weights))
    apart = []
    for language in np.unique(languages):
        rows = languages == language
        large = gold[rows].sum(axis=0) >= LARGE
        if large.sum() >= FEWEST_CLASSES:
            apart.append(mean(f1(gold[rows][:, large], given[rows][:, large], weights[:, rows])))
    if apart:
        figures["macro_f1_languages"] = mean(np.stack(apart, axis=-1))
    return figures


def _samples_f1(gold: Bools, given: Bools, weights: Floats) -> Floats:
    """Mean over the texts that have a gold narrative of the F1 between gold and given codes."""
    rows = gold.any(axis=1)
    both = (gold & given)[rows].sum(axis=1)
    return weighted_mean(2 * both / (gold[rows].sum(axis=1) + given[rows].sum(axis=1)), weights[:, rows])


def _kappa(gold: Bools, given: Bools) -> float:
    """Cohen's kappa (1960); 1 where gold and given are one and the same class throughout."""
    agreed = float((gold == given).all(axis=1).mean())
    by_chance = float(gold.mean(axis=0) @ given.mean(axis=0))
    return float(share(np.array([agreed - by_chance]), np.array([1 - by_chance]), empty=1.0)[0])
