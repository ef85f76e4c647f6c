"""Attention pooling at hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest

from fimiscope.bundle.pooling import TokenScores, attention, pool


def scores(evidence: list[float], average: list[list[float]], attended: list[list[float]]) -> TokenScores:
    return TokenScores(*(np.array(values, dtype=np.float32) for values in (evidence, average, attended)))


def test_pooling_is_the_mean_plus_the_attended_mean() -> None:
    # Weights 0.25 and 0.75: their odds are 3.
    tokens = scores([0.0, float(np.log(3))], [[1, 0], [3, 2]], [[4, 8], [0, -4]])
    np.testing.assert_allclose(attention(tokens.evidence), [0.25, 0.75], atol=1e-6)
    np.testing.assert_allclose(pool(tokens), [2 + 1, 1 + 2 - 3], atol=1e-5)


def test_equal_evidence_is_a_plain_mean() -> None:
    tokens = scores([5, 5, 5], [[0], [0], [0]], [[1], [2], [6]])
    assert pool(tokens).tolist() == pytest.approx([3])


def test_far_evidence_takes_all_the_attention_without_overflow() -> None:
    weights = attention(np.array([1000.0, -1000.0], dtype=np.float32))
    assert weights.tolist() == [1, 0]


def test_an_article_without_tokens_scores_zero() -> None:
    empty = TokenScores(*(np.zeros(shape, dtype=np.float32) for shape in (0, (0, 3), (0, 3))))
    assert pool(empty).tolist() == [0, 0, 0]
