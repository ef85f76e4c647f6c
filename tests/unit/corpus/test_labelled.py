from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import read_labelled
from fimiscope.corpus.examples import Drops
from fimiscope.corpus.labelled import labelled_records
from fimiscope.errors import CorpusError, ReadingError
from fimiscope.evaluation.intervals import intervals
from fimiscope.evaluation.judged import judge
from fimiscope.records import Labels, Span, Verdict

ROWS = [
    {"id": "a", "text": "The harvest came in early this year.", "role": "none", "africa": False, "actors": []},
    {
        "id": "b",
        "text": "A bridge of friendship without strings.",
        "role": "carries",
        "actors": ["china"],
        "africa": True,
    },
]


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_jsonl_csv_and_parquet_say_the_same(
    tmp_path: Path, write_jsonl: Callable[..., Path], codebook: Codebook
) -> None:
    cells = [
        {"id": "a", "text": ROWS[0]["text"], "role": "none", "africa": "no", "actors": "[]"},
        {"id": "b", "text": ROWS[1]["text"], "role": "carries", "africa": "yes", "actors": "china"},
    ]
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "set.parquet")
    paths = [write_jsonl("set.jsonl", ROWS), write_csv(tmp_path / "set.csv", cells), tmp_path / "set.parquet"]
    read = [
        [(e.article.id, e.article.text, e.labels) for e in read_labelled(path, codebook=codebook)[0]] for path in paths
    ]
    assert read[0] == read[1] == read[2]
    assert read[0][1][2] == Labels(role="carries", actors=("china",), africa=True)


def test_every_usable_row_is_a_test_example_in_file_order(write_jsonl: Callable[..., Path], codebook: Codebook) -> None:
    path = write_jsonl(
        "mine.jsonl", [*reversed(ROWS), {"text": "Texte sans identité ni famille.", "role": "none", "family": "f"}]
    )
    examples, dropped = read_labelled(path, codebook=codebook)
    assert [e.article.id for e in examples] == ["b", "a", "mine.jsonl:3"]
    assert {(e.part, e.source, e.weight) for e in examples} == {("test", "mine", 1.0)}
    assert [e.group for e in examples] == ["mine/b", "mine/a", "mine/f"]
    assert [e.labelled_to for e in examples] == [len(e.article.text) for e in examples]
    assert dropped == ()


def test_languages_are_those_that_predicting_names_and_filled_in_where_the_file_has_none(
    write_jsonl: Callable[..., Path], codebook: Codebook
) -> None:
    french = "Le conseil municipal a voté hier soir le budget de la nouvelle école du village."
    stated = {"a": {}, "b": {"language": "xx"}, "c": {"language": "pt-BR"}, "d": {"language": "EN"}}
    rows = [{"id": name, "text": french, "role": "none", **own} for name, own in stated.items()]
    examples, _ = read_labelled(write_jsonl("set.jsonl", rows), codebook=codebook)
    assert [e.article.language for e in examples] == ["fr", "xx", "pt", "en"]


def test_ten_copies_of_a_text_are_drawn_as_one(
    write_jsonl: Callable[..., Path], invent: Callable[[int], str], codebook: Codebook
) -> None:
    others = [{"id": f"text {n}", "text": invent(n), "role": "none", "africa": True} for n in range(20)]
    copied = f"{invent(20)} {invent(21)}"
    copies = [
        {"id": f"copy {n}", "text": f"{copied} Page {n}.", "role": "carries", "africa": True, "narratives": []}
        for n in range(10)
    ]
    examples, _ = read_labelled(write_jsonl("set.jsonl", [*others, *copies]), codebook=codebook)
    assert len({example.group for example in examples}) == 21
    assert {example.group for example in examples[20:]} == {"set/copy 0"}
    verdicts = [Verdict(example.article.id, "scored", role_label="none") for example in examples]
    judged = judge(examples, verdicts, codebook)
    apart = replace(judged, units=judged.ids)
    whole, single = (intervals(one)["role/accuracy"] for one in (judged, apart))
    assert whole.value == single.value == pytest.approx(2 / 3)
    assert whole.high - whole.low > 1.5 * (single.high - single.low)


