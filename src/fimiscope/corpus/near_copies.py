"""Which texts are copies of one another but for a few words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterator, Sequence

_LINK = re.compile(r"https?://\S+|www\.\S+")
_NUMBER = re.compile(r"\d+")
# Chinese and Japanese write no spaces, so there each character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])[^\W_])+")
_LONG = 40
_LONG_SHINGLE = 5
_SHORT_SHINGLE = 3
_PERMUTATIONS = 128
# A missed copy is a leak, a false candidate costs one exact comparison.
_WEIGHTS = (0.05, 0.95)


def cluster(texts: Sequence[str], families: Sequence[Hashable | None], threshold: float) -> list[int]:
    """Number each text's cluster by the index of the cluster's first text.

    Two texts are near-copies when the Jaccard similarity of their word shingles reaches `threshold`; case, accents,
    punctuation, links and the digits of numbers do not count. Shingles are five words long, three in texts of fewer
    than 40 words, and the whole text where it is shorter than that. Near-copies of near-copies are in one cluster,
    and texts of one family (equal, not `None`) always are.
    """
    words = [_words(text) for text in texts]
    clusters = _Union(len(texts))
    first_of: dict[Hashable, int] = {}
    for index, family in enumerate(families):
        if family is not None:
            clusters.join(index, first_of.setdefault(family, index))
    # Near-copies are of like length, so every pair that can reach the threshold meets in one of the two ranges.
    short = [index for index, found in enumerate(words) if len(found) < _LONG / threshold]
    long = [index for index, found in enumerate(words) if len(found) >= _LONG]
    for indices, size in ((short, _SHORT_SHINGLE), (long, _LONG_SHINGLE)):
        shingles = {index: _shingles(words[index], texts[index], size) for index in indices}
        for pair in _near(shingles, threshold):
            clusters.join(*pair)
    return [clusters.root(index) for index in range(len(texts))]


def _words(text: str) -> list[str]:
    text = _NUMBER.sub("0", _LINK.sub(" ", text)).casefold()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _WORD.findall(text)


def _shingles(words: list[str], text: str, size: int) -> frozenset[bytes]:
    if not words:
        return frozenset([text.strip().encode("utf-8", "replace")])
    last = max(1, len(words) - size + 1)
    return frozenset(" ".join(words[start : start + size]).encode("utf-8", "replace") for start in range(last))


def _near(shingles: dict[int, frozenset[bytes]], threshold: float) -> Iterator[tuple[int, int]]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS, weights=_WEIGHTS)
    for number, own in shingles.items():
        sketch = MinHash(num_perm=_PERMUTATIONS)
        sketch.update_batch(own)
        for candidate in sorted(index.query(sketch)):
            other = shingles[candidate]
            common = len(own & other)
            if common >= threshold * (len(own) + len(other) - common):
                yield candidate, number
        index.insert(number, sketch)


class _Union:
    """Disjoint sets of the numbers below `size`; the smallest number of a set stands for it."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low
