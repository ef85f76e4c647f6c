"""SetFit: texts of one role are drawn together and texts of two roles apart, then linear heads are fitted.

Tunstall et al., "Efficient few-shot learning without prompts" (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.errors import ConfigError, CorpusError
from fimiscope.progress import Progress
from fimiscope.training.batches import Collator, prepare, read_in_batches
from fimiscope.training.calibrating import Floats
from fimiscope.training.encoding import attach_adapter, open_encoder, split_encoder
from fimiscope.training.linear import fit_linear
from fimiscope.training.loop import fit_in_one_go
from fimiscope.training.states import cached_states
from fimiscope.training.targets import targets_of

if TYPE_CHECKING:
    from datasets import Dataset

STRENGTH = 0.01
"""Inverse regularisation of the heads on standardised vectors, as elsewhere for vectors of this width."""

Ints = npt.NDArray[np.int64]


def setfit(
    config: Config,
    codebook: Codebook,
    train: Sequence[Example],
    valid: Sequence[Example],
    test: Sequence[Example],
    *,
    progress: Progress,
) -> tuple[Floats, Floats]:
    """Tune the encoder's trainable layers on pairs by role, as many pairs an epoch as there are training texts, then
    fit a logistic regression for every head on the mean token states of whole articles.

    Raises:
        ConfigError: no layer is trainable.
        CorpusError: one part has no two roles to tell apart.
    """
    if config.training.trainable_layers == 0:
        raise ConfigError("training.trainable_layers: SetFit tunes the encoder: set 1 or more, or all")
    vectors = _tuned_vectors(config, codebook, train, valid, test, progress)
    learned = vectors[: len(train)]
    vectors = (vectors - learned.mean(axis=0)) / learned.std(axis=0).clip(min=1e-6)
    weights, bias = fit_linear(
        vectors[: len(train)], targets_of(train, codebook), codebook.heads(), STRENGTH, progress=progress
    )
    logits = np.asarray(vectors[len(train) :] @ weights + bias, dtype=np.float64)
    return logits[: len(valid)], logits[len(valid) :]


def _tuned_vectors(
    config: Config,
    codebook: Codebook,
    train: Sequence[Example],
    valid: Sequence[Example],
    test: Sequence[Example],
    progress: Progress,
) -> npt.NDArray[np.float32]:
    """Vectors of all articles, part after part, shape (articles, hidden), by the encoder tuned on pairs."""
    torch.manual_seed(config.seed)
    opened = open_encoder(config)
    prepared = prepare([*train, *valid, *test], opened.tokenizer, opened.layout, codebook)
    split = split_encoder(opened.model, config.training.trainable_layers, opened.encoder.reference)
    attach_adapter(opened.model, config.training, opened.encoder.reference)
    states = None
    if split.lower is not None:
        states = cached_states(
            split.lower,
            len(split.lower.layers),
            opened.encoder.fingerprint,
            prepared.window_ids(),
            int(opened.model.config.hidden_size),
            opened.layout.pad,
            progress=progress,
        )
    collator = Collator(prepared, opened.layout.pad, states)
    lengths = [sum(len(window.ids) for window in article.windows) for article in prepared.articles]
    random = np.random.default_rng(config.seed)
    tables = (
        draw_pairs(train, "train", random).table(lengths, first_row=0),
        draw_pairs(valid, "valid", random).table(lengths, first_row=len(train)),
    )
    network = PairedEncoder(split.upper)
    fit_in_one_go(
        network,
        PairCollator(collator),
        *tables,
        config.training,
        seed=config.seed,
        progress=progress,
    )
    return read_in_batches(
        network,
        lambda batch: network.vectors(batch["inputs"], batch["mask"], batch["owned"], batch["article"]),
        collator,
        range(len(prepared.articles)),
        stage="tuned encoder",
        progress=progress,
    )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of the first and of the second text of each pair, and whether both have the same role; shape (pairs,)."""

    first: Ints
    second: Ints
    same: npt.NDArray[np.bool_]

    def table(self, lengths: Sequence[int], *, first_row: int) -> Dataset:
        """The Trainer's table; rows count from `first_row`, `lengths` are those of all articles in tokens."""
        from datasets import Dataset

        first, second = self.first + first_row, self.second + first_row
        return Dataset.from_dict(
            {
                "pair": np.arange(len(first)),
                "first": first,
                "second": second,
                "same": self.same.astype(int),
                "length": [max(lengths[one], lengths[other]) for one, other in zip(first, second, strict=True)],
            }
        )


def draw_pairs(examples: Sequence[Example], part: str, random: np.random.Generator) -> Pairs:
    """As many pairs as there are texts, of one role and of two by turns; a text is drawn in proportion to its weight.

    Raises:
        CorpusError: the texts, of the part of that name, have fewer than two roles.
    """
    roles = np.array([example.labels.role or "" for example in examples])
    weight = np.array([example.weight for example in examples]) * (roles != "")
    if len(set(roles) - {""}) < 2:
        raise CorpusError(f"the texts of the part '{part}' have no two roles: SetFit has no pairs to tell apart")
    first = random.choice(len(examples), size=len(examples), p=weight / weight.sum())
    same = np.arange(len(examples)) % 2 == 0
    second = np.zeros(len(examples), dtype=np.int64)
    for number, row in enumerate(first):
        chances = weight * ((roles == roles[row]) == same[number])
        second[number] = random.choice(len(examples), p=chances / chances.sum())
    return Pairs(first, second, same)


class PairCollator:
    """Batches of pairs: the first texts, then the second ones, as one batch of articles."""

    def __init__(self, articles: Collator) -> None:
        self._articles = articles

    def __call__(self, items: Sequence[dict[str, int]]) -> dict[str, Tensor]:
        both = [{"row": item[name]} for name in ("first", "second") for item in items]
        return self._articles(both) | {
            "row": torch.tensor([item["pair"] for item in items]),
            "same": torch.tensor([item["same"] for item in items], dtype=torch.float32),
        }


class PairedEncoder(nn.Module):
    """An encoder whose articles' cosines are compared with 1 for the same role and 0 for two."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def vectors(self, inputs: Tensor, mask: Tensor, owned: Tensor, article: Tensor) -> Tensor:
        """Mean token states of articles, shape (articles, hidden), from a batch of `Collator`."""
        states = self.encoder(inputs, mask)[owned].float()
        of = article[:, None].expand_as(owned)[owned]
        articles = int(article.max()) + 1
        sums = states.new_zeros(articles, states.shape[1]).index_add(0, of, states)
        counts = states.new_zeros(articles).index_add(0, of, states.new_ones(len(of)))
        means: Tensor = sums / counts.clamp(min=1)[:, None]
        return means

    def forward(
        self,
        row: Tensor,
        inputs: Tensor,
        mask: Tensor,
        owned: Tensor,
        article: Tensor,
        same: Tensor,
        **_: Tensor,
    ) -> dict[str, Any]:
        """Mean squared error of the pairs' cosines, and the cosines, as the Trainer calls it."""
        first, second = self.vectors(inputs, mask, owned, article).chunk(2)
        cosine = functional.cosine_similarity(first, second)
        return {"loss": functional.mse_loss(cosine, same), "logits": cosine, "row": row}
