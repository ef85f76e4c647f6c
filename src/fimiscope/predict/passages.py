"""Stretches of an article around its evidence, for people to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from fimiscope.reading import sentences
from fimiscope.records import Article, Evidence, Span, Verdict

AROUND = 300
LONGEST_EVIDENCE = 1200
_UNCUT = 10_000
MOST_CHARACTERS = 4000
_FIELDS: tuple[Literal["title", "text"], ...] = ("title", "text")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters `start` to `start + len(text)` of an article's `field`: exactly `text`."""

    field: Literal["text", "title"]
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a passage that is evidence for all of `heads`, or for nothing where there are none."""

    text: str
    heads: tuple[str, ...]


def passages(article: Article, verdict: Verdict) -> tuple[Passage, ...]:
    """The sentences around each piece of evidence of a flagged or abstained verdict; nothing for another.

    At most 300 characters on each side, cut at word ends where no sentence begins or ends there. Stretches that
    touch are one passage. The title's come first, then the text's in order; together they have at most 4,000
    characters, and evidence named first is shown first.
    """
    if verdict.outcome not in ("flagged", "abstained"):
        return ()
    wanted: dict[str, list[Span]] = {"title": [], "text": []}
    room = MOST_CHARACTERS
    for piece in verdict.evidence or ():
        text = _text(article, piece.field)
        if any(span.start <= piece.start and piece.end <= span.end for span in wanted[piece.field]):
            continue
        span = _around(text, piece)
        room -= span.end - span.start
        if room < 0:
            break
        wanted[piece.field].append(span)
    return tuple(
        Passage(field, span.start, _text(article, field)[span.start : span.end])
        for field in _FIELDS
        for span in _merged(wanted[field], _text(article, field))
    )


def marked(passage: Passage, evidence: Sequence[Evidence]) -> tuple[Piece, ...]:
    """A passage cut where evidence begins and ends; the pieces joined are the passage."""
    end = passage.start + len(passage.text)
    inside = [
        (max(one.start, passage.start), min(one.end, end), one.head)
        for one in evidence
        if one.field == passage.field and one.start < end and one.end > passage.start
    ]
    edges = sorted({passage.start, end, *(edge for start, stop, _ in inside for edge in (start, stop))})
    return tuple(
        Piece(
            passage.text[left - passage.start : right - passage.start],
            tuple(dict.fromkeys(head for start, stop, head in inside if start <= left and right <= stop)),
        )
        for left, right in pairwise(edges)
    )


def _text(article: Article, field: str) -> str:
    return article.text if field == "text" else article.title or ""


def _around(text: str, piece: Evidence) -> Span:
    """A piece of evidence with the whole sentences within reach on both sides; failing these, the whole words."""
    end = min(piece.end, piece.start + LONGEST_EVIDENCE)
    first, last = max(0, piece.start - AROUND), min(len(text), end + AROUND)
    stretch = text[first:last]
    words = [Span(found.start(), found.end()) for found in _WORD.finditer(stretch)]
    start, stop = first, last
    for near in (words, sentences(stretch, most_words=_UNCUT)):
        # What the edge of the stretch cut off is neither.
        begins = [first + one.start for one in (near[1:] if first else near)]
        ends = [first + one.end for one in (near[:-1] if last < len(text) else near)]
        start = min((one for one in begins if one <= piece.start), default=start)
        stop = max((one for one in ends if one >= end), default=stop)
    return Span(start, stop)


def _merged(spans: Sequence[Span], text: str) -> list[Span]:
    """Spans in order; those that overlap, or that only white space parts, are one."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if merged and not text[merged[-1].end : span.start].strip():
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
