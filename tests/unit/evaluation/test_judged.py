"""Gold labels beside verdicts: what failed and what was left open count against the model, unlabelled fields do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.judged import judge
from fimiscope.records import Verdict


def test_a_failed_article_counts_as_clear(codebook: Codebook, example: Callable[..., Example]) -> None:
    judged = judge([example(1, role="carries", africa=True)], [Verdict("text 1", "failed", "empty")], codebook)
    assert judged.flag.tolist() == [True]
    assert judged.flag_given.tolist() == [False]
    assert judged.flag_probability.tolist() == [0]
    assert codebook.role_codes[judged.heads["role"].given[0].argmax()] == "none"
    assert judged.failed.tolist() == [True]
    assert judged.abstained.tolist() == [False]


def test_an_undecided_article_counts_as_clear_and_keeps_its_rank(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    undecided = verdict(1, "carries", 0.6, status="abstained", flag=None)
    judged = judge([example(1, role="carries", africa=True)], [undecided], codebook)
    assert judged.flag_given.tolist() == [False]
    assert judged.flag_probability.tolist() == [0.6]
    assert judged.abstained.tolist() == [True]


def test_unlabelled_fields_are_known_to_be_unknown(
    codebook: Codebook, example: Callable[..., Example], verdict: Callable[..., Verdict]
) -> None:
    gold = example(1, role=None, actors=None, narratives=None, africa=True, evidence=None)
    judged = judge([gold], [verdict(1)], codebook)
    assert judged.heads["role"].known.tolist() == [False]
    assert judged.flag_known.tolist() == [False]
    assert [judged.heads[name].known.all() for name in ("actors", "narratives", "africa")] == [False, False, True]
    assert np.isnan(judged.evidence).all()


def test_rows_can_be_taken_in_any_order_and_more_than_once(
    codebook: Codebook, many: list[tuple[Example, Verdict]]
) -> None:
    judged = judge(*zip(*many, strict=True), codebook)
    part = judged.take(np.array([5, 2, 2]))
    assert part.ids == ("text 5", "text 2", "text 2")
    assert part.flag_probability.tolist() == judged.flag_probability[[5, 2, 2]].tolist()
    assert part.heads["narratives"].gold.shape == (3, 10)
    assert len(part) == 3


def test_each_article_needs_a_verdict(codebook: Codebook, example: Callable[..., Example]) -> None:
    with pytest.raises(ValueError, match="shorter"):
        judge([example(1)], [], codebook)


def test_no_articles_give_empty_arrays(codebook: Codebook) -> None:
    judged = judge([], [], codebook)
    assert len(judged) == 0
    assert judged.narrative_probability.shape == (0, 10)
    assert judged.heads["actors"].gold.shape == (0, 2)
