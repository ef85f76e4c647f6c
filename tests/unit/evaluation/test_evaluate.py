"""A model against labelled articles, and the tables people read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.examples import PARTS
from fimiscope.evaluation import Evaluation, evaluate
from fimiscope.evaluation.evaluate import (
    HEADLINES,
    count_table,
    evaluate_shortcuts,
    learned_from,
    paired_table,
    results_table,
)
from fimiscope.predict import Predictor
from fimiscope.records import Verdict


@pytest.fixture(scope="module")
def evaluation(tiny_bundle: Path, tiny_corpus: Corpus) -> Evaluation:
    return evaluate(Predictor.load(tiny_bundle), tiny_corpus.part("test"), name="tiny model")


def test_every_article_is_scored_in_order(evaluation: Evaluation, tiny_corpus: Corpus) -> None:
    test = tiny_corpus.part("test")
    assert [verdict.id for verdict in evaluation.verdicts] == [example.article.id for example in test]
    assert evaluation.metrics["articles"] == len(test)
    assert {"role/macro_f1_all", "flag/f1", "flag/pr_auc", "narratives/samples_f1"} <= set(evaluation.metrics)


def test_no_more_is_read_than_the_labels_cover(tiny_bundle: Path, tiny_corpus: Corpus) -> None:
    from dataclasses import replace

    example = tiny_corpus.part("test")[0]
    longer = replace(
        example,
        article=replace(example.article, text=example.article.text + " A second story follows here." * 9),
        labelled_to=len(example.article.text),
    )
    predictor = Predictor.load(tiny_bundle)
    one, other = (evaluate(predictor, [each]).verdicts[0] for each in (example, longer))
    assert one.flag_probability == other.flag_probability
    assert one.evidence == other.evidence


def test_texts_are_known_that_a_model_was_fitted_or_calibrated_on(tiny_bundle: Path, tiny_corpus: Corpus) -> None:
    predictor = Predictor.load(tiny_bundle)
    known = {part: learned_from(predictor, tiny_corpus.part(part)) for part in PARTS}
    assert known == {"train": len(tiny_corpus.part("train")), "valid": len(tiny_corpus.part("valid")), "test": 0}


def test_progress_is_told(tiny_bundle: Path, tiny_corpus: Corpus) -> None:
    told: list[tuple[str, int, int]] = []
    test = tiny_corpus.part("test")
    evaluate(Predictor.load(tiny_bundle), test, progress=lambda *fact: told.append(fact))
    assert told[-1] == ("evaluation", len(test), len(test))


def test_results_stand_with_their_intervals(evaluation: Evaluation, tiny_corpus: Corpus, codebook: Codebook) -> None:
    shortcuts = evaluate_shortcuts(tiny_corpus)
    table = results_table([evaluation, *shortcuts])
    assert table.columns == ("model", *HEADLINES.values())
    assert [row[0] for row in table.rows] == ["tiny model", *(shortcut.name for shortcut in shortcuts)]
    for row, measured in zip(table.rows, [evaluation, *shortcuts], strict=True):
        for name, cell in zip(HEADLINES, row[1:], strict=True):
            assert str(cell).startswith(f"{measured.metrics[name]:.2f} [" if name in measured.metrics else "–")
    assert not table.note, "invented texts have no second reader"


def test_pairs_say_who_differs_from_whom(evaluation: Evaluation) -> None:
    table = paired_table([evaluation, evaluation])
    [(pair, *cells)] = table.rows
    assert pair == "tiny model − tiny model"
    assert cells == ["+0.00 [+0.00, +0.00]" if name in evaluation.metrics else "–" for name in HEADLINES]


def test_articles_are_counted_by_source_and_role(many: list[tuple[Example, Verdict]], codebook: Codebook) -> None:
    examples = [example for example, _ in many]
    table = count_table(examples, codebook)
    assert table.columns == ("source", "texts", *codebook.role_codes, "flagged")
    *sources, (name, total, *counts) = table.rows
    assert [row[0] for row in sources] == ["blog", "wire"]
    assert (name, total) == ("all", len(examples))
    assert sum(int(count) for count in counts[:-1]) == total
    assert counts[-1] == sum(codebook.flagged(example.labels) is True for example in examples)
