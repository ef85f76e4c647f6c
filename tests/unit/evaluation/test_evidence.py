"""Shown against annotated evidence, in words, beside spans at random."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.evidence import MOST_WORDS, overlap_of
from fimiscope.evaluation.judged import judge
from fimiscope.evaluation.metrics import headline
from fimiscope.records import Evidence, Span, Verdict

Make = Callable[..., Example]
Say = Callable[..., Verdict]

TEXT = " ".join(f"w{number:02}" for number in range(100))


def words(first: int, end: int) -> tuple[int, int]:
    """Characters of words `first` to `end`, exclusive."""
    return 4 * first, 4 * end - 1


@pytest.fixture
def marked(example: Make) -> Example:
    """A text of a hundred words, of which 10 to 19 and 90 to 99 are annotated."""
    bare = example(1, role="carries", africa=True, evidence=(Span(*words(10, 20)), Span(*words(90, 100))))
    return replace(bare, article=replace(bare.article, text=TEXT), labelled_to=len(TEXT))


def shown(verdict: Say, *spans: tuple[int, int], **rest: str) -> Verdict:
    return verdict(1, "carries", evidence=[Evidence(*words(*span), "", "role", 0.5, **rest) for span in spans])


@pytest.mark.parametrize(
    ("span", "overlap"),
    [((10, 20), 1), ((15, 25), 1 / 3), ((0, 10), 0), ((5, 25), 1 / 2), ((90, 100), 1), ((8, 10), 0)],
)
def test_overlap_is_counted_in_words(marked: Example, verdict: Say, span: tuple[int, int], overlap: float) -> None:
    assert overlap_of(marked, shown(verdict, span)).best == pytest.approx(overlap)


def test_a_word_counts_when_a_span_touches_it(marked: Example, verdict: Say) -> None:
    start, end = words(10, 20)
    half = verdict(1, "carries", evidence=[Evidence(start + 1, end - 2, "", "role", 0.5)])
    assert overlap_of(marked, half).best == 1


def test_the_best_of_what_is_shown_counts_and_the_strongest_apart(marked: Example, verdict: Say) -> None:
    found = overlap_of(marked, shown(verdict, (40, 50), (10, 20), (60, 70)))
    assert (found.best, found.strongest) == (1, 0)


def test_only_the_role_and_the_text_count(marked: Example, verdict: Say) -> None:
    narrative = verdict(1, "carries", evidence=[Evidence(*words(10, 20), "", "bio-health", 0.9)])
    assert overlap_of(marked, narrative).best == 0
    assert overlap_of(marked, shown(verdict, (10, 20), field="title")).best == 0


def test_a_long_span_is_cut(marked: Example, verdict: Say) -> None:
    """Who shows the whole text shows nothing: it counts as far as its first words."""
    assert overlap_of(marked, shown(verdict, (0, 100))).best == pytest.approx(10 / MOST_WORDS)


def test_chance_is_that_of_every_place_where_a_span_can_lie(marked: Example, verdict: Say) -> None:
    one = overlap_of(marked, shown(verdict, (40, 50))).random
    # Ten words reach 0.3 with five of them in common: eleven places around the first span, six before the second's end.
    places = np.arange(91)
    expected = np.mean((abs(places - 10) <= 5) | (places >= 85))
    assert one == pytest.approx(expected)
    three = overlap_of(marked, shown(verdict, (40, 50), (30, 40), (60, 70))).random
    assert three == pytest.approx(1 - (1 - expected) ** 3)


def test_sentences_by_lot_are_different_ones(example: Make, verdict: Say) -> None:
    """Four sentences of ten words, the second annotated."""
    text = " ".join(" ".join([f"W{number}", *["word"] * 8, "end."]) for number in range(4))
    ends = [place.end() for place in re.finditer(r"end\.", text)]
    bare = example(1, role="carries", africa=True, evidence=(Span(ends[0] + 1, ends[1]),))
    marked = replace(bare, article=replace(bare.article, text=text), labelled_to=len(text))
    whole = [Evidence(end - 10, end, "", "role", 0.5) for end in ends]

    def by_lot(shown: int) -> float:
        return overlap_of(marked, verdict(1, "carries", evidence=whole[:shown])).sentences

    assert [by_lot(shown) for shown in range(5)] == pytest.approx([0, 1 / 4, 1 / 2, 3 / 4, 1])


def test_shares_are_over_the_texts_with_annotated_evidence(
    codebook: Codebook, marked: Example, example: Make, verdict: Say
) -> None:
    gold = [marked, marked, marked, example(2)]
    said = [shown(verdict, (10, 20)), shown(verdict, (50, 60), (92, 100)), verdict(1), verdict(2)]
    figures = headline(judge(gold, said, codebook))
    assert figures["evidence/hit"] == pytest.approx(2 / 3)
    assert figures["evidence/hit_strongest"] == pytest.approx(1 / 3)
    assert 0 < figures["evidence/hit_random"] < 0.4


def test_no_annotated_evidence_no_figure(codebook: Codebook, example: Make, verdict: Say) -> None:
    assert overlap_of(example(1), verdict(1)) is None
    assert "evidence/hit" not in headline(judge([example(1)], [verdict(1)], codebook))
