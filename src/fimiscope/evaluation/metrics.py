"""Figures of one model on labelled articles, under one naming scheme: `role/macro_f1`, `narratives/<code>/f1` …"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from fimiscope.codebook import Codebook
from fimiscope.evaluation.judged import Bools, Floats, Judged

CALIBRATION_BINS = 10
OVERLAP = 0.3
FEWEST = 5

Metrics = dict[str, float]


def headline(judged: Judged, codebook: Codebook) -> Metrics:
    """The few figures that results tables show; absent where nothing is labelled."""
    figures: Metrics = {}
    role = judged.role_known
    if role.any():
        figures["role/macro_f1"] = role_macro_f1(judged, codebook)
    flag = judged.flag_known
    if flag.any() and judged.flag[flag].any():
        figures["flag/f1"] = _f1(judged.flag[flag], judged.flag_given[flag])
        figures["flag/pr_auc"] = float(average_precision_score(judged.flag[flag], judged.flag_probability[flag]))
    samples = narrative_samples_f1(judged)
    if samples is not None:
        figures["narratives/samples_f1"] = samples
    return figures


def all_metrics(judged: Judged, codebook: Codebook) -> Metrics:
    """Every figure, over all articles and by language (`language/<code>/…`, with at least `FEWEST` articles)."""
    figures = _metrics(judged, codebook)
    languages = np.array(judged.languages)
    for language in sorted(set(judged.languages)):
        rows = np.flatnonzero(languages == language)
        if len(rows) >= FEWEST:
            part = judged.take(rows)
            figures |= {f"language/{language}/{name}": value for name, value in headline(part, codebook).items()}
            figures[f"language/{language}/articles"] = float(len(rows))
    return figures


def _metrics(judged: Judged, codebook: Codebook) -> Metrics:
    figures = headline(judged, codebook)
    figures["articles"] = float(len(judged))
    figures["coverage"] = float(1 - judged.abstained.mean()) if len(judged) else 0.0
    figures |= _role_metrics(judged, codebook) | _flag_metrics(judged)
    for name, codes in (
        ("actors", codebook.actor_codes),
        ("narratives", codebook.narrative_codes),
        ("africa", ("africa",)),
    ):
        figures |= _set_metrics(judged, name, codes)
    top = _narrative_top(judged)
    if top is not None:
        figures["narratives/top1"] = top
    hit = evidence_hit(judged)
    if hit is not None:
        figures["evidence/hit"] = hit
    return figures


def role_macro_f1(judged: Judged, codebook: Codebook) -> float:
    """Mean F1 of the roles that occur in the gold labels."""
    gold, given = judged.role[judged.role_known], judged.role_given[judged.role_known]
    roles = range(len(codebook.role_codes))
    return float(np.mean([_f1(gold == role, given == role) for role in roles if (gold == role).any()]))


def narrative_samples_f1(judged: Judged) -> float | None:
    """Mean over the articles that have a gold narrative of the F1 between gold and given codes."""
    gold, known, given = judged.sets["narratives"]
    rows = known[:, 0] & gold.any(axis=1)
    if not rows.any():
        return None
    both = (gold & given)[rows].sum(axis=1)
    return float((2 * both / (gold[rows].sum(axis=1) + given[rows].sum(axis=1))).mean())


def evidence_hit(judged: Judged) -> float | None:
    """Share of the articles with annotated evidence whose strongest span overlaps one of its spans (character
    intersection over union of at least `OVERLAP`)."""
    rows = [row for row, gold in enumerate(judged.evidence_gold) if gold]
    if not rows:
        return None
    hits = 0
    for row in rows:
        given = judged.evidence_given[row]
        if given is not None:
            hits += any(_overlap(given, gold) >= OVERLAP for gold in judged.evidence_gold[row])
    return hits / len(rows)


def calibration_error(gold: Bools, probability: Floats) -> float:
    """Expected calibration error over bins of equal size (Naeini et al. 2015)."""
    order = np.argsort(probability, kind="stable")
    bins = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    gaps = [abs(gold[part].mean() - probability[part].mean()) * len(part) for part in bins if len(part)]
    return float(sum(gaps) / len(order))


def _f1(gold: Bools, given: Bools) -> float:
    """F1 of one class, 0 where it occurs on neither side. The bootstrap calls this thousands of times."""
    return float(2 * (gold & given).sum() / max(1, gold.sum() + given.sum()))


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return max(0, shared) / (max(one[1], other[1]) - min(one[0], other[0]))


def _role_metrics(judged: Judged, codebook: Codebook) -> Metrics:
    known = judged.role_known
    if not known.any():
        return {}
    codes = codebook.role_codes
    precision, recall, f1, support = precision_recall_fscore_support(
        judged.role[known], judged.role_given[known], labels=range(len(codes)), zero_division=0
    )
    figures = {"role/accuracy": float((judged.role[known] == judged.role_given[known]).mean())}
    for row, code in enumerate(codes):
        if support[row]:
            figures[f"role/{code}/precision"] = float(precision[row])
            figures[f"role/{code}/recall"] = float(recall[row])
            figures[f"role/{code}/f1"] = float(f1[row])
    return figures


def _flag_metrics(judged: Judged) -> Metrics:
    known = judged.flag_known
    if not known.any():
        return {}
    gold, given, probability = judged.flag[known], judged.flag_given[known], judged.flag_probability[known]
    decided = ~judged.abstained[known]
    figures = {
        "flag/share": float(gold.mean()),
        "flag/brier": float(((probability - gold) ** 2).mean()),
        "flag/calibration_error": calibration_error(gold, probability),
    }
    if gold.any():
        figures["flag/precision"] = float((gold & given).sum() / max(1, given.sum()))
        figures["flag/recall"] = float((gold & given).sum() / gold.sum())
    if gold[decided].any():
        figures["flag/f1_decided"] = _f1(gold[decided], given[decided])
    return figures


def _set_metrics(judged: Judged, name: str, codes: tuple[str, ...]) -> Metrics:
    gold, known, given = judged.sets[name]
    figures: Metrics = {}
    scores = []
    for column, code in enumerate(codes):
        rows = known[:, column]
        if gold[rows, column].any():
            scores.append(_f1(gold[rows, column], given[rows, column]))
            figures[f"{name}/{code}/f1" if name != "africa" else "africa/f1"] = scores[-1]
    if scores and name != "africa":
        figures[f"{name}/macro_f1"] = float(np.mean(scores))
    return figures


def _narrative_top(judged: Judged) -> float | None:
    """Share of the articles with a gold narrative whose likeliest code is one of them."""
    gold, known, _ = judged.sets["narratives"]
    rows = np.flatnonzero(known[:, 0] & gold.any(axis=1))
    if not len(rows):
        return None
    likeliest: npt.NDArray[np.int64] = judged.narrative_probability[rows].argmax(axis=1)
    return float(gold[rows, likeliest].mean())
