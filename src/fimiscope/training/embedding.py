"""Vectors of whole texts: the mean of their token states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fimiscope.bundle.windows import cut_windows
from fimiscope.progress import Progress
from fimiscope.training.encoding import OpenedEncoder, split_encoder
from fimiscope.training.model import layer_count
from fimiscope.training.states import cached_states

Floats = npt.NDArray[np.float32]


def embed(texts: Sequence[str], opened: OpenedEncoder, *, progress: Progress) -> Floats:
    """Mean of each text's token states over all of its windows, shape (texts, hidden); the encoder stays frozen.

    A text without tokens is a vector of zeros.
    """
    documents = [cut_windows(text, opened.tokenizer, opened.layout) for text in texts]
    split = split_encoder(opened.model, 0, opened.encoder.reference)
    states = cached_states(
        split.lower or split.upper,
        layer_count(opened.model),
        opened.encoder.fingerprint,
        [window.ids for document in documents for window in document.windows],
        int(opened.model.config.hidden_size),
        opened.layout.pad,
        progress=progress,
    )
    means = np.zeros((len(texts), states.values.shape[1]), dtype=np.float32)
    number = 0
    for row, document in enumerate(documents):
        owned = []
        for window in document.windows:
            owned.append(states[number][window.first : window.first + window.owned])
            number += 1
        tokens = np.concatenate(owned).astype(np.float32)
        if len(tokens):
            means[row] = tokens.mean(axis=0)
    return means
