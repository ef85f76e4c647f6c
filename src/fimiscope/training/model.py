"""The network: an encoder, and linear heads over its token states."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from fimiscope.codebook import Head
from fimiscope.errors import ConfigError
from fimiscope.training.loss import LossWeights, article_loss, evidence_loss

DROPOUT = 0.1


class LowerLayers(nn.Module):
    """Embeddings and the lower layers of a BERT-like encoder: token ids to states."""

    def __init__(self, model: PreTrainedModel, layers: int) -> None:
        super().__init__()
        parts: Any = model
        self.embeddings: nn.Module = parts.embeddings
        self.layers = nn.ModuleList(parts.encoder.layer[:layers])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """States of shape (windows, tokens, hidden) from ids and mask of shape (windows, tokens)."""
        states: Tensor = self.embeddings(input_ids=ids)
        return _through(self.layers, states, mask)


class UpperLayers(nn.Module):
    """The remaining layers: states to states."""

    def __init__(self, model: PreTrainedModel, skip: int) -> None:
        super().__init__()
        parts: Any = model
        self.layers = nn.ModuleList(parts.encoder.layer[skip:])

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """States of shape (windows, tokens, hidden) from the lower layers' states."""
        return _through(self.layers, states, mask)


class Passed(nn.Module):
    """No layer at all: the states are final already."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """The states as given."""
        return states


class WholeEncoder(nn.Module):
    """Any transformers encoder: token ids to its last states."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """States of shape (windows, tokens, hidden)."""
        states: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states


def _through(layers: nn.ModuleList, states: Tensor, mask: Tensor) -> Tensor:
    attended = (mask > 0)[:, None, None, :]
    for layer in layers:
        states = layer(states, attended)
    return states


def can_split(model: PreTrainedModel) -> bool:
    """Whether lower and upper layers can be run apart, so that frozen states can be cached."""
    return hasattr(model, "embeddings") and hasattr(getattr(model, "encoder", None), "layer")


def layer_count(model: PreTrainedModel) -> int:
    """Number of transformer layers."""
    return int(model.config.num_hidden_layers)


def lowest_layers(model: PreTrainedModel, count: int | None, reference: str) -> PreTrainedModel:
    """The encoder without the layers above the lowest `count`.

    The upper layers of encoders trained for similarity keep what a text is about and drop how it is told.

    Raises:
        ConfigError: the encoder has fewer layers, or is of a kind that cannot be shortened.
    """
    if count is None or count == layer_count(model):
        return model
    if count > layer_count(model):
        raise ConfigError(f"encoder_layers: {reference} has {layer_count(model)} layers")
    if not can_split(model):
        raise ConfigError(f"encoder_layers: {reference} is of a kind that cannot be shortened: leave the key out")
    parts: Any = model
    parts.encoder.layer = parts.encoder.layer[:count]
    parts.config.num_hidden_layers = count
    return model


class TokenHeads(nn.Module):
    """Evidence logit and label contributions of every token (see `fimiscope.bundle.pooling`).

    States are standardised by fixed statistics of the training windows, because encoders trained for similarity
    keep all their states in a narrow cone. The attended contributions share the scale of single tokens, the
    averaged ones that of whole articles.

    The role rests on the words in evidence alone: averaged contributions to it would learn of a text what it is about
    and how it is written, which goes with the role in the texts learned from and not in others.
    """

    centre: Tensor
    token_scale: Tensor
    article_scale: Tensor
    averaged: Tensor

    def __init__(self, hidden: int, heads: tuple[Head, ...]) -> None:
        super().__init__()
        averaged = [float(head.name != "role") for head in heads for _ in head.labels]
        labels = len(averaged)
        self.register_buffer("averaged", torch.tensor(averaged))
        self.register_buffer("centre", torch.zeros(hidden))
        self.register_buffer("token_scale", torch.ones(hidden))
        self.register_buffer("article_scale", torch.ones(hidden))
        self.evidence = nn.Linear(hidden, 1)
        self.average = nn.Linear(hidden, labels, bias=False)
        self.attended = nn.Linear(hidden, labels)
        for layer in (self.evidence, self.average, self.attended):
            nn.init.normal_(layer.weight, std=0.5 / hidden)
        nn.init.zeros_(self.evidence.bias)
        nn.init.zeros_(self.attended.bias)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Evidence (…,), averaged (…, labels) and attended (…, labels) from states (…, hidden)."""
        centred = states - self.centre
        tokens = centred / self.token_scale
        evidence = self.evidence(tokens).squeeze(-1)
        average = self.averaged * self.average(centred / self.article_scale)
        return evidence, average, self.attended(tokens)


def pool_articles(evidence: Tensor, average: Tensor, attended: Tensor, article: Tensor, articles: int) -> Tensor:
    """Attention pooling over all tokens of each article, as `fimiscope.bundle.pooling.pool` does in numpy.

    Args:
        evidence: shape (tokens,).
        average, attended: shape (tokens, labels).
        article: index of the article that each token belongs to, shape (tokens,).
        articles: how many articles there are.

    Returns:
        Logits of shape (articles, labels).
    """
    top = evidence.new_full((articles,), float("-inf")).scatter_reduce(0, article, evidence.detach(), "amax")
    powers = torch.exp(evidence - top[article])
    totals = evidence.new_zeros(articles).index_add(0, article, powers)
    weights = powers / totals[article]
    counts = evidence.new_zeros(articles).index_add(0, article, torch.ones_like(evidence)).clamp(min=1)
    empty = average.new_zeros(articles, average.shape[1])
    means = empty.index_add(0, article, average) / counts[:, None]
    return means + empty.index_add(0, article, weights[:, None] * attended)


class ArticleClassifier(nn.Module):
    """Encoder (or its trainable upper part), heads and loss, as the Trainer calls them."""

    def __init__(
        self,
        encoder: nn.Module,
        hidden: int,
        heads: tuple[Head, ...],
        weights: LossWeights,
        *,
        dropout: float = DROPOUT,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.hidden = hidden
        self.heads = TokenHeads(hidden, heads)
        self.dropout = nn.Dropout(dropout)
        self._labels = heads
        self._weights = weights

    def forward(
        self,
        row: Tensor,
        inputs: Tensor,
        mask: Tensor,
        owned: Tensor,
        article: Tensor,
        evidence: Tensor,
        values: Tensor,
        known: Tensor,
        weight: Tensor,
    ) -> dict[str, Any]:
        """Loss, logits and row numbers of a batch of articles.

        Args:
            row: which prepared article each is, shape (articles,); handed back, because the Trainer evaluates in an
                order of its own.
            inputs: token ids (windows, tokens), or cached states (windows, tokens, hidden).
            mask: 1 for tokens, 0 for padding, shape (windows, tokens).
            owned: which tokens count for pooling, boolean, shape (windows, tokens).
            article: index of each window's article, shape (windows,).
            evidence: gold evidence, NaN where unknown, shape (windows, tokens).
            values, known: gold labels and their mask, shape (articles, labels).
            weight: of each article, shape (articles,).
        """
        states = self.dropout(self.encoder(inputs, mask))[owned]
        # Sums over all tokens of an article need full precision, whatever the layers are computed in.
        token_evidence, average, attended = (scores.float() for scores in self.heads(states))
        of = article[:, None].expand_as(owned)[owned]
        logits = pool_articles(token_evidence, average, attended, of, len(weight))
        loss = article_loss(logits, values, known, weight, self._labels, self._weights)
        loss = loss + self._weights.evidence * evidence_loss(token_evidence, evidence[owned], of, weight)
        return {"loss": loss, "logits": logits, "row": row}
