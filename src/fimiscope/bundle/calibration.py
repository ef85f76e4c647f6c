"""From logits to calibrated probabilities: one small affine map a head, pooled and by language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.codebook import Head

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Affine:
    """`scale * logits + bias`, each of shape (labels,). Within a softmax head all scales are one temperature."""

    scale: Floats
    bias: Floats

    @classmethod
    def identity(cls, labels: int) -> Affine:
        return cls(np.ones(labels), np.zeros(labels))

    def __call__(self, logits: npt.NDArray[Any]) -> Floats:
        return np.asarray(logits, dtype=np.float64) * self.scale + self.bias


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Fitted on articles that were never trained on.

    Attributes:
        pooled: map for all languages together.
        languages: maps of the languages with enough validation articles, each drawn towards `pooled`.
    """

    pooled: Affine
    languages: dict[str, Affine]

    def __call__(self, logits: npt.NDArray[Any], language: str | None = None) -> Floats:
        """Calibrated logits of the same shape (…, labels)."""
        return self.languages.get(language or "", self.pooled)(logits)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Calibrator:
        def affine(values: dict[str, list[float]]) -> Affine:
            return Affine(np.array(values["scale"]), np.array(values["bias"]))

        return cls(affine(document["pooled"]), {name: affine(v) for name, v in document["languages"].items()})

    def to_dict(self) -> dict[str, Any]:
        def values(affine: Affine) -> dict[str, list[float]]:
            return {"scale": affine.scale.tolist(), "bias": affine.bias.tolist()}

        return {"pooled": values(self.pooled), "languages": {name: values(a) for name, a in self.languages.items()}}


def head_slices(heads: Sequence[Head]) -> dict[str, slice]:
    """Where each head's logits stand in the vector of all labels."""
    slices, start = {}, 0
    for head in heads:
        slices[head.name] = slice(start, start + len(head.labels))
        start += len(head.labels)
    return slices


def probabilities(logits: npt.NDArray[Any], heads: Sequence[Head]) -> Floats:
    """Softmax or sigmoid by head; shape (…, labels) as given."""
    values = np.asarray(logits, dtype=np.float64)
    result = np.empty_like(values)
    slices = head_slices(heads)
    for head in heads:
        part = values[..., slices[head.name]]
        if head.kind == "softmax":
            powers = np.exp(part - part.max(axis=-1, keepdims=True))
            result[..., slices[head.name]] = powers / powers.sum(axis=-1, keepdims=True)
        else:
            result[..., slices[head.name]] = 0.5 * (1 + np.tanh(part / 2))
    return result


def blend(components: Sequence[Floats], heads: Sequence[Head]) -> Floats:
    """Mean of the calibrated logits of several models, each of shape (…, labels).

    Softmax heads are brought to log-probabilities first, because their logits have no common zero.
    """
    slices = head_slices(heads)
    levelled = []
    for component in components:
        values = np.array(component, dtype=np.float64)
        for head in heads:
            if head.kind == "softmax":
                part = values[..., slices[head.name]]
                values[..., slices[head.name]] = part - np.logaddexp.reduce(part, axis=-1, keepdims=True)
        levelled.append(values)
    return np.asarray(np.mean(levelled, axis=0))
