"""Result files: the same verdicts come back from every kind, and a file appears whole or not at all."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fimiscope.codebook import Codebook
from fimiscope.errors import OutputError
from fimiscope.predict.passages import Passage
from fimiscope.predict.writing import as_row, flat_schema, flatten, open_writer
from fimiscope.records import Evidence, Verdict, verdict_schema

CODEBOOK = Codebook.load()
KINDS = ("jsonl", "csv", "parquet", "xlsx", "html")
MODEL = {"name": "quick", "version": "3", "codebook": "1.0", "trained_on": "invented texts"}
SCORED = Verdict(
    id="a-1",
    status="scored",
    reason="the language sw was never trained on",
    flag=True,
    flag_probability=0.875,
    role=dict.fromkeys(CODEBOOK.role_codes, 0.25),
    role_label="reports",
    actors=dict.fromkeys(CODEBOOK.actor_codes, 0.1),
    narratives=dict.fromkeys(CODEBOOK.narrative_codes, 1 / 3),
    narratives_flagged=CODEBOOK.narrative_codes[:2],
    africa=0.99,
    evidence=tuple(
        Evidence(10 * n, 10 * n + 7, f'pièce "{n}",\nsuite', CODEBOOK.narrative_codes[0], 0.5 / (n + 1), "text")
        for n in range(5)
    ),
    language="fr",
    article={"title": "=1+1", "url": "https://example.org/a", "outlet": None, "published": "2024-03-05"},
    model=MODEL,
)
BARE = Verdict(id="-b", status="scored", flag=False, flag_probability=0.0, narratives_flagged=(), evidence=())
FAILED = Verdict(id="broken.txt", status="failed", reason="byte 7 is not UTF-8", model=MODEL)
CLEARED = Verdict(id="cleared", status="scored", flag=False, language="en", gate=True, model=MODEL)
VERDICTS = (SCORED, BARE, FAILED)


def written(path: Path, verdicts: tuple[Verdict, ...] = VERDICTS) -> Path:
    with open_writer(path, CODEBOOK) as writer:
        for verdict in verdicts:
            writer.write(verdict)
    return path


def by_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_jsonl_holds_the_verdicts_as_they_are(tmp_path: Path) -> None:
    lines = written(tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(v.to_dict())) for v in VERDICTS]


def test_a_separator_of_other_line_rules_splits_no_json_line(tmp_path: Path) -> None:
    verdict = Verdict(id="a\u2028b\u0085c", status="failed")
    lines = written(tmp_path / "out.jsonl", (verdict,)).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["id"] == verdict.id


def test_parquet_gives_back_the_same_values_with_lists(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path / "out.parquet"))
    expected = verdict_schema(list(CODEBOOK.role_codes), list(CODEBOOK.actor_codes), list(CODEBOOK.narrative_codes))
    assert table.schema.equals(expected)
    assert table.to_pylist() == [as_row(verdict, CODEBOOK) for verdict in VERDICTS]
    assert [row["evidence"] for row in table.to_pylist()] == [v.to_dict()["evidence"] for v in VERDICTS]


def test_parquet_is_written_in_row_groups(tmp_path: Path) -> None:
    file = pq.ParquetFile(written(tmp_path / "out.parquet", (BARE,) * 4500))
    assert file.metadata.num_rows == 4500
    assert file.metadata.num_row_groups == 3


def test_csv_is_what_a_spreadsheet_opens(tmp_path: Path) -> None:
    raw = written(tmp_path / "out.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.decode("utf-8-sig").split("\r\n")[0] == ",".join(flat_schema(CODEBOOK).names)
    assert raw.endswith(b"\r\n")


def test_csv_gives_back_the_same_values(tmp_path: Path) -> None:
    rows = by_csv(written(tmp_path / "out.csv"))
    for row, verdict in zip(rows, VERDICTS, strict=True):
        for name, value in flatten(verdict, CODEBOOK).items():
            assert same(row[name], value), name


def same(cell: str, value: Any) -> bool:
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell == str(value).lower()
    if isinstance(value, int | float):
        return float(cell) == value
    return cell == (f"'{value}" if value[:1] in tuple("=+-@\t\r") else value)


def test_pandas_reads_the_csv(tmp_path: Path) -> None:
    frame = pd.read_csv(written(tmp_path / "out.csv"), encoding="utf-8-sig")
    assert list(frame.columns) == flat_schema(CODEBOOK).names
    assert frame["flag_probability"].tolist()[:2] == [0.875, 0.0]
    assert frame["flag"].tolist()[:2] == [True, False]
    assert frame["evidence_text_1"][0] == 'pièce "0",\nsuite'
    assert frame["status"].tolist() == ["scored", "scored", "failed"]
    assert frame.loc[2, "flag_probability"] != frame.loc[2, "flag_probability"]


def test_evidence_beyond_three_is_kept_as_json(tmp_path: Path) -> None:
    row, bare, _ = by_csv(written(tmp_path / "out.csv"))
    expected = SCORED.to_dict()["evidence"]
    assert [row[f"evidence_text_{n}"] for n in (1, 2, 3)] == [piece["text"] for piece in expected[:3]]
    assert json.loads(row["evidence_more"]) == expected[3:]
    assert bare["evidence_more"] == bare["evidence_text_1"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_is_made_harmless(tmp_path: Path, start: str) -> None:
    verdict = Verdict(id=f"{start}SUM(A1)", status="failed", reason="a = b")
    (row,) = by_csv(written(tmp_path / "out.csv", (verdict,)))
    assert row["id"] == f"'{start}SUM(A1)"
    assert row["reason"] == "a = b"


def test_every_kind_has_every_column_of_its_schema() -> None:
    schema = flat_schema(CODEBOOK)
    assert list(flatten(SCORED, CODEBOOK)) == schema.names
    assert {str(field.type) for field in schema} == {"string", "double", "bool", "int64"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_verdicts_make_a_readable_file(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / f"out.{kind}", ())
    assert path.is_file()
    if kind == "parquet":
        assert pq.read_table(path).num_rows == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing_and_the_old_file_untouched(
    tmp_path: Path, kind: str, error: type[BaseException]
) -> None:
    old, new = tmp_path / f"old.{kind}", tmp_path / f"new.{kind}"
    old.write_bytes(b"yesterday")
    for path in (old, new):
        with pytest.raises(error), open_writer(path, CODEBOOK) as writer:
            writer.write(SCORED)
            raise error("stop")
    assert old.read_bytes() == b"yesterday"
    assert [path.name for path in tmp_path.iterdir()] == [old.name]


@pytest.mark.parametrize("kind", KINDS)
def test_the_old_file_is_replaced_only_at_the_end(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out.{kind}"
    path.write_bytes(b"yesterday")
    with open_writer(path, CODEBOOK) as writer:
        writer.write(SCORED)
        assert path.read_bytes() == b"yesterday"
    assert path.read_bytes() != b"yesterday"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_verdicts_make_the_same_bytes(tmp_path: Path, kind: str) -> None:
    one, other = (written(tmp_path / f"{name}.{kind}").read_bytes() for name in ("one", "other"))
    assert one == other


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_passages_change_nothing_in_a_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"with.{kind}"
    with open_writer(path, CODEBOOK) as writer:
        for verdict in VERDICTS:
            writer.write(verdict, (Passage("text", 0, "an invented passage"),))
    assert path.read_bytes() == written(tmp_path / f"without.{kind}").read_bytes()


def test_missing_folders_are_made(tmp_path: Path) -> None:
    assert written(tmp_path / "a folder" / "deep" / "out.jsonl").is_file()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link, target = tmp_path / "latest.jsonl", tmp_path / "run-1.jsonl"
    target.write_text("", encoding="utf-8")
    link.symlink_to(target)
    written(link)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["out.xls", "out", "out.json"])
def test_another_suffix_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=re.escape("must end in .jsonl, .csv, .parquet, .xlsx or .html")):
        open_writer(tmp_path / name, CODEBOOK)
    assert not list(tmp_path.iterdir())


def test_a_suffix_in_capitals_is_understood(tmp_path: Path) -> None:
    assert written(tmp_path / "OUT.CSV").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written") as refusal:
        written(tmp_path / "file" / f"out.{kind}")
    assert "\n" not in str(refusal.value)
    with pytest.raises(OutputError, match=r"cannot be written \(File name too long\)"):
        written(tmp_path / f"{'v' * 300}.{kind}")
    (tmp_path / f"folder.{kind}").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        open_writer(tmp_path / f"folder.{kind}", CODEBOOK)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_one_line(tmp_path: Path, kind: str) -> None:
    (tmp_path / f".out.{kind}.partial").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left on device"):
        written(tmp_path / f"out.{kind}", (SCORED,) * 3000)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_character_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    with pytest.raises(OutputError, match=re.escape("half a character (U+D83D)")):
        written(tmp_path / f"out.{kind}", (Verdict(id="a", status="failed", reason="cut \ud83d"),))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_an_article_that_the_gate_cleared_has_no_scores(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"cleared.{kind}", (SCORED, CLEARED))
    if kind == "jsonl":
        scored, cleared = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    elif kind == "csv":
        scored, cleared = by_csv(path)
    else:
        scored, cleared = pq.read_table(path).to_pylist()
    yes, no, nothing = ("true", "false", "") if kind == "csv" else (True, False, None)
    assert (scored["gate"], cleared["gate"]) == (no, yes)
    assert (cleared["status"], cleared["flag"]) == ("scored", no)
    assert cleared["flag_probability"] == cleared["role_label"] == cleared["africa"] == nothing
