"""The ceiling stands where the texts come from the shipped annotations, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.corpus.annotated import read_annotations
from fimiscope.evaluation import Evaluation
from fimiscope.evaluation.evaluate import HEADLINES, results_table
from fimiscope.evaluation.judged import judge
from fimiscope.evaluation.second_reader import second_reader_of
from fimiscope.records import Verdict

Make = Callable[..., Example]
Say = Callable[..., Verdict]


def annotated(example: Make, count: int) -> list[Example]:
    keys = list(read_annotations())[:count]
    bare = [example(n, source=corpus) for n, (corpus, _) in enumerate(keys)]
    return [
        replace(one, article=replace(one.article, id=identity)) for one, (_, identity) in zip(bare, keys, strict=True)
    ]


def test_annotated_texts_have_a_second_reader(codebook: Codebook, example: Make, verdict: Say) -> None:
    examples = annotated(example, 3)
    table = results_table([Evaluation.of("a model", examples, [verdict(n) for n in range(3)], codebook)])
    rows = {str(row[0]): dict(zip(HEADLINES, row[1:], strict=True)) for row in table.rows}
    assert list(rows) == ["a model", "second reader", "second reader, hard texts"]
    assert rows["second reader"]["role/macro_f1"] == "agreement 0.91, kappa 0.87"
    assert rows["second reader"]["flag/f1"] == "0.88"
    assert rows["second reader, hard texts"]["role/macro_f1"] == "agreement 0.86"
    assert rows["second reader, hard texts"]["flag/f1"] == "0.79"
    assert "2,054" in table.note


def test_one_other_text_among_them_takes_it_away(codebook: Codebook, example: Make, verdict: Say) -> None:
    examples = [*annotated(example, 3), example(4, source="mine")]
    assert second_reader_of(judge(examples, [verdict(n) for n in range(4)], codebook)) is None
    assert second_reader_of(judge([], [], codebook)) is None
