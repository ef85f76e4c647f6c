"""The worst errors: which decisions count, in which order, and how much of an article they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.mistakes import ANNOTATED, MOST, mistake_table, worst_mistakes
from fimiscope.records import Evidence, Span, Verdict

Make = Callable[..., Example]
Say = Callable[..., Verdict]
TEXT = "[Invented] Rain fell on Kolo. The far bank wants our mines. Nobody answered it."
CLAIM = "The far bank wants our mines."


def test_the_surest_wrong_decision_comes_first(codebook: Codebook, example: Make, verdict: Say) -> None:
    carried = {"role": "carries", "africa": True}
    surely_none = {"none": 0.98, "carries": 0.01}
    pairs = [
        (example(0, **carried), verdict(0, "carries", 0.9)),
        (example(1, **carried), verdict(1, "none", 0.3)),
        (example(2, **carried), replace(verdict(2, "none", 0.2), role=surely_none)),
        (example(3, africa=True), verdict(3, "none", 0.97)),
        (example(4, **carried), verdict(4, "none", 0.5, status="abstained", flag=None)),
        (example(5, **carried), Verdict("text 5", "failed", "empty")),
        (example(6, role=None, africa=None), verdict(6, "carries", 0.9)),
    ]
    found = worst_mistakes(*zip(*pairs, strict=True), codebook, texts=True)
    assert [one.verdict.id for one in found] == ["text 2", "text 3", "text 1"]
    assert [one.wrong for one in found] == [("role", "flag"), ("flag",), ("role", "flag")]
    assert found[0].loss == pytest.approx(-log(0.01))
    assert found[1].loss == pytest.approx(-log(0.03))


def test_no_more_are_kept_than_are_read(codebook: Codebook, example: Make, verdict: Say) -> None:
    examples = [example(number, africa=True) for number in range(MOST + 5)]
    verdicts = [verdict(number, "none", 0.6 + number / 1000) for number in range(MOST + 5)]
    found = worst_mistakes(examples, verdicts, codebook, texts=True)
    assert len(found) == len(mistake_table(found).rows) == MOST
    assert found[0].verdict.id == f"text {MOST + 4}"


@pytest.fixture
def misread(example: Make, verdict: Say) -> tuple[Example, Verdict]:
    """The model shows a whole sentence and the title; a part of the sentence and the last words are annotated."""
    start = TEXT.index(CLAIM)
    bare = example(1, role="rebuts", africa=True, evidence=(Span(start, start + 12), Span(len(TEXT) - 3, len(TEXT))))
    gold = replace(bare, article=replace(bare.article, text=TEXT, title="[Invented] Mines"), labelled_to=len(TEXT))
    evidence = (
        Evidence(start, start + len(CLAIM), CLAIM, "role", 0.9),
        Evidence(11, 16, "Mines", "role", 0.4, "title"),
    )
    return gold, verdict(1, "carries", 0.9, evidence=evidence)


def test_windows_are_the_evidence_and_nothing_around_it(codebook: Codebook, misread: tuple[Example, Verdict]) -> None:
    [mistake] = worst_mistakes([misread[0]], [misread[1]], codebook, texts=True)
    shown = [[(piece.text, piece.heads) for piece in window.pieces] for window in mistake.windows]
    assert shown == [
        [("Mines", ("role",))],
        [("The far bank", ("role", ANNOTATED)), (" wants our mines.", ("role",))],
        [("it.", (ANNOTATED,))],
    ]
    [row] = mistake_table([mistake]).rows
    assert row[-1] == f"Mines … {CLAIM} … it."


def test_without_texts_only_places_are_told(codebook: Codebook, misread: tuple[Example, Verdict]) -> None:
    [mistake] = worst_mistakes([misread[0]], [misread[1]], codebook, texts=False)
    start = TEXT.index(CLAIM)
    assert [(one.field, one.start, one.end) for one in mistake.windows][1] == ("text", start, start + len(CLAIM))
    assert not any(window.pieces for window in mistake.windows)
    [row] = mistake_table([mistake]).rows
    assert row[-1] == ""


def test_a_role_given_without_probability_comes_last(codebook: Codebook, example: Make) -> None:
    """As verdicts in a file may have it."""
    examples = [example(number, role="carries", africa=True) for number in range(2)]
    verdicts = [
        Verdict("text 0", "scored", flag=True, flag_probability=0.9, role_label="rebuts"),
        Verdict("text 1", "scored", flag=False, flag_probability=0.4, role_label="carries"),
    ]
    found = worst_mistakes(examples, verdicts, codebook, texts=True)
    assert [(one.verdict.id, one.wrong) for one in found] == [("text 1", ("flag",)), ("text 0", ("role",))]
