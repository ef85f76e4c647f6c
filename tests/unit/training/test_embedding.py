"""Vectors of whole texts."""

from __future__ import annotations

import numpy as np

from fimiscope.config import Config
from fimiscope.progress import silent
from fimiscope.training.embedding import embed
from fimiscope.training.encoding import open_encoder


def test_a_vector_is_the_mean_of_a_texts_tokens_over_all_windows(tiny_config: Config) -> None:
    opened = open_encoder(tiny_config)
    long = "The bread was sold cheaply on a long day at the market. " * 20
    texts = ["The bread was praised warmly.", "The bread was refuted firmly.", long, long + " The harbour closed.", ""]
    vectors = embed(texts, opened, progress=silent)
    backwards = embed(texts[::-1], opened, progress=silent)[::-1]
    assert vectors.shape == (5, 32)
    assert np.allclose(vectors, backwards, atol=1e-2)
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01
    assert np.abs(vectors[2] - vectors[3]).max() > 1e-3
    assert not vectors[4].any()
