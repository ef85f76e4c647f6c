"""One loss for four heads and the flag, in which unlabelled heads weigh nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import Head
from fimiscope.training.targets import Targets

MOST_WEIGHT = 6.0


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much rare labels and the evidence words weigh.

    Attributes:
        positive: weight of each label where it is present, shape (labels,).
        evidence: weight of the loss on evidence words beside the heads' losses.
    """

    positive: Tensor
    evidence: float


def balanced_weights(targets: Targets, heads: tuple[Head, ...], evidence: float) -> LossWeights:
    """Square roots of inverse frequencies, at most `MOST_WEIGHT`: rare labels count more, without drowning the rest."""
    share = (targets.values * targets.known).sum(axis=0) / np.maximum(targets.known.sum(axis=0), 1)
    positive = np.ones_like(share)
    slices = head_slices(heads)
    for head in heads:
        part = slices[head.name]
        rest = 1 / len(head.labels) if head.kind == "softmax" else 1 - share[part]
        positive[part] = np.sqrt(rest / np.maximum(share[part], 1e-6)).clip(1 / MOST_WEIGHT, MOST_WEIGHT)
    return LossWeights(torch.from_numpy(positive.astype(np.float32)), evidence)


def article_loss(
    logits: Tensor, values: Tensor, known: Tensor, weight: Tensor, heads: tuple[Head, ...], weights: LossWeights
) -> Tensor:
    """Sum over heads of the weighted mean loss: cross-entropy for softmax heads, binary cross-entropy for the others.

    Shapes as in `ArticleClassifier.forward`. Masked entries contribute neither loss nor gradient.
    """
    positive = weights.positive.to(logits.device)
    total = logits.sum() * 0
    slices = head_slices(heads)
    for head in heads:
        part = slices[head.name]
        if head.kind == "softmax":
            scores = -(functional.log_softmax(logits[:, part], dim=-1) * values[:, part] * positive[part]).sum(-1)
            here = weight * known[:, part.start]
        else:
            each = functional.binary_cross_entropy_with_logits(
                logits[:, part], values[:, part], pos_weight=positive[part], reduction="none"
            )
            scores = each.mean(-1)
            here = weight * known[:, part].amin(-1)
        total = total + torch.where(here > 0, scores * here, 0).sum() / here.sum().clamp(min=1e-6)
    return total


def evidence_loss(logits: Tensor, gold: Tensor, article: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy on tokens, averaged within each article and then over articles.

    Args:
        logits, gold: shape (tokens,); NaN in `gold` means that nothing is known.
        article: index of each token's article, shape (tokens,).
        weight: of each article, shape (articles,).
    """
    known = ~torch.isnan(gold)
    if not bool(known.any()):
        return logits.sum() * 0
    each = functional.binary_cross_entropy_with_logits(logits[known], gold[known], reduction="none")
    of = article[known]
    sums = weight.new_zeros(len(weight)).index_add(0, of, each)
    counts = weight.new_zeros(len(weight)).index_add(0, of, torch.ones_like(each))
    here = weight * (counts > 0)
    return (sums / counts.clamp(min=1) * here).sum() / here.sum().clamp(min=1e-6)
