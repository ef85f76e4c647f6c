"""The records that travel between the rooms, and their Arrow schemas."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, fields

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimiscope.codebook import Codebook
from fimiscope.records import (
    Article,
    Evidence,
    Labels,
    Span,
    Unreadable,
    Verdict,
    article_schema,
    labels_schema,
    verdict_schema,
)

KEYS = [
    *("schema", "id", "status", "reason", "flag", "flag_probability", "role", "role_label", "actors", "narratives"),
    *("narratives_flagged", "africa", "evidence", "language", "gate", "article", "model"),
]
SCORED = ("flag", "flag_probability", "role", "role_label", "actors", "narratives", "narratives_flagged", "africa")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_every_verdict_has_one_of_four_outcomes() -> None:
    assert Verdict("1", "scored", flag=True).outcome == "flagged"
    assert Verdict("1", "scored", flag=False).outcome == "clear"
    assert Verdict("1", "abstained").outcome == "abstained"
    assert Verdict("1", "failed").outcome == "failed"


def test_a_verdict_is_written_as_the_format_says() -> None:
    evidence = Evidence(3, 7, "pont", "role", 0.5, "title")
    verdict = Verdict("1", "scored", flag=True, flag_probability=0.9, narratives_flagged=("a",), evidence=(evidence,))
    document = json.loads(json.dumps(verdict.to_dict()))
    assert list(document) == KEYS
    assert document["schema"] == 2
    assert document["narratives_flagged"] == ["a"]
    assert document["evidence"] == [
        {"start": 3, "end": 7, "text": "pont", "head": "role", "score": 0.5, "field": "title"}
    ]


def test_a_failed_verdict_has_no_scores() -> None:
    document = Verdict("1", "failed", "empty").to_dict()
    assert [document[name] for name in (*SCORED, "evidence")] == [None] * 9
    assert (document["status"], document["reason"]) == ("failed", "empty")


def test_no_evidence_and_none_looked_for_are_told_apart() -> None:
    assert Verdict("1", "scored", evidence=(), narratives_flagged=()).to_dict()["evidence"] == []
    assert Verdict("1", "scored", evidence=(), narratives_flagged=()).to_dict()["narratives_flagged"] == []
    assert Verdict("1", "scored").to_dict()["evidence"] is None


@pytest.mark.parametrize(
    "record", [Article("1", "x"), Labels(), Verdict("1", "failed"), Unreadable("1", "x"), Span(0, 1)]
)
def test_records_cannot_be_changed(record: object) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, "other")  # type: ignore[arg-type]
    assert not hasattr(record, "__dict__")


@settings(deadline=None, max_examples=25)
@given(st.builds(Article, TEXT, TEXT, *[st.none() | TEXT] * 5, TEXT))
def test_articles_survive_arrow(article: Article) -> None:
    table = pa.Table.from_pylist([asdict(article)], schema=article_schema())
    assert [Article(**row) for row in table.to_pylist()] == [article]
    assert article_schema().names == [field.name for field in fields(Article)]


def test_labels_survive_arrow_and_unlabelled_stays_apart_from_empty() -> None:
    labels = [
        Labels(),
        Labels("none", (), (), False, ()),
        Labels("carries", ("x",), ("y",), True, (Span(1, 2),), "low"),
    ]
    table = pa.Table.from_pylist([asdict(one) for one in labels], schema=labels_schema())
    rows = table.to_pylist()
    assert [row["actors"] for row in rows] == [None, [], ["x"]]
    assert [row["evidence"] for row in rows] == [None, [], [{"start": 1, "end": 2}]]
    assert labels_schema().names == [field.name for field in fields(Labels)]


def test_the_verdict_schema_has_a_column_for_every_score(codebook: Codebook) -> None:
    schema = verdict_schema(list(codebook.role_codes), list(codebook.actor_codes), list(codebook.narrative_codes))
    scores = [f"role_{code}" for code in codebook.role_codes]
    scores += [f"actor_{code}" for code in codebook.actor_codes]
    scores += [f"narrative_{code}" for code in codebook.narrative_codes]
    assert [name for name in schema.names if name in scores] == scores
    assert all(schema.field(name).type == pa.float64() for name in scores)
    assert len(set(schema.names)) == len(schema.names)
