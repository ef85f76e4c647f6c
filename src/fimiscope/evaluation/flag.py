"""Figures of the flag: how it ranks, what it finds, how sure it is, and how much it could decide without erring."""

from __future__ import annotations

import numpy as np

from fimiscope.evaluation.calibration import brier_skill, calibration_error, calibration_error_by_chance
from fimiscope.evaluation.heads import LARGE
from fimiscope.evaluation.judged import Judged
from fimiscope.evaluation.weighted import Bools, Floats, down_to, f1, mean, share

PRECISION = 0.9


def drawn(judged: Judged, weights: Floats) -> dict[str, Floats]:
    """Figures with an interval by resampling, one value a row of `weights`; empty where no text is flagged."""
    known = judged.flag_known
    gold, given, probability = judged.flag[known], judged.flag_given[known], judged.flag_probability[known]
    if not gold.any():
        return {}
    mine = weights[:, known]
    hits, wanted = mine @ (gold & given).astype(float), mine @ gold.astype(float)
    decided = ~(judged.abstained | judged.failed)[known]
    figures = {
        "flag/f1": f1(gold, given, mine),
        "flag/precision": share(hits, mine @ given.astype(float), empty=0.0),
        "flag/recall": share(hits, wanted),
        "flag/f1_decided": f1(gold[decided], given[decided], mine[:, decided]),
        "flag/brier_skill": brier_skill(gold, probability, mine),
        **_ranking(gold, probability, mine),
        **_coverage(gold, given, probability, decided, mine),
    }
    languages = np.array(judged.languages)[known]
    large = [language for language in np.unique(languages) if gold[languages == language].sum() >= LARGE]
    if large:
        apart = [f1(gold[rows], given[rows], mine[:, rows]) for rows in (languages == one for one in large)]
        figures["flag/f1_languages"] = mean(np.stack(apart, axis=-1))
    return figures


def fixed(judged: Judged) -> dict[str, float]:
    """Figures without an interval by resampling."""
    gold, probability = judged.flag[judged.flag_known], judged.flag_probability[judged.flag_known]
    if not len(gold):
        return {}
    by_chance, most_by_chance = calibration_error_by_chance(probability)
    return {
        "flag/share": float(gold.mean()),
        "flag/brier": float(((probability - gold) ** 2).mean()),
        "flag/calibration_error": calibration_error(gold, probability),
        "flag/calibration_error_by_chance": by_chance,
        "flag/calibration_error_by_chance_95": most_by_chance,
    }


def _ranking(gold: Bools, probability: Floats, weights: Floats) -> dict[str, Floats]:
    """Average precision, and the highest recall at any threshold that keeps `PRECISION`; 0 where none does."""
    texts, hits = down_to(probability, np.stack([np.ones(len(gold)), gold], axis=-1), weights)
    recall = share(hits, np.broadcast_to(hits[:, -1:], hits.shape))
    precision = share(hits, texts, empty=0.0)
    gained = np.diff(recall, axis=1, prepend=0.0)
    return {
        "flag/pr_auc": (gained * precision).sum(axis=1),
        "flag/recall_at_precision_90": (recall * (precision >= PRECISION)).max(axis=1),
    }


def _coverage(gold: Bools, given: Bools, probability: Floats, decided: Bools, weights: Floats) -> dict[str, Floats]:
    """Decide texts in the order of confidence in the verdict, as far as `PRECISION` of those flagged are right, and of
    those called clear.

    A text that the model abstained from or could not read is never decided. At least one text must be flagged: to
    call texts clear is easy where most are.
    """
    if not decided.any():
        nothing = np.zeros(len(weights))
        return {"flag/coverage_at_precision_90": nothing, "flag/recall_at_coverage": nothing}
    confidence = np.where(given, probability, 1 - probability)[decided]
    columns = np.stack([np.ones(len(gold)), given, given & gold, ~given & ~gold], axis=-1)[decided]
    texts, flagged, right, rightly_clear = down_to(confidence, columns, weights[:, decided])
    kept = share(right, flagged, empty=0.0) >= PRECISION
    kept &= share(rightly_clear, texts - flagged, empty=1.0) >= PRECISION
    everything, wanted = weights.sum(axis=1), weights @ gold.astype(float)
    last = np.where(kept, texts, 0.0).argmax(axis=1)
    reached = kept.any(axis=1)
    draw = np.arange(len(weights))
    return {
        "flag/coverage_at_precision_90": share(np.where(reached, texts[draw, last], 0.0), everything),
        "flag/recall_at_coverage": share(np.where(reached, right[draw, last], 0.0), wanted),
    }
