"""Fitting calibrators and thresholds on the validation part, which no model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.calibration import Affine, Calibrator, head_slices, probabilities
from fimiscope.bundle.decisions import PROFILES, Decisions, log_odds
from fimiscope.codebook import Codebook, Head
from fimiscope.config import DecisionConfig
from fimiscope.corpus import Example
from fimiscope.training.targets import Targets, targets_of

Floats = npt.NDArray[np.float64]
PULL = 2.0
LANGUAGE_PULL = 20.0
LANGUAGE_ARTICLES = 60
LANGUAGE_FLAGGED = 8
NAMES_MOSTLY = 0.5
PLAIN = (0.5, 0.3, 0.7)
"""Thresholds of the profiles where all validation articles are flagged, or none."""


def at_base_rate(targets: Targets, heads: tuple[Head, ...], base_rate: float | None) -> Targets:
    """Validation labels with weights under which flagged articles make up the share `base_rate`.

    A validation part made of contrast families is mostly flagged articles, a news stream is not: probabilities and
    thresholds fitted to the one are wrong for the other (prior shift: Saerens, Latinne and Decaestecker 2002).
    """
    flag = head_slices(heads)["flag"].start
    known, flagged = targets.known[:, flag] > 0, targets.values[:, flag] > 0
    weight = np.ones(len(known), dtype=np.float32)
    share = float(flagged[known].mean()) if known.any() else 0.0
    if base_rate is not None and 0 < share < 1:
        weight[known] = np.where(flagged[known], base_rate / share, (1 - base_rate) / (1 - share))
    return Targets(targets.values, targets.known, weight)


def fit_scorer(
    logits: Floats,
    train: Sequence[Example],
    valid: Sequence[Example],
    languages: Sequence[str | None],
    codebook: Codebook,
    config: DecisionConfig,
) -> tuple[Calibrator, Decisions]:
    """Calibrator and thresholds of one scorer.

    Args:
        logits: raw, of the validation articles, shape (articles, labels); NaN where the scorer does not judge a label.
        languages: of the validation articles, as predicting identifies them.
    """
    heads, learned = codebook.heads(), targets_of(train, codebook)
    gold = at_base_rate(targets_of(valid, codebook), heads, config.base_rate)
    gold = replace(gold, known=gold.known * ~np.isnan(logits))
    calibrator = fit_calibrator(logits, gold, languages, heads)
    calibrated = np.array([calibrator(row, language) for row, language in zip(logits, languages, strict=True)])
    trained = [example.article.language for example in train if example.article.language]
    return calibrator, fit_decisions(calibrated, gold, learned, trained, codebook, config)


def fit_calibrator(
    logits: Floats, targets: Targets, languages: Sequence[str | None], heads: tuple[Head, ...]
) -> Calibrator:
    """Platt's scaling by label (Platt 1999), temperature and bias for softmax heads (Guo et al. 2017).

    A quadratic pull keeps the map near the identity, and each language's map near the pooled one, as far as the
    articles do not say otherwise. Languages with few articles have no map of their own.
    """
    width = logits.shape[1]
    pooled = _fit_heads(logits, targets, heads, Affine.identity(width), PULL)
    own: dict[str, Affine] = {}
    flag = head_slices(heads)["flag"].start
    names = np.array([language or "" for language in languages])
    for language in sorted(set(names) - {""}):
        here = names == language
        if here.sum() >= LANGUAGE_ARTICLES and (targets.values * targets.known)[here, flag].sum() >= LANGUAGE_FLAGGED:
            part = Targets(targets.values[here], targets.known[here], targets.weight[here])
            own[str(language)] = _fit_heads(logits[here], part, heads, pooled, LANGUAGE_PULL)
    return Calibrator(pooled, own)


def _fit_heads(logits: Floats, targets: Targets, heads: tuple[Head, ...], prior: Affine, pull: float) -> Affine:
    scale, bias = prior.scale.copy(), prior.bias.copy()
    slices = head_slices(heads)
    for head in heads:
        part = slices[head.name]
        if head.kind == "softmax":
            groups = [part]
        else:
            groups = [slice(label, label + 1) for label in range(part.start, part.stop)]
        for group in groups:
            known = targets.known[:, group.start] > 0
            if known.any():
                scale[group], bias[group] = _fit_group(
                    logits[known, group],
                    targets.values[known, group],
                    targets.weight[known],
                    prior.scale[group],
                    prior.bias[group],
                    pull,
                )
    return Affine(scale, bias)


def _fit_group(
    logits: Floats,
    gold: npt.NDArray[np.float32],
    weight: npt.NDArray[np.float32],
    scale: Floats,
    bias: Floats,
    pull: float,
) -> tuple[Floats, Floats]:
    """Log of one scale, and a bias for every label of the group, by penalised likelihood."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    start = np.r_[np.log(scale[0]), bias]

    def loss(values: Floats) -> float:
        mapped = np.exp(values[0]) * logits + values[1:]
        if logits.shape[1] > 1:
            fit = -(gold * (mapped - np.logaddexp.reduce(mapped, axis=1, keepdims=True))).sum(axis=1) @ weight
        else:
            fit = (np.logaddexp(0, mapped) - gold * mapped)[:, 0] @ weight
        return float(fit + pull * ((values[0] - start[0]) ** 2 + 0.25 * ((values[1:] - start[1:]) ** 2).sum()))

    found = minimize(loss, start, method="L-BFGS-B", bounds=[(start[0] - 3, start[0] + 3)] + [(None, None)] * len(bias))
    return np.full(len(bias), np.exp(found.x[0])), np.asarray(found.x[1:])


