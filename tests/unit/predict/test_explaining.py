"""On what one verdict rests."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from fimiscope.bundle import Scorer
from fimiscope.bundle.document import Document
from fimiscope.corpus import Corpus
from fimiscope.predict import Predictor
from fimiscope.predict.explaining import Explanation, explain
from fimiscope.records import Article
from fimiscope.tables import Table


@pytest.fixture(scope="module")
def article(tiny_corpus: Corpus) -> Article:
    """The longest one that is read to its end: a list of sources there is left out."""
    whole = [example.article for example in tiny_corpus.part("test") if "Source" not in example.article.text]
    return max(whole, key=lambda article: len(article.text))


def table(explanation: Explanation, title: str) -> Table:
    [found] = [one for one in explanation.tables if one.title.startswith(title)]
    return found


@pytest.mark.parametrize("scorer", ["blend", "encoder", "lexical"])
def test_the_verdict_is_the_one_that_predict_gives(tiny_bundle: Path, article: Article, scorer: Scorer) -> None:
    predictor = Predictor.load(tiny_bundle, scorer=scorer)
    explanation = explain(predictor, article)
    [verdict] = predictor.predict([article])
    assert explanation.verdict == verdict
    assert explanation.threshold == predictor.bundle.decisions[scorer].flag["balanced"]


def test_windows_cover_the_article_and_share_all_attention(tiny_bundle: Path, article: Article) -> None:
    windows = table(explain(Predictor.load(tiny_bundle), article), "Windows")
    assert len(windows.rows) > 1
    assert sum(float(row[3]) for row in windows.rows) == pytest.approx(1, abs=0.005 * len(windows.rows))
    spans = [str(row[2]).removeprefix("text ").split("–") for row in windows.rows if str(row[2]).startswith("text")]
    assert int(spans[-1][1]) == len(article.text.rstrip())
    # Two tokens may share a character of several bytes.
    assert all(-1 <= int(other[0]) - int(one[1]) <= 1 for one, other in pairwise(spans))


def test_every_head_is_scored_and_the_nearest_definitions_stand_below(tiny_bundle: Path, article: Article) -> None:
    predictor = Predictor.load(tiny_bundle)
    explanation = explain(predictor, article)
    codebook = predictor.bundle.codebook
    scored = {(row[0], row[1]) for row in table(explanation, "Scores").rows}
    assert scored == {(head.name, label) for head in codebook.heads() for label in head.labels}
    definitions = table(explanation, "Nearest definitions").rows
    known = {entry.definition for entry in (*codebook.roles, *codebook.narratives)}
    assert {row[2] for row in definitions} <= known
    assert definitions[0][1] == explanation.verdict.role_label


def test_sentences_are_the_articles_own(tiny_bundle: Path, article: Article) -> None:
    rows = table(explain(Predictor.load(tiny_bundle), article), "Sentences").rows
    words = " ".join(Document.of(article).text.split())
    assert rows
    assert all(str(row[1]) in words for row in rows)
    strengths = [float(row[0]) for row in rows]
    assert strengths == sorted(strengths, reverse=True)


def test_an_article_that_cannot_be_judged_is_explained_by_its_reason(tiny_bundle: Path) -> None:
    explanation = explain(Predictor.load(tiny_bundle), Article("1", "Trop court."))
    assert explanation.verdict.status == "failed"
    assert explanation.tables == ()


def test_a_lexical_bundle_has_no_windows(tiny_bundle: Path, article: Article) -> None:
    titles = [one.title for one in explain(Predictor.load(tiny_bundle, scorer="lexical"), article).tables]
    assert not any(title.startswith("Windows") for title in titles)


def test_an_explanation_is_a_json_object(tiny_bundle: Path, article: Article) -> None:
    document = json.loads(json.dumps(explain(Predictor.load(tiny_bundle), article).to_dict()))
    assert set(document) == {"verdict", "threshold", "tables"}
    assert document["verdict"]["id"] == article.id
    assert all({"title", "columns", "rows"} == set(one) for one in document["tables"])
