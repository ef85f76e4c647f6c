"""What is gathered of a batch: every article counted once, a fair sample of the flags, and no more memory than that."""

from __future__ import annotations

from collections import Counter

import pytest

from fimiscope.predict.summary import MOST_SAMPLES, BatchSummary, shares, shift
from fimiscope.records import Verdict


def flagged(number: int) -> Verdict:
    return Verdict(str(number), "scored", flag=True, flag_probability=0.9, language="fr")


def test_every_article_is_counted_once_by_its_outcome_and_language() -> None:
    summary = BatchSummary()
    for verdict in (
        flagged(1),
        Verdict("2", "scored", flag=False, language="en"),
        Verdict("3", "abstained", language="fr"),
        Verdict("4", "scored", flag=False),
        Verdict("5", "failed"),
    ):
        summary.add(verdict)
    assert summary.outcomes == {"flagged": 1, "clear": 2, "abstained": 1, "failed": 1}
    assert summary.articles == 5
    assert summary.share("abstained") == 0.2
    assert summary.language_shares() == {"fr": 0.5, "en": 0.25, "unknown": 0.25}
    assert [one.id for one in summary.samples] == ["1"]


def test_a_batch_of_none_has_no_shares() -> None:
    summary = BatchSummary()
    assert (summary.articles, summary.share("flagged"), summary.language_shares()) == (0, 0.0, {})


def test_gated_articles_are_counted_where_there_is_a_gate() -> None:
    with_gate, without = BatchSummary(gate=True), BatchSummary()
    for number in range(4):
        with_gate.add(Verdict(str(number), "scored", flag=False, gate=number > 0))
        without.add(Verdict(str(number), "scored", flag=False))
    assert (with_gate.gated, without.gated) == (3, None)


def test_samples_are_fifty_in_order_the_same_each_time_and_each_as_likely() -> None:
    times = 400
    found: Counter[int] = Counter()
    for turn in range(times):
        summary = BatchSummary()
        # The same flags in another order each time, as another batch would bring them.
        for place in range(200):
            summary.add(flagged((place + turn) % 200))
        assert len(summary.samples) == MOST_SAMPLES
        found.update(int(one.id) for one in summary.samples)
    assert min(found[number] for number in range(200)) > 0
    again = BatchSummary()
    for place in range(200):
        again.add(flagged((place + times - 1) % 200))
    assert again.samples == summary.samples
    in_order = BatchSummary()
    for number in range(1000):
        in_order.add(flagged(number))
    ids = [int(one.id) for one in in_order.samples]
    assert ids == sorted(ids)
    # A sample of the first or last articles alone would lie far from the middle.
    assert 350 < sum(ids) / len(ids) < 650


def test_the_shift_is_half_the_sum_of_the_differences() -> None:
    here, there = {"en": 0.5, "fr": 0.5}, {"fr": 0.75, "ar": 0.25}
    assert shift(here, there) == shift(there, here) == pytest.approx((0.5 + 0.25 + 0.25) / 2)
    assert shift(here, here) == 0
    assert shift({"en": 1.0}, {"fr": 1.0}) == 1
    assert shares({"en": 1, "fr": 3}) == {"fr": 0.75, "en": 0.25}
