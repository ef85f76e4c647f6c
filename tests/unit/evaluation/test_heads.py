"""Means over classes that are large enough, and over languages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.heads import LARGE, class_counts
from fimiscope.evaluation.judged import judge
from fimiscope.evaluation.metrics import all_metrics
from fimiscope.records import Verdict

Make = Callable[..., Example]
Say = Callable[..., Verdict]


def test_a_small_class_does_not_enter_the_mean(codebook: Codebook, example: Make, verdict: Say) -> None:
    roles = ["none"] * LARGE + ["carries"] * LARGE + ["rebuts"] * (LARGE - 1)
    gold = [example(n, role=role) for n, role in enumerate(roles)]
    said = [verdict(n, "none" if role == "rebuts" else role) for n, role in enumerate(roles)]
    figures = all_metrics(judge(gold, said, codebook))
    none = 2 * LARGE / (LARGE + 2 * LARGE - 1)
    assert figures["role/macro_f1"] == pytest.approx((1 + none) / 2)
    assert figures["role/macro_f1_all"] == pytest.approx((1 + none + 0) / 3)
    assert figures["role/rebuts/texts"] == LARGE - 1
    counts = class_counts(judge(gold, said, codebook).heads["role"])
    assert (counts["rebuts"].gold, counts["rebuts"].both, counts["none"].given) == (LARGE - 1, 0, 2 * LARGE - 1)


def test_one_large_class_is_no_mean(codebook: Codebook, example: Make, verdict: Say) -> None:
    """A corpus that is nearly all `none` must not look solved."""
    roles = ["none"] * 50 + ["carries"] * 3
    gold = [example(n, role=role) for n, role in enumerate(roles)]
    figures = all_metrics(judge(gold, [verdict(n) for n in range(len(roles))], codebook))
    assert "role/macro_f1" not in figures
    assert "role/macro_f1_languages" not in figures
    assert figures["role/macro_f1_all"] < 0.5


def test_languages_count_alike_whatever_their_size(codebook: Codebook, example: Make, verdict: Say) -> None:
    """Right in all English texts, wrong in all French ones, which are a fifth."""
    gold, said = [], []
    for number in range(200):
        role = ("none", "carries")[number % 2]
        french = number >= 160
        gold.append(example(number, role=role, africa=True, language="fr" if french else "en"))
        wrong = "carries" if role == "none" else "none"
        given = wrong if french else role
        said.append(verdict(number, given, 0.9 if given == "carries" else 0.1))
    figures = all_metrics(judge(gold, said, codebook))
    assert figures["role/macro_f1"] == pytest.approx(0.8)
    assert figures["role/macro_f1_languages"] == pytest.approx(0.5)
    assert figures["flag/f1_languages"] == pytest.approx(0.5)


def test_a_language_with_one_large_class_does_not_count(codebook: Codebook, example: Make, verdict: Say) -> None:
    gold = [example(n, role=("none", "carries")[n % 2]) for n in range(40)]
    said = [verdict(n, "none") for n in range(40)]
    alone = all_metrics(judge(gold, said, codebook))["role/macro_f1_languages"]
    gold += [example(n, role="none", language="pcm") for n in range(40, 80)]
    said += [verdict(n, "none") for n in range(40, 80)]
    assert all_metrics(judge(gold, said, codebook))["role/macro_f1_languages"] == alone


def test_the_likeliest_narrative_needs_a_probability(codebook: Codebook, example: Make, verdict: Say) -> None:
    first = codebook.narrative_codes[0]
    gold = [example(n, role="carries", narratives=(first,)) for n in range(2)]
    said = [verdict(0, "carries", narratives=(first,)), Verdict("text 1", "failed", "empty")]
    assert all_metrics(judge(gold, said, codebook))["narratives/top1"] == 0.5
    assert np.isfinite(all_metrics(judge(gold, said, codebook))["role/kappa"])
