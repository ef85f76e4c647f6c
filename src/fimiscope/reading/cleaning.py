"""Scrape noise masked, with every character that stays traceable to the article as it was given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fimiscope.reading.debris import LINE_RULES, LINK_RULE
from fimiscope.reading.edges import END_RULE, TOP_RULES
from fimiscope.reading.noise import CHARACTER_RULES, INLINE_RULES, MARKER_RULE, Edit, Rule
from fimiscope.records import Span

Offsets = NDArray[np.int64]

_NEWLINE = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Begins with one class, which the engine finds faster than alternatives: two or more, or one that is odd.
_ODD_SPACE = re.compile(r"\s(?:\s+|(?<=[^\S \n]))")


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """A text without its scrape noise.

    Attributes:
        text: what is left. Nothing is added, and only white space and decoded HTML entities differ from the original.
        origin: shape (len(text) + 1,): index in the original of each character, then the end of the last one.
        ends: shape (len(text),): end in the original of each character; one past its origin but for decoded entities.
    """

    text: str
    origin: Offsets
    ends: Offsets

    def to_original(self, start: int, end: int) -> Span:
        """The span of the original that cleaned characters `start` to `end` (exclusive) came from.

        Raises:
            ValueError: the offsets are not those of a slice of `text`.
        """
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"no slice {start}:{end} in a cleaned text of {len(self.text)} characters")
        first = int(self.origin[start])
        return Span(first, first if start == end else int(self.ends[end - 1]))

    def to_cleaned(self, start: int, end: int) -> Span:
        """Where the original's characters `start` to `end` (exclusive) are in `text`; empty when none was kept."""
        places = self.origin[:-1]
        return Span(int(np.searchsorted(places, start)), int(np.searchsorted(places, end)))


def clean(text: str) -> Cleaned:
    """Mask what scraping and publishing left around an article, and keep its sentences.

    Masked are tags and template marks, invisible and control characters, repeated white space (a paragraph break
    becomes one line feed), addresses and account names, wire prefixes, dates that stand alone on top, buttons and
    invitations to share, follow, subscribe or read something else, and lists of sources or links at the end.
    A text of nothing but these comes out empty.
    """
    draft = _Draft.of(text)
    for _, rule in RULES:
        draft = draft.without(rule(draft.text))
    return draft.cleaned()


def _spaces(text: str) -> Iterable[Edit]:
    for found in _ODD_SPACE.finditer(text):
        space = found[0]
        yield found.start(), found.end(), "\n" if "\n" in space or _NEWLINE.search(space) else " "


def _edges(text: str) -> Iterable[Edit]:
    kept = text.strip()
    start = text.find(kept) if kept else len(text)
    yield 0, start, ""
    yield start + len(kept), len(text), ""


RULES: tuple[tuple[str, Rule], ...] = (
    *CHARACTER_RULES,
    ("white space", _spaces),
    *INLINE_RULES,
    *TOP_RULES,
    *LINE_RULES,
    END_RULE,
    LINK_RULE,
    MARKER_RULE,
    ("white space again", _spaces),
    ("edges", _edges),
)
"""Name and rule of every step, in order; a rule gives the edits that it makes to a text."""


@dataclass(frozen=True, slots=True)
class _Draft:
    text: str
    starts: Offsets
    ends: Offsets

    @classmethod
    def of(cls, text: str) -> _Draft:
        starts = np.arange(len(text), dtype=np.int64)
        return cls(text, starts, starts + 1)

    def without(self, edits: Iterable[Edit]) -> _Draft:
        """The draft after `edits`, which come in order; one that overlaps an earlier one is left out."""
        edits = list(edits)
        if not edits:
            return self
        words: list[str] = []
        kept = np.ones(len(self.text), dtype=np.bool_)
        ends = self.ends
        at = 0
        for start, end, new in edits:
            if start < at or start == end:
                continue
            words += [self.text[at:start], new]
            kept[start + len(new) : end] = False
            # A space stands for its first character alone, so that no span reaches over what was masked after it.
            if new and not new.isspace():
                ends = ends.copy() if ends is self.ends else ends
                ends[start] = self.ends[end - 1]
            at = end
        if not words:
            return self
        words.append(self.text[at:])
        return _Draft("".join(words), self.starts[kept], ends[kept])

    def cleaned(self) -> Cleaned:
        last = self.ends[-1:] if len(self.ends) else np.zeros(1, dtype=np.int64)
        return Cleaned(self.text, np.concatenate([self.starts, last]), self.ends)
