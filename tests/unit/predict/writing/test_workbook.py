"""The workbook as a spreadsheet reads it: text stays text, names beside codes, counts, and no row lost."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils.escape import unescape

from fimiscope.codebook import Codebook
from fimiscope.predict.writing import open_writer
from fimiscope.predict.writing.workbook import LONGEST_CELL, WorkbookRows, cell_text
from fimiscope.records import Evidence, Verdict

CODEBOOK = Codebook.load()
FIRST, SECOND = CODEBOOK.narratives[:2]
QUOTE = "an invented claim,\nin two lines"
FLAGGED = Verdict(
    id="a-1",
    status="scored",
    flag=True,
    flag_probability=0.875,
    role=dict.fromkeys(CODEBOOK.role_codes, 0.25),
    role_label=CODEBOOK.flagging_roles[0],
    actors=dict.fromkeys(CODEBOOK.actor_codes, 0.125),
    narratives=dict.fromkeys(CODEBOOK.narrative_codes, 0.5),
    narratives_flagged=(FIRST.code, SECOND.code),
    africa=0.75,
    evidence=(Evidence(10, 10 + len(QUOTE), QUOTE, "role", 0.5),),
    language="fr",
    article={
        "title": "Un titre",
        "url": "https://example.org/a",
        "outlet": "Journal inventé",
        "published": "2025-03-01",
    },
    model={"name": "quick", "version": "3", "codebook": "1.0", "trained_on": "invented texts"},
)
CLEAR = replace(
    FLAGGED, id="b", flag=False, flag_probability=0.0, narratives_flagged=(), evidence=(), role_label="none"
)
FAILED = Verdict(id="broken.txt", status="failed", reason="byte 7 is not UTF-8")


def written(path: Path, *verdicts: Verdict) -> Workbook:
    with open_writer(path, CODEBOOK) as writer:
        for verdict in verdicts:
            writer.write(verdict)
    return load_workbook(path)


def rows(book: Workbook, sheet: str = "Articles") -> list[dict[str, Any]]:
    _, header, *found = book[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in found]


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / ".out.xlsx.partial.rows"
    left.mkdir()
    (left / "rows").write_text("half a row", encoding="utf-8")
    with open_writer(tmp_path / "out.xlsx", CODEBOOK) as writer:
        writer.write(FLAGGED)
        assert left.is_dir()
        assert not (left / "rows").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out.xlsx"]


def test_the_cells_are_the_verdicts(tmp_path: Path) -> None:
    gate = Verdict(id="c", status="scored", flag=False, gate=True)
    book = written(tmp_path / "out.xlsx", FLAGGED, CLEAR, FAILED, gate)
    flagged, clear, failed, gated = rows(book)
    assert (flagged["outcome"], clear["outcome"], failed["outcome"]) == ("flagged", "clear", "failed")
    assert (flagged["id"], flagged["flag_probability"], flagged["africa"]) == ("a-1", 0.875, 0.75)
    assert clear["flag_probability"] == 0
    assert flagged["narratives"] == f"{FIRST.name['en']}; {SECOND.name['en']}"
    assert flagged["narratives_flagged"] == f"{FIRST.code}; {SECOND.code}"
    assert flagged["evidence_text_1"] == QUOTE
    assert flagged["evidence_end_1"] - flagged["evidence_start_1"] == len(QUOTE)
    assert flagged["outlet"] == "Journal inventé"
    for code in CODEBOOK.narrative_codes:
        assert flagged[f"narrative_{code}"] == 0.5
    assert failed["reason"] == FAILED.reason
    assert failed["flag_probability"] is None
    assert gated["gate"] is True


def test_the_sheet_is_ready_to_use(tmp_path: Path) -> None:
    book = written(tmp_path / "out.xlsx", FLAGGED, CLEAR)
    assert book.sheetnames == ["Articles", "Narratives", "Counts"]
    sheet = book["Articles"]
    assert sheet.freeze_panes == "A3"
    assert sheet.auto_filter.ref.startswith("A2:")
    assert sheet.auto_filter.ref.endswith("4")
    assert "A flag asks a person to read" in sheet["A1"].value
    header = [cell.value for cell in sheet[2]]
    assert header[:4] == ["outcome", "flag_probability", "role_label", "narratives"]
    letter = sheet.cell(2, header.index("evidence_text_1") + 1).column_letter
    assert sheet.column_dimensions[letter].width > 60


def test_narratives_stand_with_their_names_and_definitions(tmp_path: Path) -> None:
    header, *found = written(tmp_path / "out.xlsx", FLAGGED)["Narratives"].iter_rows(values_only=True)
    assert header == ("code", "name (en)", "name (fr)", "definition (en)", "definition (fr)")
    assert found == [(e.code, *e.name.values(), *e.definitions.values()) for e in CODEBOOK.narratives]


def test_counts_and_the_model(tmp_path: Path) -> None:
    counts = list(written(tmp_path / "out.xlsx", FLAGGED, CLEAR, CLEAR, FAILED)["Counts"].iter_rows(values_only=True))
    assert ("Outcome", "clear", 2) in counts
    assert ("Outcome", "flagged", 1) in counts
    assert ("Language", "fr", 3) in counts
    assert ("Language", "unknown", 1) in counts
    assert ("Narrative of flagged articles", FIRST.name["en"], 1) in counts
    assert ("Model", "name: quick", None) in counts
    assert any(kind == "Notice" and "does not judge" in str(said) for kind, said, _ in counts)


@pytest.mark.parametrize(
    "title",
    [
        "=1+1",
        '=HYPERLINK("http://example.org")',
        "+1",
        "-1",
        "@SUM(A1)",
        "http://example.org",
        "mailto:a@example.org",
        "1e5",
    ],
)
def test_no_cell_runs_or_leads_anywhere(tmp_path: Path, title: str) -> None:
    article = dict.fromkeys(("title", "url", "outlet", "published"), title)
    book = written(tmp_path / "out.xlsx", replace(FLAGGED, id=title, article=article, reason=title))
    sheet = book["Articles"]
    header = [cell.value for cell in sheet[2]]
    for name in ("id", "title", "url", "outlet", "published", "reason"):
        cell = sheet.cell(3, header.index(name) + 1)
        assert (cell.value, cell.hyperlink) == (title, None)
        assert cell.data_type in ("s", "inlineStr")
        assert cell.quotePrefix == (title[0] in "=+-@")


def test_what_xml_forbids_keeps_its_place(tmp_path: Path) -> None:
    text = "a\x00b\x0bc\x1b\ufffe\uffffd\r\ne <&> \U0001f600 _x0041_ \u2028"
    verdict = replace(FLAGGED, evidence=(Evidence(5, 5 + len(text), text, "role", 0.5),))
    [row] = rows(written(tmp_path / "out.xlsx", verdict))
    found = unescape(row["evidence_text_1"])
    assert found == "a\ufffdb\ufffdc\ufffd\ufffd\ufffdd \ne <&> \U0001f600 _x0041_ \u2028"
    assert len(found) == row["evidence_end_1"] - row["evidence_start_1"]


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_a_text_too_long_for_a_cell_is_cut_visibly(tmp_path: Path, letter: str) -> None:
    title = letter * 40_000
    [row] = rows(written(tmp_path / "out.xlsx", replace(FLAGGED, article={"title": title})))
    assert row["title"].endswith("…")
    assert title.startswith(row["title"][:-1])
    units = len(row["title"].encode("utf-16-le")) // 2
    assert LONGEST_CELL - 2 <= units <= LONGEST_CELL
    fits = letter * (LONGEST_CELL // (2 if letter > "\uffff" else 1))
    assert cell_text(fits) == fits


def test_more_rows_than_a_sheet_holds_go_on_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    writer = WorkbookRows(CODEBOOK, rows_of_a_sheet=5)
    writer.open(path)
    for number in range(7):
        writer.write(replace(FLAGGED, id=f"a-{number}"), ())
    writer.close(complete=True)
    book = load_workbook(path)
    assert book.sheetnames == ["Articles", "Narratives", "Counts", "Articles 2", "Articles 3"]
    ids = [row["id"] for name in ("Articles", "Articles 2", "Articles 3") for row in rows(book, name)]
    assert ids == [f"a-{number}" for number in range(7)]
    said = [row[1] for row in book["Counts"].iter_rows(values_only=True) if row[0] == "Sheets"]
    assert said == ["A sheet holds 5 rows: the articles go on, up to the sheet Articles 3."]


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            with open_writer(tmp_path / f"{count}.xlsx", CODEBOOK) as writer:
                for number in range(count):
                    writer.write(replace(FLAGGED, id=f"a-{number}"))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # The interpreter keeps a few thousand small objects for use again; 540 more rows would take over 1 MB.
    peak(10)
    assert peak(600) < peak(60) + 400_000
