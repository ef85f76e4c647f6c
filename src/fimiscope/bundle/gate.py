"""The gate: a cheap linear score that clears what is surely irrelevant before the encoder reads it.

It scores the windows that the encoder would read, by hashed single pieces and pairs of neighbours (Weinberger et al.,
"Feature hashing for large scale multitask learning", 2009), and an article is worth its best window: one relevant
paragraph in a long article is enough to pass. Hashing keeps the words of the texts learned from out of the bundle.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fimiscope.bundle import files
from fimiscope.bundle.decisions import PROFILES, Profile
from fimiscope.bundle.windows import Windowed, WindowLayout

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
BITS = 16
SCORE_DIGITS = 6
# Odd 64-bit constants of multiplicative hashing (Knuth, "The Art of Computer Programming", vol. 3, section 6.4).
_PIECE = np.uint64(0x9E3779B97F4A7C15)
_NEXT = np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of the full model's flags at a threshold, cross-fitted on the texts that the gate learned from.

    Attributes:
        texts: texts that the full model flags or abstains from.
        families: of near-copies among them.
        lost: families of which a text is cleared.
        bound: 95 % upper bound of the share of families lost.
    """

    texts: int
    families: int
    lost: int
    bound: float


@dataclass(frozen=True, slots=True)
class Gate:
    """A fitted gate.

    Attributes:
        weights: of each bucket, shape (2 ** BITS,).
        idf: inverse document frequency of each bucket, shape (2 ** BITS,).
        bias: score of a window without pieces.
        thresholds: for each profile the score below which an article is cleared; minus infinity clears nothing.
        kept: for each profile what its threshold keeps.
    """

    weights: Floats
    idf: Floats
    bias: float
    thresholds: dict[Profile, float]
    kept: dict[Profile, Kept]

    def score(self, document: Windowed, layout: WindowLayout) -> float:
        """The score of a document's best window."""
        return max(self.window_score(buckets) for buckets in window_buckets(document, layout))

    def clears(self, document: Windowed, layout: WindowLayout, profile: Profile) -> bool:
        """Whether a document need not be read; what lies beyond the window cap, nobody reads."""
        return self.score(document, layout) < self.thresholds[profile]

    def window_score(self, buckets: Ints) -> float:
        """The weights of a window's distinct buckets, times their IDF under unit Euclidean norm, and the bias."""
        idf = self.idf[buckets].astype(np.float64)
        norm = math.sqrt(float((idf * idf).sum())) or 1.0
        return round(float((self.weights[buckets] * idf).sum()) / norm + self.bias, SCORE_DIGITS)


def window_buckets(document: Windowed, layout: WindowLayout) -> list[Ints]:
    """The distinct buckets of each window of a document, without the frame."""
    first, last = len(layout.before), len(layout.after)
    return [buckets_of(window.ids[first : len(window.ids) - last]) for window in document.windows]


def buckets_of(pieces: Ints) -> Ints:
    """Distinct buckets, ascending, of token ids and of their neighbouring pairs; there are `2 ** BITS`."""
    numbers = pieces.astype(np.uint64)
    # Products wrap around at 64 bits; their upper bits depend on all bits of the factors.
    singles = (numbers + np.uint64(1)) * _PIECE
    pairs = (singles[:-1] ^ (numbers[1:] * _NEXT)) * _PIECE
    return np.unique(np.concatenate([singles, pairs]) >> np.uint64(64 - BITS)).astype(np.int64)


def save_gate(folder: Path, gate: Gate) -> None:
    """Write a gate's two files into a bundle folder; weights and IDF in half precision."""
    thresholds = {profile: None if math.isinf(value) else value for profile, value in gate.thresholds.items()}
    kept = {profile: asdict(one) for profile, one in gate.kept.items()}
    files.write_json(folder / files.GATE, {"bias": gate.bias, "thresholds": thresholds, "kept": kept})
    np.save(folder / files.GATE_WEIGHTS, np.stack([gate.weights, gate.idf]).astype(np.float16), allow_pickle=False)


def load_gate(folder: Path) -> Gate:
    """Read a gate's two files.

    Raises:
        KeyError, TypeError, ValueError: they contradict their format.
    """
    document: dict[str, Any] = files.read_json(folder / files.GATE)
    arrays = np.load(folder / files.GATE_WEIGHTS, allow_pickle=False).astype(np.float32)
    if arrays.shape != (2, 2**BITS):
        raise ValueError(f"{files.GATE_WEIGHTS} has shape {arrays.shape}")
    weights, idf = arrays
    given = {profile: document["thresholds"][profile] for profile in PROFILES}
    thresholds: dict[Profile, float] = {p: -math.inf if value is None else float(value) for p, value in given.items()}
    kept: dict[Profile, Kept] = {profile: Kept(**document["kept"][profile]) for profile in PROFILES}
    return Gate(weights, idf, float(document["bias"]), thresholds, kept)
