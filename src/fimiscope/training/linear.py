"""Linear heads on fixed features: one logistic regression a head or label, by scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import Head
from fimiscope.progress import Progress
from fimiscope.training.targets import Targets

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float32]
ABSENT = -10.0


def fit_linear(
    features: csr_matrix | Floats, targets: Targets, heads: tuple[Head, ...], strength: float, *, progress: Progress
) -> tuple[Floats, Floats]:
    """Weights (features, labels) and bias (labels,) from features of shape (articles, features).

    A label that never occurs in training gets a constant low logit. `strength` is the inverse of the regularisation.
    """
    width = targets.values.shape[1]
    weights = np.zeros((features.shape[1], width), dtype=np.float32)
    bias = np.full(width, ABSENT, dtype=np.float32)
    slices = head_slices(heads)
    for head in heads:
        part = slices[head.name]
        known = targets.known[:, part.start] > 0
        rows, gold, weight = features[known], targets.values[known], targets.weight[known]
        if head.kind == "softmax":
            weights[:, part], bias[part] = _fit_choice(rows, gold[:, part], weight, strength)
        else:
            for label in range(part.start, part.stop):
                weights[:, label], bias[label] = _fit_label(rows, gold[:, label] > 0, weight, strength)
                progress("logistic regressions", label + 1, width)
    return weights, bias


def _fit_choice(rows: csr_matrix | Floats, gold: Floats, weight: Floats, strength: float) -> tuple[Floats, Floats]:
    """One multinomial regression for a softmax head: weights (features, labels) and bias (labels,)."""
    labels = gold.shape[1]
    weights, bias = np.zeros((rows.shape[1], labels), dtype=np.float32), np.full(labels, ABSENT, dtype=np.float32)
    chosen = gold.argmax(axis=1)
    if len(np.unique(chosen)) < 2:
        bias[chosen[:1]] = 0
        return weights, bias
    model = _regression(strength).fit(rows, chosen, sample_weight=weight)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.r_[-intercepts, intercepts] / 2
    weights[:, model.classes_] = coefficients.T
    bias[model.classes_] = intercepts
    return weights, bias


def _fit_label(
    rows: csr_matrix | Floats, present: npt.NDArray[np.bool_], weight: Floats, strength: float
) -> tuple[Floats | float, float]:
    """One binary regression for a label of a sigmoid head: weights (features,) and bias."""
    if present.all() or not present.any():
        return 0.0, -ABSENT if len(present) and present.all() else ABSENT
    model = _regression(strength).fit(rows, present, sample_weight=weight)
    return model.coef_[0], float(model.intercept_[0])


def _regression(strength: float) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
