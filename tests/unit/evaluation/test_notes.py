from __future__ import annotations

from collections.abc import Callable

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.evaluation.evaluate import Evaluation
from fimiscope.evaluation.intervals import Difference, Interval
from fimiscope.evaluation.notes import parent_note, run_note, told
from fimiscope.records import Verdict

Make = Callable[..., Example]
Say = Callable[..., Verdict]


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


def test_the_weakest_is_of_what_has_enough_gold_texts(codebook: Codebook, example: Make, verdict: Say) -> None:
    common, rare, *_ = codebook.narrative_codes
    # Of each language the flagged texts, how many of them are found, and the others.
    sizes = {"en": (30, 27, 5), "pt/BR": (20, 10, 0), "so": (6, 0, 90)}
    examples: list[Example] = []
    verdicts: list[Verdict] = []
    for language, (flagged, found, others) in sizes.items():
        code = rare if language == "so" else common
        for number in range(flagged + others):
            none = number >= flagged
            said = {"role": "none"} if none else {"role": "carries", "africa": True, "narratives": (code,)}
            place = len(examples)
            examples.append(example(place, language=language, **said))
            verdicts.append(verdict(place, "carries", 0.9, (code,)) if number < found else verdict(place))
    corpus = Corpus(tuple(examples), (), "0" * 32, codebook)
    note = run_note(corpus, [Evaluation.of("model", examples, verdicts, codebook)], None, [])
    # 37 of the 50 texts of the common narrative, and of the 56 that carry one, were found.
    narrative = f"narrative {common} (F1 {2 * 37 / 87:.2f}, 50 gold texts)"
    role = f"role carries (F1 {2 * 37 / 93:.2f}, 56 gold texts)"
    assert f"**Weakest**: language pt/BR (flag F1 0.67, 20 flagged texts); {narrative}; {role}\n" in note


def test_no_slice_is_called_weak_for_a_handful_of_texts(codebook: Codebook, example: Make, verdict: Say) -> None:
    examples = [example(number, role="carries", africa=True) for number in range(19)]
    evaluation = Evaluation.of("model", examples, [verdict(number) for number in range(19)], codebook)
    note = run_note(Corpus(tuple(examples), (), "0" * 32, codebook), [evaluation], None, [])
    assert "**Weakest**: no language, narrative or role has 20 gold texts\n" in note
