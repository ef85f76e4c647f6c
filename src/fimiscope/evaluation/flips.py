"""Articles of which two models say something different: where one is right and the other is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fimiscope.evaluation.judged import Judged

What = Literal["flag", "role"]
Right = Literal["first", "second", "neither"]
RIGHT: tuple[Right, ...] = ("first", "second", "neither")


@dataclass(frozen=True, slots=True)
class Flip:
    """One article, and one thing of which two models say something different.

    Attributes:
        row: of the article.
        what: the flag or the role.
        gold, first, second: what the labels and the two models say.
        right: which of the models is right.
        moved: how far apart the two models' flag probabilities are.
    """

    row: int
    what: What
    gold: str
    first: str
    second: str
    right: Right
    moved: float


def flips(first: Judged, second: Judged) -> list[Flip]:
    """What flipped in the flag, then in the role; where one model is right before where none is, largest move first.

    An article that a model abstained from, or could not read, counts as clear, as in the figures. Both have judged the
    same articles in the same order.
    """
    moved = np.abs(first.flag_probability - second.flag_probability)
    found = []
    for row in np.flatnonzero((first.flag_given != second.flag_given) & first.flag_known & second.flag_known):
        gold = _FLAG[bool(first.flag[row])]
        mine, theirs = (_FLAG[bool(one.flag_given[row])] for one in (first, second))
        words = (_flag_words(first, int(row)), _flag_words(second, int(row)))
        found.append(Flip(int(row), "flag", gold, *words, right=_right(gold, mine, theirs), moved=float(moved[row])))
    a, b = first.heads["role"], second.heads["role"]
    for row in np.flatnonzero((a.given != b.given).any(axis=1) & a.known & b.known):
        gold, mine, theirs = (a.codes[int(marks[row].argmax())] for marks in (a.gold, a.given, b.given))
        right = _right(gold, mine, theirs)
        found.append(Flip(int(row), "role", gold, mine, theirs, right=right, moved=float(moved[row])))
    return sorted(found, key=lambda flip: (flip.what, flip.right == "neither", -flip.moved))


def counted(found: Sequence[Flip]) -> dict[What, dict[Right, int]]:
    """How many articles flipped in the flag and in the role, by which of the models is right."""
    counts = Counter((flip.what, flip.right) for flip in found)
    return {what: {right: counts[what, right] for right in RIGHT} for what in ("flag", "role")}


_FLAG = {True: "flagged", False: "clear"}


def _flag_words(judged: Judged, row: int) -> str:
    if judged.flag_given[row]:
        return _FLAG[True]
    return "failed" if judged.failed[row] else "abstained" if judged.abstained[row] else _FLAG[False]


def _right(gold: str, first: str, second: str) -> Right:
    return "first" if first == gold else "second" if second == gold else "neither"
