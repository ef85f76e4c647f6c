from __future__ import annotations

from fimiscope.evaluation.intervals import Difference, Interval
from fimiscope.evaluation.notes import parent_note, told


def difference(value: float, low: float, high: float, p: float) -> Difference:
    return Difference(Interval(value, low, high), p)


def test_a_sentence_says_who_is_better_and_whether_it_is_real() -> None:
    better = told("new", "old", {"flag/pr_auc": difference(0.1, 0.02, 0.18, 0.01)}, 300)
    assert better.startswith("new is better than old in flag PR-AUC by 0.100 ([+0.020, +0.180], p = 0.010)")
    assert "the difference is real" in better
    sure = told("new", "old", {"flag/pr_auc": difference(0.1, 0.02, 0.18, 0.0)}, 300)
    assert "p < 0.001)" in sure
    worse = told("new", "old", {"flag/pr_auc": difference(-0.1, -0.18, -0.02, 0.01)}, 300)
    assert worse.startswith("old is better than new in flag PR-AUC by 0.100")
    alike = told("new", "old", {"flag/pr_auc": difference(0.1, -0.02, 0.22, 0.1)}, 300)
    assert alike.startswith("new and old cannot be told apart in flag PR-AUC on these 300 texts: they differ by +0.100")


def test_without_flagged_texts_another_figure_is_told() -> None:
    assert "in role F1 (macro) by" in told("a", "b", {"role/macro_f1": difference(0.1, 0.02, 0.18, 0.01)}, 9)
    assert told("a", "b", {}, 9) == "No figure can be measured on these 9 texts for both."


def test_the_note_of_a_parent_gives_mean_spread_and_order() -> None:
    children = {"blog": {"flag/pr_auc": 0.4, "flag/f1": 0.5}, "wire": {"flag/pr_auc": 0.8}}
    note = parent_note("folds", children, ["wire"])
    assert "**Runs**: 2 folds; trained before, and measured as they are: wire\n" in note
    assert "flag PR-AUC 0.60 ± 0.28, flag F1 0.50 (of 1)\n" in note
    assert "**From worst to best**: blog 0.40, wire 0.80\n" in note
