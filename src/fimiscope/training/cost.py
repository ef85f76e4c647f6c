"""What a training run would cost, before it is started."""

from __future__ import annotations

from time import perf_counter

import torch

from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.tables import Table
from fimiscope.training.batches import prepare
from fimiscope.training.encoding import attach_adapter, open_encoder, split_encoder

BACKWARD = 2.2
TRIAL_WINDOWS = 4


def cost_table(config: Config, corpus: Corpus, codebook: Codebook) -> Table:
    """Counts of articles, windows and steps, and a duration extrapolated from a short trial on this machine."""
    train, valid, test = (corpus.part(name) for name in ("train", "valid", "test"))
    rows: list[tuple[str, str]] = [("articles", f"{len(train)} train, {len(valid)} valid, {len(test)} test")]
    if config.encoder is None:
        rows.append(("estimate", "lexical model alone: about a minute"))
        return Table("Estimated cost", ("what", "how much"), tuple(rows))
    opened = open_encoder(config)
    model, layout = opened.model, opened.layout
    counts = []
    for part in (train, valid, test):
        prepared = prepare(part, opened.tokenizer, layout, codebook)
        counts.append(sum(len(ids) for ids in prepared.window_ids()))
    split = split_encoder(model, config.training.trainable_layers, opened.encoder.reference)
    attach_adapter(model, config.training, opened.encoder.reference)
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    ids = torch.full((TRIAL_WINDOWS, layout.size), layout.pad + 4)
    mask = torch.ones_like(ids)
    with torch.inference_mode():
        states, lower = ids, 0.0
        if split.lower is not None:
            split.lower(ids, mask)
            started = perf_counter()
            states = split.lower(ids, mask)
            lower = (perf_counter() - started) / ids.numel()
        split.upper(states, mask)
        started = perf_counter()
        split.upper(states, mask)
        upper = (perf_counter() - started) / ids.numel()
    seen = counts[0] + counts[1]
    per_epoch = upper * (counts[0] * (1 + BACKWARD) + counts[1])
    total = lower * seen + per_epoch * config.training.epochs + (lower + upper) * (counts[1] + counts[2])
    steps = -(-len(train) // config.training.batch) * config.training.epochs
    rows += [
        ("tokens", f"{counts[0]} train, {counts[1]} valid, {counts[2]} test"),
        (
            "trainable parameters",
            f"{trainable / 1e6:.1f} million of {sum(p.numel() for p in model.parameters()) / 1e6:.1f}",
        ),
        ("optimiser steps", f"at most {min(steps, config.training.most_steps or steps)}"),
        ("estimate on this machine", f"about {total / 60:.1f} minutes if no epoch is saved by early stopping"),
    ]
    return Table("Estimated cost", ("what", "how much"), tuple(rows))
