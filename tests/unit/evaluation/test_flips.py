from __future__ import annotations

from collections.abc import Callable

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.flips import counted, flips
from fimiscope.evaluation.judged import judge
from fimiscope.records import Verdict


def test_what_flipped_is_told_with_who_is_right(
    example: Callable[..., Example], verdict: Callable[..., Verdict], codebook: Codebook
) -> None:
    gold = [
        example(1, role="carries", africa=True),
        example(2),
        example(3, role="rebuts", africa=True),
        example(4, role="carries", africa=True),
        example(5, role="reports", africa=True),
    ]
    first = [
        verdict(1, "carries", 0.9),
        verdict(2, "none", 0.2),
        verdict(3, "rebuts", 0.8),
        verdict(4, "carries", 0.7, flag=None, status="abstained"),
        verdict(5, "carries", 0.6),
    ]
    second = [
        verdict(1, "reports", 0.3),
        verdict(2, "none", 0.6),
        verdict(3, "rebuts", 0.8),
        verdict(4, "carries", 0.7),
        verdict(5, "rebuts", 0.6),
    ]
    found = flips(judge(gold, first, codebook), judge(gold, second, codebook))
    assert [(flip.row, flip.what, flip.gold, flip.first, flip.second, flip.right) for flip in found] == [
        (0, "flag", "flagged", "flagged", "clear", "first"),
        (1, "flag", "clear", "clear", "flagged", "first"),
        (3, "flag", "flagged", "abstained", "flagged", "second"),
        (0, "role", "carries", "carries", "reports", "first"),
        (4, "role", "reports", "carries", "rebuts", "neither"),
    ]
    assert counted(found) == {
        "flag": {"first": 2, "second": 1, "neither": 0},
        "role": {"first": 1, "second": 0, "neither": 1},
    }


def test_what_is_not_labelled_does_not_flip(
    example: Callable[..., Example], verdict: Callable[..., Verdict], codebook: Codebook
) -> None:
    gold = [example(1, role=None, africa=None), example(2)]
    first = [verdict(1, "carries", 0.9), verdict(2)]
    second = [verdict(1, "none", 0.1), verdict(2)]
    assert flips(judge(gold, first, codebook), judge(gold, second, codebook)) == []