def fit_decisions(
    logits: Floats,
    targets: Targets,
    train: Targets,
    languages: Sequence[str],
    codebook: Codebook,
    config: DecisionConfig,
) -> Decisions:
    """Thresholds from calibrated validation logits, shape (articles, labels).

    `languages` are those of the training part, `train` its labels.
    """
    heads = codebook.heads()
    slices = head_slices(heads)
    scores = probabilities(logits, heads)
    known = targets.known[:, slices["flag"].start] > 0
    flag, gold = scores[known, slices["flag"].start], targets.values[known, slices["flag"].start] > 0
    weight = targets.weight[known]
    one_kind = not gold.any() or gold.all()
    cuts = PLAIN if one_kind else _flag_thresholds(flag, weight, config)
    thresholds: dict[str, float] = {profile: round(cut, 6) for profile, cut in zip(PROFILES, cuts, strict=True)}
    distances = np.abs([log_odds(p) - log_odds(thresholds["balanced"]) for p in flag])
    band = float(np.quantile(distances, config.abstain_share)) if config.abstain_share and len(distances) else 0.0
    return Decisions(
        flag=thresholds,
        narrative=_narrative_threshold(scores, targets, codebook),
        band=band,
        languages=tuple(sorted(set(languages))),
        naming_roles=_naming_roles(train, codebook),
    )


def _flag_thresholds(
    flag: Floats, weight: npt.NDArray[np.float32], config: DecisionConfig
) -> tuple[float, float, float]:
    """Balanced: best F1. High recall: the highest threshold that reaches the recall. High precision: the lowest that
    reaches the precision. Halves between neighbouring scores.

    F1, recall and precision are those that the calibrated probabilities promise, not those of the few flagged articles
    that a validation part has: the best threshold for F1 is then half of that F1 (Lipton, Elkan and Naryanaswamy,
    "Optimal thresholding of classifiers to maximize F1 measure", 2014), and moves little from part to part.
    """
    order = np.argsort(-flag, kind="stable")
    ranked = flag[order]
    last = np.r_[ranked[1:] != ranked[:-1], True]
    hits = np.cumsum(ranked * weight[order])[last]
    chosen = np.cumsum(weight[order])[last]
    levels = ranked[last]
    cuts = (levels + np.r_[levels[1:], 0.0]) / 2
    precision, recall = hits / chosen, hits / hits[-1]
    balanced = int(np.argmax(hits / (chosen + hits[-1])))
    sensitive = int(np.argmax(recall >= config.high_recall))
    reaching = np.flatnonzero(precision >= config.high_precision)
    strict = int(reaching[-1]) if len(reaching) else 0
    return float(cuts[balanced]), float(min(cuts[sensitive], cuts[balanced])), float(max(cuts[strict], cuts[balanced]))


def _narrative_threshold(scores: Floats, targets: Targets, codebook: Codebook) -> float:
    """The one threshold with the best samples-F1 on validation texts that have a flagging role."""
    slices = head_slices(codebook.heads())
    roles = slices["role"]
    flagging = [roles.start + codebook.role_codes.index(code) for code in codebook.flagging_roles]
    part = slices["narratives"]
    here = (targets.values[:, flagging].sum(axis=1) > 0) & (targets.known[:, part.start] > 0)
    if not here.any():
        return 0.5
    gold, predicted = targets.values[here, part] > 0, scores[here, part]
    grid = np.arange(0.15, 0.7, 0.05)
    return float(round(grid[int(np.argmax([samples_f1(gold, predicted >= level) for level in grid]))], 2))


def samples_f1(gold: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> float:
    """Mean over texts of the F1 between two sets of codes; two empty sets agree fully. Shapes (texts, codes)."""
    both, sizes = (gold & predicted).sum(axis=1), gold.sum(axis=1) + predicted.sum(axis=1)
    return float(np.where(sizes > 0, 2 * both / np.maximum(sizes, 1), 1.0).mean())


def _naming_roles(train: Targets, codebook: Codebook) -> tuple[str, ...]:
    slices = head_slices(codebook.heads())
    named = train.values[:, slices["narratives"]].sum(axis=1) > 0
    known = train.known[:, slices["narratives"].start] > 0
    roles = []
    for code in codebook.flagging_roles:
        here = known & (train.values[:, slices["role"].start + codebook.role_codes.index(code)] > 0)
        if here.any() and named[here].mean() > NAMES_MOSTLY:
            roles.append(code)
    return tuple(roles)
