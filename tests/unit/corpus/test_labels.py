from __future__ import annotations

from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus.labels import fault_of, parse_labels
from fimiscope.records import Article, Labels, Span


@pytest.mark.parametrize("nothing", [None, "", "  ", float("nan")])
def test_what_is_not_filled_in_is_not_labelled(nothing: Any) -> None:
    names = ("role", "actors", "narratives", "africa", "evidence", "confidence")
    assert parse_labels(dict.fromkeys(names, nothing)) == Labels()


@pytest.mark.parametrize("empty", [[], "[]", " [ ] "])
def test_an_empty_list_is_labelled_as_empty(empty: Any) -> None:
    labels = parse_labels({"actors": empty, "narratives": empty, "evidence": empty})
    assert (labels.actors, labels.narratives, labels.evidence) == ((), (), ())


@pytest.mark.parametrize(
    "value", ["russia; china", '["russia", "china"]', ["russia", "china"], ["russia", "china", "russia"]]
)
def test_lists_come_as_json_or_with_semicolons(value: Any) -> None:
    assert parse_labels({"actors": value}).actors == ("russia", "china")


@pytest.mark.parametrize(
    ("value", "meant"), [(True, True), ("TRUE", True), ("yes", True), (1, True), ("no", False), (0.0, False)]
)
def test_africa_is_read_as_spreadsheets_write_it(value: Any, meant: bool) -> None:
    assert parse_labels({"africa": value}).africa is meant


def test_evidence_is_sorted_spans() -> None:
    labels = parse_labels({"evidence": '[{"start": 9, "end": 12}, {"start": 0, "end": 4}]'})
    assert labels.evidence == (Span(0, 4), Span(9, 12))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"africa": "perhaps"}, "africa is neither true nor false"),
        ({"confidence": "medium"}, "confidence is neither high nor low"),
        ({"actors": "[russia"}, "actors is no JSON list"),
        ({"narratives": [7]}, "narratives is no list of codes"),
        ({"evidence": [[0, 4]]}, "evidence is no list of"),
        ({"evidence": [{"start": "a", "end": 4}]}, "evidence is no list of"),
    ],
)
def test_an_impossible_value_names_its_field(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_labels(values)


@pytest.mark.parametrize(
    ("text", "labels", "said"),
    [
        ("12 — 34 🙂", Labels(role="none"), "no letters in the text"),
        ("A text.", Labels(confidence="low"), "no label"),
        ("A text.", Labels(role="praises"), "not in the codebook: role 'praises'"),
        ("A text.", Labels(narratives=("moon",)), "not in the codebook: narrative 'moon'"),
        ("A text.", Labels(role="carries", evidence=(Span(0, 8),)), "evidence outside the text"),
        ("A text.", Labels(role="carries", evidence=(Span(3, 3),)), "evidence outside the text"),
    ],
)
def test_faults_of_a_labelled_article(text: str, labels: Labels, said: str, codebook: Codebook) -> None:
    assert str(fault_of(Article("a", text), labels, codebook)).startswith(said)


def test_a_partly_labelled_article_is_fine(codebook: Codebook) -> None:
    assert fault_of(Article("a", "سوق"), Labels(africa=True), codebook) is None
