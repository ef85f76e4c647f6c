"""Which texts are copies of one another but for a few words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Iterator, Sequence

from fimiscope.corpus.examples import Record
from fimiscope.errors import MissingExtra

_LINK = re.compile(r"https?://\S+|www\.\S+")
_NUMBER = re.compile(r"\d+")
# Accents and tones, and the vowel signs of Hebrew and Arabic, which one copy may write and another not.
_MARKS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]+")
# Chinese and Japanese write no spaces, so there each character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])[^\W_])+")
_LONG = 40
_LONG_SHINGLE = 5
_SHORT_SHINGLE = 3
_PERMUTATIONS = 128
_MISSED = 0.001


def cluster(texts: Sequence[str], families: Sequence[Hashable | None], threshold: float) -> list[int]:
    """Number each text's cluster by the index of the cluster's first text.

    Two texts are near-copies when the Jaccard similarity of their word shingles reaches `threshold`; case, accents,
    punctuation, links and the digits of numbers do not count. Shingles are five words long, three in texts of fewer
    than 40 words, and the whole text where it is shorter than that. Near-copies of near-copies are in one cluster,
    and texts of one family (equal, not `None`) always are.

    Raises:
        MissingExtra: datasketch is not installed.
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


def groups(records: Sequence[Record], threshold: float) -> list[str]:
    """The name of each record's group, of near-copies and families: the first family in it, or else its first text.

    Texts that are alike as far as their labels cover them, which is what a model learns from, are near-copies too.
    """
    families: list[Hashable] = [(number,) if r.family is None else r.family for number, r in enumerate(records)]
    cut = [number for number, record in enumerate(records) if record.labelled_to < len(record.article.text)]
    texts = [record.article.text for record in records]
    beginnings = [texts[number][: records[number].labelled_to] for number in cut]
    found = cluster([*texts, *beginnings], [*families, *(families[number] for number in cut)], threshold)
    clusters = found[: len(records)]
    names: dict[int, str] = {}
    for record, number in zip(records, clusters, strict=True):
        if record.family is not None:
            names.setdefault(number, record.family)
    return [names.get(number, f"{records[number].source}/{records[number].article.id}") for number in clusters]


def joined(groups: Sequence[Hashable], pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Number each text's group, joined to others by the pairs, by the index of its first text."""
    clusters = _Union(len(groups))
    first_of: dict[Hashable, int] = {}
    for index, group in enumerate(groups):
        clusters.join(index, first_of.setdefault(group, index))
    for pair in pairs:
        clusters.join(*pair)
    return [clusters.root(index) for index in range(len(groups))]


def _words(text: str) -> list[str]:
    text = _NUMBER.sub("0", _LINK.sub(" ", text)).casefold()
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return _WORD.findall(text)


def _shingles(words: list[str], text: str, size: int) -> frozenset[bytes]:
    if not words:
        return frozenset([text.strip().encode("utf-8", "replace")])
    last = max(1, len(words) - size + 1)
    return frozenset(" ".join(words[start : start + size]).encode("utf-8", "replace") for start in range(last))


def _near(shingles: dict[int, frozenset[bytes]], threshold: float) -> Iterator[tuple[int, int]]:
    try:
        from datasketch import MinHash, MinHashLSH
    except ModuleNotFoundError as error:
        raise MissingExtra("datasketch", "review") from error
    index = MinHashLSH(num_perm=_PERMUTATIONS, params=_bands(threshold))
    blank = MinHash(num_perm=_PERMUTATIONS)
    for number, own in shingles.items():
        sketch = blank.copy()
        sketch.update_batch(own)
        for candidate in sorted(index.query(sketch)):
            other = shingles[candidate]
            common = len(own & other)
            if common >= threshold * (len(own) + len(other) - common):
                yield candidate, number
        index.insert(number, sketch)


def _bands(threshold: float) -> tuple[int, int]:
    """Bands and their rows: as many rows as leave at most one in 1,000 pairs at the threshold without a common band.

    A missed copy is a leak; a false candidate costs one exact comparison.
    """
    rows = 1
    while rows < _PERMUTATIONS // 2 and (1 - threshold ** (rows + 1)) ** (_PERMUTATIONS // (rows + 1)) <= _MISSED:
        rows += 1
    return _PERMUTATIONS // rows, rows


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
