"""How unlike texts are to those that people have labelled, by hashed words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fimiscope.errors import MissingExtra

_BUCKETS = 2**18
_AT_ONCE = 256


def vectors(texts: Sequence[str]) -> Any:
    """TF-IDF of hashed words and pairs of words as a sparse table, shape (texts, buckets), rows of length 1.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    except ModuleNotFoundError as error:
        raise MissingExtra("scikit-learn", "review") from error
    counted = HashingVectorizer(
        ngram_range=(1, 2), n_features=_BUCKETS, alternate_sign=False, norm=None, token_pattern=r"\w+"
    ).transform(texts)
    return TfidfTransformer(sublinear_tf=True).fit_transform(counted)


def farthest_first(table: Any, known: Sequence[int], candidates: Sequence[int], count: int) -> list[tuple[int, float]]:
    """Choose `count` candidates, each the least like those known and those chosen before it.

    The greedy choice for the k-center problem (Gonzalez 1985), which active learning knows as the core-set choice
    (Sener and Savarese 2018).

    Args:
        table: what `vectors` gives.
        known: row numbers of texts that need not be chosen.
        candidates: row numbers to choose from; of equal ones the first is taken.

    Returns:
        Row number of each chosen text, and its cosine similarity (0 to 1) to the nearest text before it.
    """
    left = list(candidates)
    rows = table[left]
    nearest = np.zeros(len(left))
    for start in range(0, len(known), _AT_ONCE):
        nearest = np.maximum(nearest, _similarity(rows, table[list(known[start : start + _AT_ONCE])]))
    chosen: list[tuple[int, float]] = []
    for _ in range(min(count, len(left))):
        place = int(np.argmin(nearest))
        chosen.append((left[place], float(nearest[place])))
        nearest = np.maximum(nearest, _similarity(rows, table[[left[place]]]))
        nearest[place] = np.inf
    return chosen


def _similarity(rows: Any, others: Any) -> Any:
    """Of each row to the nearest of the others, shape (rows,)."""
    return (rows @ others.T).max(axis=1).toarray().ravel()
