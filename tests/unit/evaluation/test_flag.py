"""The flag's figures at hand-made cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.judged import judge
from fimiscope.evaluation.metrics import Metrics, all_metrics
from fimiscope.records import Verdict


@pytest.fixture
def figures(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> Callable[..., Metrics]:
    def make(pairs: Sequence[tuple[bool, float]], undecided: Sequence[int] = ()) -> Metrics:
        gold = [example(n, role="carries" if flag else "none", africa=True) for n, (flag, _) in enumerate(pairs)]
        said = [verdict(n, "carries", probability) for n, (_, probability) in enumerate(pairs)]
        for number in undecided:
            said[number] = replace(said[number], status="abstained", flag=None)
        return all_metrics(judge(gold, said, codebook))

    return make


def test_recall_at_a_precision_is_the_best_that_keeps_it(figures: Callable[..., Metrics]) -> None:
    # Nine right of the first ten, then a wrong one, then the last of ten flagged texts.
    pairs = [(True, 0.99)] * 8 + [(False, 0.95), (True, 0.9), (False, 0.8), (True, 0.7)]
    assert figures(pairs)["flag/recall_at_precision_90"] == pytest.approx(0.9)
    assert figures([(False, 0.9), (True, 0.8)])["flag/recall_at_precision_90"] == 0


def test_equal_probabilities_stand_or_fall_together(figures: Callable[..., Metrics]) -> None:
    assert figures([(True, 0.9), (False, 0.9)])["flag/recall_at_precision_90"] == 0


def test_coverage_is_what_the_surest_verdicts_reach(figures: Callable[..., Metrics]) -> None:
    # In the order of confidence: two right flags, six right clears, then a wrong flag, then a right clear.
    pairs = [(True, 0.98), (True, 0.97), *[(False, 0.05)] * 6, (False, 0.9), (False, 0.2)]
    found = figures(pairs)
    assert found["flag/coverage_at_precision_90"] == pytest.approx(0.8)
    assert found["flag/recall_at_coverage"] == 1


def test_coverage_needs_a_flag_and_rightly_clear_texts(figures: Callable[..., Metrics]) -> None:
    none_flagged = figures([(True, 0.3), *[(False, 0.05)] * 9])
    assert none_flagged["flag/coverage_at_precision_90"] == none_flagged["flag/recall_at_coverage"] == 0
    wrongly_clear = figures([(True, 0.01), (True, 0.9)])
    assert wrongly_clear["flag/coverage_at_precision_90"] == 0


def test_what_the_model_left_open_is_not_covered(figures: Callable[..., Metrics]) -> None:
    pairs = [(True, 0.9), (True, 0.6), (False, 0.1), (False, 0.4)]
    assert figures(pairs)["flag/coverage_at_precision_90"] == 1
    assert figures(pairs, undecided=(1, 3))["flag/coverage_at_precision_90"] == 0.5
    nothing_decided = figures(pairs, undecided=range(4))
    assert nothing_decided["flag/coverage_at_precision_90"] == 0
    assert "flag/f1_decided" not in nothing_decided
