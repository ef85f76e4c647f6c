"""Whether the words that a verdict shows are those that annotators marked, beside what chance would show.

A verdict may put forward only what it shows its reader: the spans of the text that it gives as evidence for the role,
each as far as its first `MOST_WORDS` words. Words are what stands between white space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from fimiscope.corpus import Example
from fimiscope.evaluation.weighted import Floats, weighted_mean
from fimiscope.reading import sentences
from fimiscope.records import Verdict

MOST_WORDS = 60
OVERLAP = 0.3
_WORD = re.compile(r"\S+")
_Ints = npt.NDArray[np.int64]
_Words = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How well the evidence shown for one text meets the annotated spans.

    Attributes:
        best: highest intersection over union, in words, of a shown and an annotated span; 0 where nothing is shown.
        strongest: the same of the span that is shown first.
        random: chance that the best of as many spans of the same lengths, laid at random, reaches `OVERLAP`.
        sentences: chance that the best of as many sentences, drawn by lot from those of the text, does; NaN where an
            older version measured.
    """

    best: float
    strongest: float
    random: float
    sentences: float = float("nan")


def overlap_of(example: Example, verdict: Verdict) -> Overlap | None:
    """Compare shown with annotated evidence; `None` where none is annotated."""
    if not example.labels.evidence:
        return None
    text = example.labelled_article().text
    places = np.array([word.span() for word in _WORD.finditer(text)], dtype=np.int64).reshape(-1, 2)
    gold = _in_words([(span.start, span.end) for span in example.labels.evidence], places)
    spans = [(e.start, e.end) for e in verdict.evidence or () if e.head == "role" and e.field == "text"]
    shown = [_cut(span) for span in _in_words(spans, places)]
    overlaps = [max((_overlap(*span, *marked) for marked in gold), default=0.0) for span in shown]
    missed = [1 - _chance(end - start, gold, len(places)) for start, end in shown]
    lots = _in_words([(span.start, span.end) for span in sentences(text)], places)
    return Overlap(
        best=max(overlaps, default=0.0),
        strongest=overlaps[0] if overlaps else 0.0,
        random=1 - float(np.prod(missed)),
        sentences=_chance_by_lot([_hits(_cut(lot), gold) for lot in lots], len(shown)),
    )


def drawn(overlaps: Floats, weights: Floats) -> dict[str, Floats]:
    """Shares of the texts with annotated evidence, one value a row of `weights`.

    Args:
        overlaps: shape (texts, 4), the fields of `Overlap`.
        weights: shape (draws, texts).

    `evidence/hit`: of which a shown span reaches `OVERLAP`; `evidence/hit_strongest`: of which the first one does;
    `evidence/hit_random`: what spans at random would reach; `evidence/hit_random_sentences`: what sentences would.
    """
    if not len(overlaps):
        return {}
    best, strongest, random, sentence = overlaps.T
    return {
        "evidence/hit": weighted_mean((best >= OVERLAP).astype(float), weights),
        "evidence/hit_strongest": weighted_mean((strongest >= OVERLAP).astype(float), weights),
        "evidence/hit_random": weighted_mean(random, weights),
        "evidence/hit_random_sentences": weighted_mean(sentence, weights),
    }


def _in_words(spans: Sequence[tuple[int, int]], places: _Ints) -> list[_Words]:
    """Numbers of the words that each span touches, half-open; spans that touch none are left out."""
    found = [
        (int(np.searchsorted(places[:, 1], start, side="right")), int(np.searchsorted(places[:, 0], end, side="left")))
        for start, end in spans
    ]
    return [(first, end) for first, end in found if first < end]


def _cut(span: _Words) -> _Words:
    start, end = span
    return start, min(end, start + MOST_WORDS)


def _hits(span: _Words, gold: Sequence[_Words]) -> bool:
    return any(_overlap(*span, *marked) >= OVERLAP for marked in gold)


def _overlap(start: int, end: int, other_start: int, other_end: int) -> float:
    shared = max(0, min(end, other_end) - max(start, other_start))
    return shared / (end - start + other_end - other_start - shared)


def _chance(length: int, gold: Sequence[_Words], words: int) -> float:
    """Share of the places where a span of `length` words can lie at which it reaches `OVERLAP`."""
    places = range(words - length + 1)
    return sum(_hits((p, p + length), gold) for p in places) / len(places)


def _chance_by_lot(hits: Sequence[bool], drawn: int) -> float:
    """Chance that one at least of `drawn` different ones is a hit."""
    drawn = min(drawn, len(hits))
    return 1 - comb(len(hits) - sum(hits), drawn) / comb(len(hits), drawn)