def test_rows_that_cannot_be_used_are_named_with_the_reason(
    write_jsonl: Callable[..., Path], codebook: Codebook
) -> None:
    bad: list[dict[str, Any]] = [
        {"id": "a", "text": "Again the same id.", "role": "none"},
        {"id": "c", "text": "Nobody labelled this one."},
        {"id": "d", "text": "Its role is not in the book.", "role": "praise"},
        {"id": "e", "text": "Short.", "role": "carries", "evidence": [{"start": 0, "end": 60}]},
        {"id": "f", "text": "", "role": "none"},
        {"id": "g", "text": "Neither yes nor no.", "africa": "maybe"},
        {"id": "h", "text": "In two languages.", "role": "none", "language": "en,fr"},
        {"id": "i", "text": "In one of two languages.", "role": "none", "language": "en/fr"},
    ]
    path = write_jsonl("set.jsonl", [ROWS[0], *bad])
    with path.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    examples, dropped = read_labelled(path, codebook=codebook)
    assert [e.article.id for e in examples] == ["a"]
    reasons = {identity: d.reason for d in dropped for identity in d.ids}
    assert reasons["a"] == "its id stands above already"
    assert reasons["c"] == "no label"
    assert "role 'praise'" in reasons["d"]
    assert reasons["e"] == "evidence outside the text"
    assert reasons["f"] == "no letters in the text"
    assert reasons["g"] == "africa is neither true nor false"
    assert reasons["h"] == reasons["i"] == "its language is no code, such as en or pt-BR (letters, digits, - and _)"
    assert reasons["set.jsonl:10"].startswith("unreadable: the line is not valid JSON")
    assert all(d.source == "set" and d.count == len(d.ids) for d in dropped)


def test_other_peoples_columns(tmp_path: Path, codebook: Codebook) -> None:
    rows = [{"Nr": "1", "Body": "The tunnel opens in May.", "Code": "reports", "Where": "[]", "Family": "x"}]
    path = write_csv(tmp_path / "export.csv", rows)
    columns = {"id": "Nr", "text": "Body", "role": "Code", "actors": "where"}
    (example,), _ = read_labelled(path, columns, codebook=codebook)
    assert (example.article.id, example.labels.role, example.labels.actors, example.group) == (
        "1",
        "reports",
        (),
        "export/x",
    )


def test_the_column_of_invented_texts_may_have_another_name(
    write_jsonl: Callable[..., Path], codebook: Codebook
) -> None:
    path = write_jsonl("set.jsonl", [ROWS[0] | {"Synthetic": "yes"}, ROWS[1] | {"Synthetic": "no"}])
    records = labelled_records(path, {"invented": "Synthetic"}, codebook, Drops())
    assert [record.invented for record in records] == [True, False]


def test_a_label_column_that_is_not_there_is_refused(write_jsonl: Callable[..., Path], codebook: Codebook) -> None:
    path = write_jsonl("set.jsonl", ROWS)
    with pytest.raises(CorpusError, match="has no column stance"):
        read_labelled(path, {"role": "Stance"}, codebook=codebook)


def test_a_file_without_any_label_is_refused_with_the_reason(
    write_jsonl: Callable[..., Path], codebook: Codebook
) -> None:
    path = write_jsonl("set.jsonl", [{"id": "a", "text": "Plain."}, {"id": "b", "text": "Plain too."}])
    with pytest.raises(CorpusError, match=r"set\.jsonl holds no labelled text \(set: 2 × no label \(a, …\)\)"):
        read_labelled(path, codebook=codebook)


def test_a_missing_file_is_named(tmp_path: Path, codebook: Codebook) -> None:
    with pytest.raises(ReadingError, match=r"nowhere\.jsonl does not exist"):
        read_labelled(tmp_path / "nowhere.jsonl", codebook=codebook)


def test_evidence_is_kept_as_offsets_into_the_text(write_jsonl: Callable[..., Path], codebook: Codebook) -> None:
    text = "🙂 Peace came, they say."
    path = write_jsonl(
        "set.jsonl", [{"id": "a", "text": text, "role": "carries", "evidence": [{"start": 2, "end": 12}]}]
    )
    (example,), _ = read_labelled(path, codebook=codebook)
    assert example.labels.evidence == (Span(2, 12),)
    assert text[2:12] == "Peace came"
