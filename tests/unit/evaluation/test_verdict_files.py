"""Verdicts in files: ours come back as they were, anybody's are measured as far as they go."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.errors import CorpusError, ReadingError
from fimiscope.evaluation import Evaluation
from fimiscope.evaluation.predictions import to_rows
from fimiscope.evaluation.verdict_files import VerdictFile
from fimiscope.predict import Predictor
from fimiscope.predict.writing import open_writer
from fimiscope.records import Evidence, Verdict

Pairs = list[tuple[Example, Verdict]]
Say = Callable[..., Verdict]


def lines(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_model_and_its_verdict_file_have_the_same_figures(
    tiny_bundle: Path, tiny_corpus: Corpus, codebook: Codebook, tmp_path: Path, kind: str
) -> None:
    examples = tiny_corpus.part("test")
    verdicts = list(Predictor.load(tiny_bundle).predict([example.labelled_article() for example in examples]))
    path = tmp_path / f"scores.{kind}"
    with open_writer(path, codebook) as writer:
        for verdict in reversed(verdicts):
            writer.write(verdict)
    read = VerdictFile.read(path, codebook)
    assert read.name == "scores"
    joined, remarks = read.join(examples)
    assert remarks == []
    assert Evaluation.of("file", examples, joined, codebook).metrics == (
        Evaluation.of("model", examples, verdicts, codebook).metrics
    )


def test_logged_predictions_can_be_read_too(many: Pairs, codebook: Codebook, tmp_path: Path) -> None:
    examples, verdicts = zip(*many, strict=True)
    path = lines(tmp_path / "predictions.jsonl", *to_rows(examples, verdicts, texts=False))
    joined, _ = VerdictFile.read(path, codebook).join(examples)
    found, expected = (Evaluation.of("", examples, said, codebook).metrics for said in (joined, verdicts))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_three_columns_are_enough(many: Pairs, codebook: Codebook, tmp_path: Path, kind: str) -> None:
    examples, verdicts = zip(*many[:60], strict=True)
    rows = [
        {"id": v.id, "role_label": v.role_label, "flag_probability": v.flag_probability}
        for v in verdicts
        if v.status != "failed"
    ]
    path = tmp_path / f"theirs.{kind}"
    if kind == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        lines(path, *rows)
    joined, _ = VerdictFile.read(path, codebook).join(examples)
    assert [verdict.flag for verdict in joined] == [row["flag_probability"] >= 0.5 for row in rows]
    figures = Evaluation.of("theirs", examples, joined, codebook).metrics
    assert {"role/macro_f1_all", "flag/f1", "flag/pr_auc", "flag/calibration_error"} <= figures.keys()
    assert not [name for name in figures if name.startswith(("narratives", "actors", "africa", "evidence"))]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_evidence_of_which_no_verdict_speaks_is_not_measured(
    many: Pairs, codebook: Codebook, tmp_path: Path, kind: str
) -> None:
    examples, verdicts = zip(*many[:60], strict=True)
    silent = [replace(verdict, evidence=None) for verdict in verdicts]
    with open_writer(tmp_path / f"silent.{kind}", codebook) as writer:
        for verdict in silent:
            writer.write(verdict)
    joined, _ = VerdictFile.read(tmp_path / f"silent.{kind}", codebook).join(examples)
    figures = Evaluation.of("silent", examples, joined, codebook).metrics
    assert "flag/f1" in figures
    assert not [name for name in figures if name.startswith("evidence")]


def test_what_does_not_match_is_named_and_counts_as_failed(many: Pairs, codebook: Codebook, tmp_path: Path) -> None:
    examples = [example for example, _ in many[:4]]
    known = [{"id": f"text {n}", "role_label": "none", "flag_probability": 0.1} for n in range(2)]
    path = lines(tmp_path / "some.jsonl", *known, {"id": "elsewhere", "role_label": "none", "flag_probability": 0.1})
    joined, remarks = VerdictFile.read(path, codebook).join(examples)
    assert [verdict.status for verdict in joined] == ["scored", "scored", "failed", "failed"]
    assert remarks == [
        "some: articles without a verdict, counted as failed: 2 of 4 (text 2, text 3)",
        "some: verdicts on no article of DATA, passed over: 1 (elsewhere)",
    ]
    figures = Evaluation.of("some", examples, joined, codebook).metrics
    assert figures["failed"] == 0.5


def test_a_file_of_other_articles_is_refused(many: Pairs, codebook: Codebook, tmp_path: Path) -> None:
    path = lines(tmp_path / "other.jsonl", {"id": "a", "role_label": "none", "flag_probability": 0.1})
    with pytest.raises(CorpusError, match=r"none of its 1 ids is in DATA \(it has a; DATA has text 0\)"):
        VerdictFile.read(path, codebook).join([many[0][0]])


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        ({"role_label": "praises"}, "role_label 'praises' is none of rebuts, reports, carries, none"),
        ({"flag_probability": 3}, "flag_probability '3' is no number from 0 to 1"),
        ({"flag_probability": None}, "flag_probability is empty"),
        ({"flag": "perhaps"}, "flag is neither true nor false"),
        ({"status": "done"}, "status 'done' is none of scored, abstained, failed"),
        ({"narratives_flagged": ["gossip"]}, "narratives_flagged is no list of narratives of the codebook"),
        ({"narratives_flagged": [{"code": 1}]}, "narratives_flagged is no list of narratives of the codebook"),
        ({"evidence": [[1, 2]]}, "evidence is no list of"),
        ({"evidence": [{"start": float("inf"), "end": 3}]}, "evidence is no list of"),
        ({"narratives": "{"}, "narratives is no JSON"),
    ],
)
def test_a_row_that_is_no_verdict_is_named(
    codebook: Codebook, tmp_path: Path, rest: dict[str, object], fault: str
) -> None:
    path = lines(tmp_path / "bad.jsonl", {"id": "a", "role_label": "none", "flag_probability": 0.1} | rest)
    with pytest.raises(ReadingError, match=f"bad.jsonl:1: {fault}"):
        VerdictFile.read(path, codebook)


def test_a_file_without_the_needed_columns_is_refused(codebook: Codebook, tmp_path: Path) -> None:
    path = lines(tmp_path / "bare.jsonl", {"id": "a", "status": "failed"})
    with pytest.raises(ReadingError, match="has no column role_label and flag_probability"):
        VerdictFile.read(path, codebook)


def test_an_id_that_stands_twice_is_refused(codebook: Codebook, tmp_path: Path) -> None:
    row = {"id": "a", "role_label": "none", "flag_probability": 0.1}
    with pytest.raises(ReadingError, match=r"twice\.jsonl:2: id 'a' stands above already"):
        VerdictFile.read(lines(tmp_path / "twice.jsonl", row, row), codebook)


def test_a_csv_that_a_table_program_wrote_is_read(codebook: Codebook, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    rows = (
        "id,role_label,flag_probability,evidence_start_1,evidence_end_1",
        "d'-1,carries,0.9,3.0,12.0",
        "b,none,0.1,,",
    )
    path.write_text("\n".join(rows), encoding="utf-8")
    verdicts = VerdictFile.read(path, codebook).verdicts
    assert list(verdicts) == ["d'-1", "b"]
    assert [(e.start, e.end) for e in verdicts["d'-1"].evidence or ()] == [(3, 12)]


def test_narratives_of_which_a_file_says_nothing_are_not_measured(codebook: Codebook, tmp_path: Path) -> None:
    row = {"id": "a", "role_label": "carries", "flag_probability": 0.9, "narratives": None, "narratives_flagged": None}
    verdict = VerdictFile.read(lines(tmp_path / "plain.jsonl", row), codebook).verdicts["a"]
    assert verdict.narratives_flagged is None


def test_csv_guards_and_further_evidence_come_back(verdict: Say, codebook: Codebook, tmp_path: Path) -> None:
    quotes = tuple(Evidence(n, n + 5, "words", "role", 0.5) for n in range(5))
    said = verdict(1, "carries", 0.9, evidence=quotes)
    guarded = Verdict(**{name: getattr(said, name) for name in said.__slots__} | {"id": "-1 April"})
    path = tmp_path / "guarded.csv"
    with open_writer(path, codebook) as writer:
        writer.write(guarded)
    read = VerdictFile.read(path, codebook).verdicts["-1 April"]
    assert [(e.start, e.end, e.head) for e in read.evidence or ()] == [(n, n + 5, "role") for n in range(5)]


def test_what_a_gate_cleared_counts_as_clear(codebook: Codebook, tmp_path: Path) -> None:
    rows = (
        {"id": "a", "role_label": "carries", "flag_probability": 0.9},
        {"id": "b", "status": "scored", "flag": False, "gate": True, "role_label": None, "flag_probability": None},
    )
    verdict = VerdictFile.read(lines(tmp_path / "gated.jsonl", *rows), codebook).verdicts["b"]
    assert (verdict.status, verdict.flag, verdict.gate) == ("scored", False, True)
