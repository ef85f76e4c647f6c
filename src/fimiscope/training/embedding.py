"""One vector an article, from an encoder that stays frozen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Example
from fimiscope.progress import Progress, silent

Floats = npt.NDArray[np.float32]


def article_means(
    examples: Sequence[Example], config: Config, codebook: Codebook, *, progress: Progress = silent
) -> Floats:
    """Mean of each article's token states, shape (articles, hidden), from the config's encoder, which stays frozen.

    Raises:
        EncoderError, ConfigError: the encoder cannot be used.
    """
    from fimiscope.training.batches import prepare
    from fimiscope.training.encoding import open_encoder, split_encoder
    from fimiscope.training.model import layer_count
    from fimiscope.training.states import cached_states

    opened = open_encoder(config)
    prepared = prepare(examples, opened.tokenizer, opened.layout, codebook)
    split = split_encoder(opened.model, 0, opened.encoder.reference)
    states = cached_states(
        split.lower or split.upper,
        layer_count(opened.model),
        opened.encoder.fingerprint,
        prepared.window_ids(),
        int(opened.model.config.hidden_size),
        opened.layout.pad,
        progress=progress,
    )
    means = np.zeros((len(examples), states.values.shape[1]), dtype=np.float32)
    number = 0
    for row, article in enumerate(prepared.articles):
        owned = []
        for window in article.windows:
            owned.append(states[number][window.first : window.first + window.owned])
            number += 1
        tokens = np.concatenate(owned).astype(np.float32)
        if len(tokens):
            means[row] = tokens.mean(axis=0)
    return means
