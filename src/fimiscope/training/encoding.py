"""Training the encoder side of a bundle: frozen layers cached, upper layers and heads fitted, graph exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from fimiscope.bundle import files
from fimiscope.bundle.windows import WindowLayout
from fimiscope.codebook import Codebook
from fimiscope.config import Config, TrainingConfig
from fimiscope.corpus import Example
from fimiscope.errors import ConfigError, EncoderError
from fimiscope.progress import Progress
from fimiscope.training import adapters
from fimiscope.training.batches import Collator, Prepared, prepare, training_table
from fimiscope.training.encoders import Encoder, resolve
from fimiscope.training.export import ExportedEncoder, export_onnx
from fimiscope.training.loop import Listener, fit
from fimiscope.training.loss import balanced_weights
from fimiscope.training.model import (
    ArticleClassifier,
    LowerLayers,
    Passed,
    UpperLayers,
    WholeEncoder,
    can_split,
    layer_count,
    lowest_layers,
)
from fimiscope.training.states import CachedStates, cached_states
from fimiscope.training.targets import Targets

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftModel
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

STATISTICS_ARTICLES = 192


@dataclass(frozen=True, slots=True)
class Split:
    """The encoder cut where freezing ends: `lower` may be run once and cached, `upper` learns."""

    lower: LowerLayers | None
    upper: nn.Module


@dataclass(frozen=True, slots=True)
class OpenedEncoder:
    """What a config names as its encoder, ready to be read with."""

    encoder: Encoder
    tokenizer: Tokenizer
    model: PreTrainedModel
    layout: WindowLayout


def open_encoder(config: Config) -> OpenedEncoder:
    """The config's encoder with as many layers as it asks for, its tokenizer and its windows.

    Raises:
        EncoderError, ConfigError: the encoder cannot be used.
    """
    assert config.encoder is not None
    encoder = resolve(config.encoder)
    tokenizer, model = encoder.tokenizer(), lowest_layers(encoder.model(), config.encoder_layers, encoder.reference)
    return OpenedEncoder(encoder, tokenizer, model, window_layout(encoder, tokenizer, model, config))


def window_layout(encoder: Encoder, tokenizer: Tokenizer, model: PreTrainedModel, config: Config) -> WindowLayout:
    """Windows for this encoder: its start token, prefix, end token and padding.

    Raises:
        ConfigError: windows are longer than the encoder's positions.
    """
    frame = tokenizer.encode(encoder.prefix.strip(), add_special_tokens=True).ids
    positions = int(getattr(model.config, "max_position_embeddings", config.windows.size))
    reserved = 2 if "roberta" in model.config.model_type else 0
    if config.windows.size > positions - reserved:
        raise ConfigError(f"windows.size: {encoder.reference} reads at most {positions - reserved} tokens")
    return WindowLayout(
        size=config.windows.size,
        overlap=config.windows.overlap,
        most=config.windows.most,
        before=tuple(frame[:-1]),
        after=tuple(frame[-1:]),
        pad=int(model.config.pad_token_id or 0),
    )


def split_encoder(model: PreTrainedModel, trainable: int | str, reference: str) -> Split:
    """Freeze all but the upper `trainable` layers.

    Raises:
        EncoderError: this kind of encoder cannot be frozen in part.
    """
    if trainable == "all":
        return Split(None, WholeEncoder(model))
    frozen = _frozen_layers(model, int(trainable))
    if can_split(model):
        lower, upper = LowerLayers(model, frozen), UpperLayers(model, frozen)
        lower.requires_grad_(False)
        return Split(lower, upper)
    layers = getattr(model, "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise EncoderError(f"{reference} cannot be frozen in part: set training.trainable_layers=all")
    model.requires_grad_(False)
    for layer in layers[frozen:]:
        layer.requires_grad_(True)
    return Split(None, WholeEncoder(model))


def _frozen_layers(model: PreTrainedModel, trainable: int) -> int:
    return max(0, layer_count(model) - trainable)


def attach_adapter(model: PreTrainedModel, training: TrainingConfig, reference: str) -> PeftModel | None:
    """Let low-rank updates of the trainable layers learn in place of their weights, where the config asks for it."""
    if training.adapter_rank is None:
        return None
    layers = training.trainable_layers
    frozen = 0 if layers == "all" else _frozen_layers(model, layers)
    return adapters.attach(model, frozen, training.adapter_rank, reference)


def train_encoder(
    config: Config,
    codebook: Codebook,
    train: Sequence[Example],
    valid: Sequence[Example],
    draft: Path | None,
    checkpoints: Path,
    *,
    resume: bool,
    listener: Listener,
    progress: Progress,
) -> WindowLayout:
    """Fit the encoder and write `encoder.onnx` and `tokenizer.json` into the folder `draft`.

    Without `draft` nothing is written: this process only shares the work of another's run.
    """
    torch.manual_seed(config.seed)
    opened = open_encoder(config)
    encoder, tokenizer, model, layout = opened.encoder, opened.tokenizer, opened.model, opened.layout
    prepared = prepare([*train, *valid], tokenizer, layout, codebook)
    split = split_encoder(model, config.training.trainable_layers, encoder.reference)
    adapted = attach_adapter(model, config.training, encoder.reference)
    weights = balanced_weights(_first(prepared.targets, len(train)), codebook.heads(), config.training.evidence_weight)
    classifier = ArticleClassifier(split.upper, int(model.config.hidden_size), codebook.heads(), weights)
    tables = (
        training_table(prepared, range(len(train))),
        training_table(prepared, range(len(train), len(train) + len(valid))),
    )
    windows = _Windows(encoder, prepared, classifier.hidden, layout.pad, progress)
    states = None if split.lower is None else windows.states(split.lower, len(split.lower.layers))
    collator = Collator(prepared, layout.pad, states)
    training = config.training
    if states is not None and training.trainable_layers != 0 and training.head_epochs:
        final = windows.states(split.upper, layer_count(model), below=states)
        _fit_heads_first(classifier, Collator(prepared, layout.pad, final), tables, config, checkpoints, progress)
        # The heads have learned: from here on they follow the layers below them.
        training = training.model_copy(update={"head_learning_rate": training.learning_rate})
    else:
        _standardise(classifier, collator, len(train), config.seed)
    fit(
        classifier,
        collator,
        *tables,
        training,
        seed=config.seed,
        folder=checkpoints,
        resume=resume,
        listener=listener,
        progress=progress,
    )
    if draft is None:
        return layout
    progress("export", 0, 1)
    if adapted is not None:
        adapters.save(
            adapted,
            draft,
            base=encoder.reference,
            layers=layer_count(model),
            texts=(example.article.text for example in train),
        )
        adapters.merge(adapted)
        save_file(classifier.heads.state_dict(), draft / files.TOKEN_HEADS)
    parts = [part for part in (split.lower, split.upper) if part is not None]
    export_onnx(ExportedEncoder(parts, classifier.heads), draft / files.GRAPH, most_tokens=layout.size, pad=layout.pad)
    tokenizer.save(str(draft / files.TOKENIZER))
    progress("export", 1, 1)
    return layout


@dataclass(frozen=True, slots=True)
class _Windows:
    """Prepared windows, and batches of them with whatever layers are frozen run once."""

    encoder: Encoder
    prepared: Prepared
    hidden: int
    pad: int
    progress: Progress

    def states(self, layers: nn.Module, depth: int, *, below: CachedStates | None = None) -> CachedStates:
        """States of all windows after `depth` layers, of which `layers` are the last."""
        return cached_states(
            layers,
            depth,
            self.encoder.fingerprint,
            self.prepared.window_ids(),
            self.hidden,
            self.pad,
            below=below,
            progress=self.progress,
        )


def _fit_heads_first(
    classifier: ArticleClassifier,
    collator: Collator,
    tables: tuple[Dataset, Dataset],
    config: Config,
    checkpoints: Path,
    progress: Progress,
) -> None:
    """Let the heads learn on the untouched encoder, so that the first steps of fine-tuning do not distort it.

    Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution" (2022).
    """
    upper = classifier.encoder
    classifier.encoder = Passed()
    _standardise(classifier, collator, len(tables[0]), config.seed)
    alone = config.training.model_copy(
        update={
            "trainable_layers": 0,
            "epochs": config.training.head_epochs,
            "batch": 2 * config.training.batch,
            "most_steps": None,
        }
    )
    fit(
        classifier,
        collator,
        *tables,
        alone,
        seed=config.seed,
        folder=checkpoints.with_suffix(".heads"),
        resume=False,
        listener=lambda epoch: None,
        progress=lambda stage, done, total: progress(f"{stage} (heads alone)", done, total),
    )
    classifier.encoder = upper


def _first(targets: Targets, count: int) -> Targets:
    return Targets(targets.values[:count], targets.known[:count], targets.weight[:count])


def _standardise(classifier: ArticleClassifier, collator: Collator, articles: int, seed: int) -> None:
    """Set the heads' fixed statistics from a sample of the training articles."""
    chosen = np.random.default_rng(seed).permutation(articles)[:STATISTICS_ARTICLES]
    classifier.eval()
    tokens, means = [], []
    for start in range(0, len(chosen), 8):
        batch = collator([{"row": int(row)} for row in chosen[start : start + 8]])
        with torch.inference_mode():
            states = classifier.encoder(batch["inputs"], batch["mask"])
        for article in range(len(batch["weight"])):
            mine = states[batch["owned"] & (batch["article"] == article)[:, None]]
            if len(mine):
                tokens.append(mine[:: max(1, len(mine) // 32)])
                means.append(mine.mean(dim=0))
    if len(means) > 1:
        every = torch.cat(tokens)
        heads = classifier.heads
        heads.centre.copy_(every.mean(dim=0))
        heads.token_scale.copy_(every.std(dim=0).clamp(min=1e-4))
        heads.article_scale.copy_(torch.stack(means).std(dim=0).clamp(min=1e-4))
