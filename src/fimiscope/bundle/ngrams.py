"""The lexical model: TF-IDF over hashed n-grams and linear scores, in numpy alone.

Hashing (Weinberger et al., "Feature hashing for large scale multitask learning", 2009) keeps the words of the
training texts out of the bundle. CRC-32 is the hash: stable across machines and in the standard library.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_WORD = re.compile(r"\w+(?:['’]\w+)?")


@dataclass(frozen=True, slots=True)
class Ngrams:
    """Which n-grams are counted: lengths (shortest, longest) of word and in-word character n-grams, and buckets."""

    words: tuple[int, int]
    characters: tuple[int, int]
    buckets: int

    def count(self, text: str) -> tuple[Ints, Floats]:
        """Distinct buckets, ascending, and 1 + log of how often each occurs; both of shape (distinct,)."""
        counts = Counter(crc32(ngram.encode()) % self.buckets for ngram in self._of(text))
        buckets = np.array(sorted(counts), dtype=np.int64)
        occurrences = np.array([counts[bucket] for bucket in buckets.tolist()], dtype=np.float32)
        return buckets, np.log(occurrences, dtype=np.float32) + 1

    def _of(self, text: str) -> Iterator[str]:
        words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
        for length in range(self.words[0], self.words[1] + 1):
            for start in range(len(words) - length + 1):
                yield " ".join(words[start : start + length])
        for word in words:
            framed = f"^{word}$"
            for length in range(self.characters[0], self.characters[1] + 1):
                for start in range(len(framed) - length + 1):
                    yield "#" + framed[start : start + length]


@dataclass(frozen=True, slots=True)
class LexicalModel:
    """Linear scores over TF-IDF.

    Attributes:
        ngrams: which n-grams are counted.
        buckets: the buckets seen in training, ascending, shape (seen,).
        idf: inverse document frequency of each, shape (seen,).
        unseen_idf: that of every other bucket, which counts in the norm alone.
        weights: shape (seen, labels).
        bias: shape (labels,).
    """

    ngrams: Ngrams
    buckets: Ints
    idf: Floats
    unseen_idf: float
    weights: Floats
    bias: Floats

    def features(self, text: str) -> tuple[Ints, Floats]:
        """Rows of `weights` that the text touches, and their TF-IDF values under unit Euclidean norm."""
        buckets, frequency = self.ngrams.count(text)
        rows = np.searchsorted(self.buckets, buckets)
        seen = rows < len(self.buckets)
        seen[seen] = self.buckets[rows[seen]] == buckets[seen]
        values = frequency * np.where(seen, self.idf[np.where(seen, rows, 0)], np.float32(self.unseen_idf))
        norm = float(np.linalg.norm(values)) or 1.0
        return rows[seen], np.asarray(values[seen] / norm, dtype=np.float32)

    def logits(self, text: str) -> Floats:
        """The text's logits, shape (labels,)."""
        rows, values = self.features(text)
        return np.asarray(values @ self.weights[rows] + self.bias, dtype=np.float32)
