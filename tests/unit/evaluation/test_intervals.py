"""How sure a figure is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.errors import CorpusError
from fimiscope.evaluation.intervals import differences, intervals, wilson
from fimiscope.evaluation.judged import Judged, judge
from fimiscope.evaluation.metrics import drawn, headline
from fimiscope.evaluation.resampling import draws
from fimiscope.records import Verdict

DRAWS = 120


@pytest.fixture(scope="module")
def judged(codebook: Codebook, many: list[tuple[Example, Verdict]]) -> Judged:
    return judge(*zip(*many, strict=True), codebook)


def test_an_interval_holds_its_figure(judged: Judged) -> None:
    found = intervals(judged, resamples=DRAWS)
    assert {name: interval.value for name, interval in found.items()} == headline(judged)
    for interval in found.values():
        assert interval.low <= interval.value <= interval.high <= 1


def test_intervals_are_the_same_for_the_same_seed(judged: Judged) -> None:
    one, same, other = (intervals(judged, seed=seed, resamples=30) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_units_are_drawn_whole(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    """Many copies of few stories say less than as many stories: the interval is wider."""

    def width(group: Callable[[int], str]) -> float:
        gold = [example(n, role="carries", africa=True, group=group(n)) for n in range(60)]
        said = [verdict(n, "carries", 0.9 if (n // 10) % 2 else 0.1) for n in range(60)]
        interval = intervals(judge(gold, said, codebook), resamples=DRAWS)["flag/f1"]
        return interval.high - interval.low

    assert width(lambda n: f"story {n // 10}") > 1.5 * width(lambda n: f"story {n}")


def shares(units: int, codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]) -> Judged:
    """Ten texts a unit, all flagged in truth; of unit n the model finds n + 1."""
    texts = range(10 * units)
    gold = [example(n, role="carries", africa=True, group=f"story {n // 10}") for n in texts]
    said = [verdict(n, "carries", 0.9 if n % 10 <= n // 10 else 0.1) for n in texts]
    return judge(gold, said, codebook)


def test_few_units_widen_the_interval(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    judged = shares(8, codebook, example, verdict)
    found = intervals(judged)["flag/f1"]
    often = np.concatenate(list(draws(judged.units, 2000, 0)))
    low, high = np.quantile(drawn(judged, often)["flag/f1"], [0.025, 0.975])
    assert found.low < low - 0.02
    assert found.high > high + 0.02


def test_too_few_units_have_no_interval_and_no_difference(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    judged = shares(5, codebook, example, verdict)
    perfect = replace(judged, flag_given=judged.flag)
    assert str(intervals(judged)["flag/f1"]) == f"{headline(judged)['flag/f1']:.2f}"
    difference = differences(perfect, judged)["flag/f1"]
    assert difference.interval.value > 0.3
    assert (difference.real, difference.p) == (False, 1)


def test_a_model_does_not_differ_from_itself(judged: Judged) -> None:
    for difference in differences(judged, judged, resamples=30).values():
        assert difference.interval.value == difference.interval.low == difference.interval.high == 0
        assert difference.p == 1
        assert not difference.real


def test_a_better_model_differs_in_the_right_direction(
    judged: Judged, codebook: Codebook, many: list[tuple[Example, Verdict]], verdict: Callable[..., Verdict]
) -> None:
    examples = [gold for gold, _ in many]
    perfect = [
        verdict(n, e.labels.role, 0.99 if codebook.flagged(e.labels) else 0.01, e.labels.narratives or ())
        for n, e in enumerate(examples)
    ]
    best = judge(examples, perfect, codebook)
    ahead = differences(best, judged, resamples=DRAWS)["flag/f1"]
    behind = differences(judged, best, resamples=DRAWS)["flag/f1"]
    assert ahead.real
    assert ahead.p < 0.05
    assert ahead.interval.low > 0
    assert behind.interval.value == pytest.approx(-ahead.interval.value)
    assert (behind.interval.low, behind.interval.high) == pytest.approx((-ahead.interval.high, -ahead.interval.low))


def test_other_articles_cannot_be_compared(judged: Judged) -> None:
    with pytest.raises(CorpusError, match="same articles"):
        differences(judged, judged.take(np.arange(5)))


def test_a_figure_is_written_with_its_bounds(judged: Judged) -> None:
    written = str(intervals(judged, resamples=20)["flag/f1"])
    value, low, high = written.replace("[", "").replace("]", "").replace(",", "").split()
    assert float(low) <= float(value) <= float(high)


def test_a_share_of_few_has_an_interval_inside_0_and_1() -> None:
    bounds = {case: (wilson(*case).low, wilson(*case).high) for case in ((0, 10), (5, 10), (10, 10), (1, 1))}
    assert bounds[0, 10] == pytest.approx((0, 0.2775), abs=1e-4)
    assert bounds[5, 10] == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert bounds[10, 10] == pytest.approx((0.7225, 1), abs=1e-4)
    assert bounds[1, 1] == pytest.approx((0.2065, 1), abs=1e-4)
    assert wilson(3, 12).value == 0.25


@pytest.mark.parametrize("hits, of", [(0, 0), (3, 2), (-1, 4)])
def test_no_share_of_nothing_or_of_too_few(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, of)
