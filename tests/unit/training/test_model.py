"""The network: it pools as predicting does in numpy, and its heads learn from their own labels alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from fimiscope.bundle.pooling import TokenScores, pool
from fimiscope.codebook import Head
from fimiscope.training.encoders import resolve
from fimiscope.training.loss import LossWeights
from fimiscope.training.model import (
    ArticleClassifier,
    LowerLayers,
    TokenHeads,
    UpperLayers,
    WholeEncoder,
    can_split,
    layer_count,
    pool_articles,
)

HEADS = (Head("role", "softmax", ("a", "b")), Head("flag", "sigmoid", ("flag",)))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(0, 10_000), st.floats(0.1, 60))
def test_torch_pools_as_numpy_does(lengths: list[int], seed: int, spread: float) -> None:
    random = np.random.default_rng(seed)
    articles = [
        TokenScores(
            (random.normal(size=n) * spread).astype(np.float32),
            random.normal(size=(n, 4)).astype(np.float32),
            random.normal(size=(n, 4)).astype(np.float32),
        )
        for n in lengths
    ]
    of = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))
    order = torch.randperm(len(of), generator=torch.Generator().manual_seed(seed))
    joined = [
        torch.from_numpy(np.concatenate([getattr(article, name) for article in articles]))[order]
        for name in ("evidence", "average", "attended")
    ]
    pooled = pool_articles(*joined, of[order], len(lengths))
    np.testing.assert_allclose(pooled.numpy(), [pool(article) for article in articles], atol=2e-5)


def test_far_evidence_has_finite_gradients() -> None:
    evidence = torch.tensor([400.0, -400.0, 0.0], requires_grad=True)
    values = torch.ones(3, 2, requires_grad=True)
    pool_articles(evidence, values, values, torch.tensor([0, 0, 1]), 2).sum().backward()
    assert evidence.grad is not None
    assert torch.isfinite(evidence.grad).all()


class Passing(nn.Module):
    """States as they come."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return states


def batch(known: list[list[float]]) -> dict[str, Tensor]:
    """Two articles of two windows and one, four states wide."""
    generator = torch.Generator().manual_seed(5)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]])
    owned = torch.tensor([[False, True, True, False], [False, True, False, False], [False, True, False, False]])
    return {
        "row": torch.tensor([7, 3]),
        "inputs": torch.randn(3, 4, 4, generator=generator),
        "mask": mask,
        "owned": owned,
        "article": torch.tensor([0, 0, 1]),
        "evidence": torch.full((3, 4), float("nan")),
        "values": torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
        "known": torch.tensor(known),
        "weight": torch.ones(2),
    }


def classifier() -> ArticleClassifier:
    torch.manual_seed(1)
    return ArticleClassifier(Passing(), 4, HEADS, LossWeights(torch.ones(3), 0.5), dropout=0.0)


def test_a_masked_head_learns_nothing() -> None:
    network = classifier()
    network(**batch([[1, 1, 0], [1, 1, 0]]))["loss"].backward()
    heads = network.heads
    assert heads.attended.weight.grad is not None and heads.average.weight.grad is not None
    assert heads.attended.weight.grad[:2].abs().sum() > 0
    assert heads.attended.weight.grad[2].abs().sum() == 0
    assert heads.average.weight.grad.abs().sum() == 0
    assert heads.attended.bias.grad is not None
    assert heads.attended.bias.grad[2] == 0


def test_the_role_rests_on_the_words_in_evidence_alone() -> None:
    heads = classifier().heads
    _, average, attended = heads(torch.randn(50, 4, generator=torch.Generator().manual_seed(2)))
    assert average[:, :2].abs().sum() == 0
    assert average[:, 2].abs().sum() > 0
    assert attended.abs().sum(dim=0).min() > 0


def test_an_article_without_labels_moves_nothing() -> None:
    network = classifier()
    network(**batch([[0, 0, 0], [0, 0, 0]]))["loss"].backward()
    assert all(p.grad is None or p.grad.abs().sum() == 0 for p in network.parameters())


def test_only_owned_tokens_count() -> None:
    network = classifier().eval()
    given_ = batch([[1, 1, 1], [1, 1, 1]])
    before = network(**given_)
    changed = given_ | {"inputs": torch.where(given_["owned"][..., None], given_["inputs"], torch.tensor(9.0))}
    after = network(**changed)
    assert torch.equal(before["logits"], after["logits"])
    assert torch.equal(before["loss"], after["loss"])
    assert before["row"].tolist() == [7, 3]


def test_padding_and_company_do_not_change_an_article() -> None:
    network = classifier().eval()
    given_ = batch([[1, 1, 1], [1, 1, 1]])
    together = network(**given_)["logits"]
    alone = network(
        **{name: given_[name][2:, :2] for name in ("mask", "owned", "evidence")},
        inputs=given_["inputs"][2:, :2],
        article=torch.tensor([0]),
        **{name: given_[name][1:] for name in ("row", "values", "known", "weight")},
    )["logits"]
    torch.testing.assert_close(alone[0], together[1])


def test_standardised_states_are_centred_and_scaled() -> None:
    heads = TokenHeads(3, HEADS)
    states = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * 4 + 10
    plain = heads(states)
    heads.centre.copy_(states.mean(dim=0))
    heads.token_scale.copy_(states.std(dim=0))
    expected = ((states - states.mean(dim=0)) / states.std(dim=0)) @ heads.attended.weight.T
    torch.testing.assert_close(heads(states)[2], expected)
    assert not torch.allclose(plain[2], expected)


@pytest.mark.parametrize("lower", [0, 1, 2])
def test_lower_and_upper_layers_make_up_the_whole(lower: int) -> None:
    model = resolve("tiny").model().eval()
    assert can_split(model)
    assert layer_count(model) == 2
    ids = torch.randint(5, 300, (3, 12), generator=torch.Generator().manual_seed(2))
    mask = torch.ones_like(ids)
    mask[1, 7:] = mask[2, 3:] = 0
    with torch.inference_mode():
        whole = WholeEncoder(model)(ids, mask)
        parts = UpperLayers(model, lower)(LowerLayers(model, lower)(ids, mask), mask)
    torch.testing.assert_close(parts[mask > 0], whole[mask > 0], atol=1e-5, rtol=1e-5)
