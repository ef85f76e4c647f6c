"""Fitting the lexical model: TF-IDF and linear heads on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.ngrams import LexicalModel, Ngrams
from fimiscope.codebook import Head
from fimiscope.config import LexicalConfig
from fimiscope.progress import Progress
from fimiscope.training.linear import fit_linear
from fimiscope.training.targets import Targets

Floats = npt.NDArray[np.float32]


def fit_lexical(
    texts: Sequence[str], targets: Targets, heads: tuple[Head, ...], config: LexicalConfig, *, progress: Progress
) -> LexicalModel:
    """Fit on cleaned texts. A label that never occurs in training gets a constant low logit.

    IDF and weights are rounded to half precision, in which bundles keep them.
    """
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    ngrams = Ngrams(config.words, config.characters, config.buckets)
    counted = []
    for number, text in enumerate(texts, start=1):
        counted.append(ngrams.count(text))
        progress("n-grams", number, len(texts))
    documents = np.bincount(np.concatenate([buckets for buckets, _ in counted]), minlength=config.buckets)
    seen = np.flatnonzero(documents).astype(np.int64)
    idf = _rounded(np.log((1 + len(texts)) / (1 + documents[seen])) + 1)
    width = targets.values.shape[1]
    empty = LexicalModel(
        ngrams=ngrams,
        buckets=seen,
        idf=idf,
        unseen_idf=float(np.log(1 + len(texts)) + 1),
        weights=np.zeros((len(seen), width), dtype=np.float32),
        bias=np.zeros(width, dtype=np.float32),
    )
    features = [empty.features(text) for text in texts]
    table = csr_matrix(
        (
            np.concatenate([values for _, values in features]),
            np.concatenate([rows for rows, _ in features]),
            np.concatenate([[0], np.cumsum([len(rows) for rows, _ in features])]),
        ),
        shape=(len(texts), len(seen)),
    )
    weights, bias = fit_linear(table, targets, heads, config.strength, progress=progress)
    return LexicalModel(empty.ngrams, empty.buckets, empty.idf, empty.unseen_idf, _rounded(weights), bias)


def _rounded(values: npt.NDArray[np.floating[Any]]) -> Floats:
    return values.astype(np.float16).astype(np.float32)
