"""Where a model is weak: the weakest comes first, small slices are told as counts, and shortcuts stand beside."""

from __future__ import annotations

from collections.abc import Callable

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation import Evaluation
from fimiscope.evaluation.rules import MAJORITY
from fimiscope.evaluation.slices import language_table, narrative_table
from fimiscope.records import Verdict

Make = Callable[..., Example]
Say = Callable[..., Verdict]


def flagged(example: Make, number: int, language: str, narrative: str) -> Example:
    return example(number, language=language, role="carries", africa=True, narratives=(narrative,))


def test_languages_of_many_flags_come_weakest_first_and_small_ones_after(
    codebook: Codebook, example: Make, verdict: Say
) -> None:
    code = codebook.narrative_codes[0]
    languages = ["en"] * 30 + ["fr"] * 25 + ["ha"] * 3 + ["so"] * 5
    examples = [flagged(example, number, language, code) for number, language in enumerate(languages)]
    found = {"en": 0.9, "fr": 0.1, "ha": 0.9, "so": 0.1}
    verdicts = [verdict(number, "carries", found[language], (code,)) for number, language in enumerate(languages)]
    majority = [verdict(number, "carries", 0.9, (code,)) for number in range(len(languages))]
    evaluations = [
        Evaluation.of("model", examples, verdicts, codebook),
        Evaluation.of(MAJORITY, examples, majority, codebook),
    ]
    rows = {str(row[0]): row for row in language_table(evaluations).rows}
    assert list(rows) == ["fr", "en", "so", "ha"]
    assert rows["fr"][1:5] == (25, 25, "0.00 (P 0.00, R 0.00)", f"1.00 ({MAJORITY})")
    assert str(rows["ha"][3]).startswith("3 of 3 [")
    assert rows["so"][4] == f"5 of 5 ({MAJORITY})"


def test_a_narrative_tells_what_is_named_where_it_is_missed(codebook: Codebook, example: Make, verdict: Say) -> None:
    first, second, third, *_ = codebook.narrative_codes
    examples = [flagged(example, number, "en", first if number < 6 else second) for number in range(8)]
    named = [(first,), (third,), (third,), (), (third,), (first,), (second,), (second,)]
    verdicts = [verdict(number, "carries", 0.9, codes) for number, codes in enumerate(named)]
    table = narrative_table([Evaluation.of("model", examples, verdicts, codebook)])
    rows = {str(row[0]): row for row in table.rows}
    assert list(rows) == [first, second]
    assert str(rows[first][2]).startswith("2 of 6 [")
    assert rows[first][3:] == ("–", f"{third} 3, nothing 1")
    assert rows[second][3:] == ("–", "–")
