"""Single head: plain fine-tuning of `transformers` for one label a text, of the start of the text.

As in Sun et al., "How to fine-tune BERT for text classification?" (2019). The label is a pair of role and africa.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.errors import EncoderError
from fimiscope.progress import Progress
from fimiscope.training.batches import Collator, Prepared, prepare, read_in_batches, training_table
from fimiscope.training.calibrating import Floats
from fimiscope.training.encoding import OpenedEncoder, attach_adapter, open_encoder, split_encoder
from fimiscope.training.loop import fit_in_one_go


def single_head(
    config: Config,
    codebook: Codebook,
    train: Sequence[Example],
    valid: Sequence[Example],
    test: Sequence[Example],
    *,
    progress: Progress,
) -> tuple[Floats, Floats]:
    """Fine-tune a sequence classifier on the first window of each text whose role and africa are known, and read role,
    africa and flag off its classes; actors and narratives are NaN.

    Raises:
        EncoderError: the encoder's kind has no sequence classifier.
    """
    torch.manual_seed(config.seed)
    opened = open_encoder(config)
    prepared = _first_windows(prepare([*train, *valid, *test], opened.tokenizer, opened.layout, codebook))
    network = JointClassifier(sequence_classifier(opened, config, 2 * len(codebook.roles)), codebook)
    collator = Collator(prepared, opened.layout.pad)
    decided = [
        row
        for row, example in enumerate([*train, *valid])
        if example.labels.role is not None and example.labels.africa is not None
    ]
    fit_in_one_go(
        network,
        collator,
        training_table(prepared, [row for row in decided if row < len(train)]),
        training_table(prepared, [row for row in decided if row >= len(train)]),
        config.training,
        seed=config.seed,
        progress=progress,
    )
    joint = read_in_batches(
        network,
        lambda batch: network(**batch)["logits"],
        collator,
        range(len(train), len(prepared.articles)),
        stage="fine-tuned classifier",
        progress=progress,
    )
    logits = label_logits(np.asarray(joint, dtype=np.float64), codebook)
    return logits[: len(valid)], logits[len(valid) :]


class JointClassifier(nn.Module):
    """A sequence classifier over pairs of role and africa, in the order of roles, each without Africa first."""

    def __init__(self, network: PreTrainedModel, codebook: Codebook) -> None:
        super().__init__()
        self.network = network
        slices = head_slices(codebook.heads())
        self._role, self._africa = slices["role"], slices["africa"].start

    def forward(
        self, row: Tensor, inputs: Tensor, mask: Tensor, values: Tensor, weight: Tensor, **_: Tensor
    ) -> dict[str, Any]:
        """Weighted cross-entropy, and logits of shape (articles, classes), as the Trainer calls it."""
        logits = self.network(input_ids=inputs, attention_mask=mask).logits.float()
        gold = 2 * values[:, self._role].argmax(dim=1) + values[:, self._africa].long()
        loss = functional.cross_entropy(logits, gold, reduction="none") @ weight / weight.sum()
        return {"loss": loss, "logits": logits, "row": row}


def label_logits(joint: Floats, codebook: Codebook) -> Floats:
    """Log-probabilities of the roles and log-odds of africa and flag, shape (articles, labels), from logits of the
    classes, shape (articles, 2 roles); NaN for actors and narratives."""
    heads = codebook.heads()
    slices = head_slices(heads)
    logits = np.full((len(joint), sum(len(head.labels) for head in heads)), np.nan)
    classes = (joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)).reshape(len(joint), -1, 2)
    logits[:, slices["role"]] = np.logaddexp.reduce(classes, axis=2)
    africa = np.logaddexp.reduce(classes, axis=1)
    logits[:, slices["africa"].start] = africa[:, 1] - africa[:, 0]
    flags = np.zeros(classes.shape[1:], dtype=bool)
    flags[[codebook.role_codes.index(code) for code in codebook.flagging_roles], 1] = True
    flagged, rest = (np.logaddexp.reduce(classes[:, chosen], axis=1) for chosen in (flags, ~flags))
    logits[:, slices["flag"].start] = flagged - rest
    return logits


def _first_windows(prepared: Prepared) -> Prepared:
    return replace(
        prepared, articles=tuple(replace(article, windows=article.windows[:1]) for article in prepared.articles)
    )


def sequence_classifier(opened: OpenedEncoder, config: Config, classes: int) -> PreTrainedModel:
    """The library's sequence classifier on the opened encoder; pooling layer and head are new, and always learn."""
    reference = opened.encoder.reference
    settings = type(opened.model.config).from_dict(opened.model.config.to_dict() | {"num_labels": classes})
    try:
        network: PreTrainedModel = AutoModelForSequenceClassification.from_config(settings)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise EncoderError(f"encoder {reference}: transformers has no sequence classifier of its kind") from error
    base: Any = network.base_model
    new, unknown = base.load_state_dict(opened.model.state_dict(), strict=False)
    if unknown:
        raise EncoderError(f"encoder {reference}: its weights do not fit the sequence classifier of its kind")
    split_encoder(base, config.training.trainable_layers, reference)
    attach_adapter(base, config.training, reference)
    for name, parameter in base.named_parameters():
        if name in new:
            parameter.requires_grad_(True)
    return network
