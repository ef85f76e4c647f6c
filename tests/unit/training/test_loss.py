"""The loss at hand-computed values, and what weighs nothing in it."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.codebook import Head
from fimiscope.training.loss import MOST_WEIGHT, LossWeights, article_loss, balanced_weights, evidence_loss
from fimiscope.training.targets import Targets

HEADS = (Head("role", "softmax", ("a", "b", "c")), Head("flag", "sigmoid", ("x", "y")))
EQUAL = LossWeights(torch.ones(5), 1.0)


def loss(
    logits: list[list[float]],
    values: list[list[float]],
    *,
    known: list[list[float]] | None = None,
    weight: list[float] | None = None,
    positive: list[float] | None = None,
) -> float:
    rows = len(logits)
    return float(
        article_loss(
            torch.tensor(logits).float(),
            torch.tensor(values).float(),
            torch.ones(rows, 5) if known is None else torch.tensor(known).float(),
            torch.ones(rows) if weight is None else torch.tensor(weight).float(),
            HEADS,
            EQUAL if positive is None else LossWeights(torch.tensor(positive).float(), 1.0),
        )
    )


def test_one_article_by_hand() -> None:
    # Cross-entropy of 2 of (2 + 1 + 1), and the mean of two binary cross-entropies at odds of 3 and 1.
    given_ = loss([[log(2), 0, 0, log(3), 0]], [[1, 0, 0, 1, 0]])
    assert given_ == pytest.approx(log(2) + (log(4 / 3) + log(2)) / 2)


def test_articles_weigh_by_their_weight() -> None:
    logits = [[log(2), 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    values = [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert loss(logits, values, weight=[1, 0.5]) == pytest.approx((log(2) + 0.5 * log(3)) / 1.5 + log(2))


def test_rare_labels_weigh_more_where_they_are_present() -> None:
    flat = [[0.0] * 5]
    assert loss(flat, [[0, 1, 0, 1, 0]], positive=[1, 4, 1, 2, 9]) == pytest.approx(4 * log(3) + (2 + 1) * log(2) / 2)


def test_an_unlabelled_head_adds_nothing() -> None:
    logits = [[log(2), 0, 0, 5, -5], [1, 2, 3, 0, 0]]
    values = [[1, 0, 0, 1, 1], [1, 0, 0, 0, 0]]
    known = [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]]
    # The first article decides the role alone, the second the flag alone.
    assert loss(logits, values, known=known) == pytest.approx(log(2) + log(2))


def test_nothing_labelled_no_loss() -> None:
    assert loss([[1, 2, 3, 4, 5]], [[1, 0, 0, 1, 1]], known=[[0] * 5]) == 0


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_masked_heads_give_no_gradient(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(6, 5, generator=generator, requires_grad=True)
    values = (torch.rand(6, 5, generator=generator) < 0.5).float()
    labelled = torch.rand(6, 2, generator=generator) < 0.5
    known = labelled.float().repeat_interleave(torch.tensor([3, 2]), dim=1)
    article_loss(logits, values, known, torch.ones(6), HEADS, EQUAL).backward()
    assert logits.grad is not None
    assert (logits.grad[known == 0] == 0).all()
    assert (logits.grad[:, 3:][known[:, 3:] > 0] != 0).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.permutations(range(3)))
def test_the_order_of_labels_and_articles_changes_nothing(seed: int, order: list[int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(4, 5, generator=generator)
    values = torch.zeros(4, 5)
    values[torch.arange(4), torch.randint(0, 3, (4,), generator=generator)] = 1
    positive = torch.rand(5, generator=generator) + 0.5
    columns = [*order, 3, 4]
    rows = torch.randperm(4, generator=generator)
    one = article_loss(logits, values, torch.ones(4, 5), torch.ones(4), HEADS, LossWeights(positive, 1))
    other = article_loss(
        logits[rows][:, columns],
        values[rows][:, columns],
        torch.ones(4, 5),
        torch.ones(4),
        HEADS,
        LossWeights(positive[columns], 1),
    )
    assert float(one) == pytest.approx(float(other), rel=1e-5)


def test_evidence_by_hand() -> None:
    logits = torch.tensor([0.0, log(3), 7.0, -log(3)])
    gold = torch.tensor([1.0, 1.0, float("nan"), 0.0])
    article = torch.tensor([0, 0, 1, 1])
    # Means within the articles, then over them: (log 2 + log 4/3) / 2 and log 4/3, the second at weight 0.5.
    expected = ((log(2) + log(4 / 3)) / 2 + 0.5 * log(4 / 3)) / 1.5
    assert float(evidence_loss(logits, gold, article, torch.tensor([1.0, 0.5]))) == pytest.approx(expected)


def test_an_article_without_evidence_does_not_count_and_has_no_gradient() -> None:
    logits = torch.tensor([0.0, 3.0], requires_grad=True)
    gold = torch.tensor([1.0, float("nan")])
    value = evidence_loss(logits, gold, torch.tensor([0, 1]), torch.ones(2))
    value.backward()
    assert value.item() == pytest.approx(log(2))
    assert logits.grad is not None
    assert logits.grad[1] == 0


def test_no_evidence_at_all_is_no_loss() -> None:
    logits = torch.tensor([1.0, 3.0], requires_grad=True)
    value = evidence_loss(logits, torch.full((2,), float("nan")), torch.tensor([0, 1]), torch.ones(2))
    value.backward()
    assert value.item() == 0
    assert logits.grad is not None
    assert logits.grad.tolist() == [0, 0]


def test_weights_are_square_roots_of_inverse_shares_within_bounds() -> None:
    values = np.zeros((12, 5), dtype=np.float32)
    values[:9, 0] = values[9:, 1] = 1
    values[:3, 3] = 1
    known = np.ones_like(values)
    known[6:, 3:] = 0
    weights = balanced_weights(Targets(values, known, np.ones(12, np.float32)), HEADS, 0.25)
    assert weights.evidence == 0.25
    expected = [sqrt(1 / 3 / 0.75), sqrt(1 / 3 / 0.25), MOST_WEIGHT, 1.0, MOST_WEIGHT]
    assert weights.positive.tolist() == pytest.approx(expected)
