"""Making the ready model: train its config, keep what it adds to the packaged encoder, and check what that builds."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fimiscope.bundle import Bundle
from fimiscope.bundle.adapter import base_of, folders_of
from fimiscope.bundle.files import is_made_of
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.errors import BundleError, ConfigError
from fimiscope.pipeline import load_corpus, train
from fimiscope.progress import Progress, silent
from fimiscope.ready.delta import DELTA, build_bundle, write_delta

MOST_BYTES = 5_000_000
TOLERANCE = 1e-3
_TEXTS = 64


@dataclass(frozen=True, slots=True)
class ReadyModel:
    """A delta that was made.

    Attributes:
        folder: of the delta.
        size: of all its files and of the adapters that it stands on, in bytes.
        difference: the largest one between a probability of the trained and of the built model.
        texts: on how many validation texts they were compared.
    """

    folder: Path
    size: int
    difference: float
    texts: int


def make_ready(config: Config, folder: Path, *, models: Path, card: Path, progress: Progress = silent) -> ReadyModel:
    """Train the config unless its bundle is there, and write its delta into `folder`, with the model card.

    Raises:
        BundleError: the delta is too large to ship, or the model built from it scores otherwise; `folder` stays.
        FimiscopeError: config, corpus or encoder cannot be used.
    """
    if not card.is_file():
        raise ConfigError(f"--card {card} is not there: write what the model is, its figures, and its misuses")
    if folder.exists() and not (folder / DELTA).is_file():
        raise BundleError(f"{folder} exists and holds no delta: choose another folder")
    codebook = Codebook.load(config.codebook)
    corpus = load_corpus(config, codebook, progress=progress)
    trained = models / config.name
    if not is_made_of(trained, config=config.to_yaml(), codebook=codebook, corpus_digest=corpus.digest):
        train(config, models=models, corpus=corpus, progress=progress)
    texts = [example.document().text for example in corpus.part("valid")[:_TEXTS]]
    with tempfile.TemporaryDirectory() as place:
        draft, built = Path(place) / "delta", Path(place) / config.name
        write_delta(trained, draft, card=card)
        size = _size(draft)
        build_bundle(draft, built, progress=progress)
        difference = _difference(Bundle.load(trained), Bundle.load(built), texts)
        if difference > TOLERANCE:
            raise BundleError(f"the model built from its delta differs by {difference:.2g}, more than {TOLERANCE}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(draft, folder)
    return ReadyModel(folder, size, difference, len(texts))


def _size(delta: Path) -> int:
    """Bytes of a delta and of the adapters that it stands on."""
    size = sum(path.stat().st_size for part in (*folders_of(base_of(delta)), delta) for path in part.iterdir())
    if size > MOST_BYTES:
        raise BundleError(
            f"the delta has {size:,} bytes, more than {MOST_BYTES:,}: lower training.adapter_rank or lexical.buckets"
        )
    return size


def _difference(one: Bundle, other: Bundle, texts: list[str]) -> float:
    scorer = one.scorers[0]
    first, second = (
        np.array([scored.probabilities for scored in bundle.score(texts, [None] * len(texts), scorer)])
        for bundle in (one, other)
    )
    return float(np.abs(first - second).max())
