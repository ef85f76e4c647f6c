"""A workbook for people: articles, narratives with their definitions, and counts."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fimiscope.codebook import Codebook
from fimiscope.errors import OutputError
from fimiscope.predict.passages import Passage
from fimiscope.predict.writing.rows import flatten
from fimiscope.predict.writing.tables import FORMULA
from fimiscope.predict.writing.target import Target
from fimiscope.predict.writing.words import words
from fimiscope.records import Verdict

ROWS_OF_A_SHEET = 1_048_576
LONGEST_CELL = 32_767
"""UTF-16 code units that a cell of Excel holds."""

# Characters that XML 1.0 forbids, and the carriage return, which XML readers turn into a line feed or drop.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_HEADER_ROWS = 2
_FIRST = ("outcome", "flag_probability", "role_label", "narratives", "title", "evidence_text_1")
_NEXT = ("outlet", "published", "language", "reason", "id", "url")
_ELSEWHERE = ("schema", "status", "flag", "model_name", "model_version", "model_codebook", "model_trained_on")
_WIDTHS = {"narratives": 34, "title": 48, "outlet": 20, "reason": 34, "id": 24, "url": 30, "evidence_more": 20}
_EVIDENCE_WIDTH, _WIDTH = 70, 14


class WorkbookRows:
    """Rows of a workbook, streamed; what does not fit on one sheet goes on to the next.

    Attributes:
        rows_of_a_sheet: rows that a sheet takes, the notice and the header included.
    """

    def __init__(self, codebook: Codebook, *, rows_of_a_sheet: int = ROWS_OF_A_SHEET) -> None:
        self._codebook = codebook
        self._rows_of_a_sheet = rows_of_a_sheet
        self._columns = _columns(codebook)
        self._names = {entry.code: entry.name.get("en", entry.code) for entry in codebook.narratives}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._model: dict[str, str] = {}

    def open(self, path: Path) -> None:
        self._target = Target(path)
        # Rows wait here until they are packed: beside the result, where there must be room anyway. Under one name, so
        # that what a killed run left is taken away by the next.
        self._folder = path.with_name(f"{path.name}.rows")
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._folder.mkdir()
            self._start()
        except BaseException:
            self._let_go()
            raise

    def _start(self) -> None:
        from xlsxwriter import Workbook

        options = {
            "constant_memory": True,
            "tmpdir": str(self._folder),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book = Workbook(self._target, options)
        # The same verdicts make the same bytes.
        self._book.set_properties({"title": "fimiscope", "comments": _notice(), "created": datetime(2000, 1, 1)})
        make = self._book.add_format
        top = {"valign": "top"}
        self._text = make(top)
        self._quoted = make({**top, "quote_prefix": True})
        self._wrapped = make({**top, "text_wrap": True})
        self._wrapped_quoted = make({**top, "text_wrap": True, "quote_prefix": True})
        self._number = make({**top, "num_format": "0.00"})
        self._bold = make({**top, "bold": True})
        self._header = make({**top, "bold": True, "bg_color": "#E3ECEF", "bottom": 1})
        self._articles = self._new_sheet("Articles")
        self._narratives = self._book.add_worksheet("Narratives")
        self._overview = self._book.add_worksheet("Counts")
        self._sheets = 1

    def write(self, verdict: Verdict, passages: Sequence[Passage]) -> None:  # noqa: ARG002
        self._count(verdict)
        if self._row >= self._rows_of_a_sheet:
            self._finish_sheet()
            self._sheets += 1
            self._articles = self._new_sheet(f"Articles {self._sheets}")
        row = flatten(verdict, self._codebook)
        row["outcome"] = verdict.outcome
        row["narratives"] = "; ".join(self._names.get(code, code) for code in verdict.narratives_flagged or ())
        for column, name in enumerate(self._columns):
            self._cell(column, name, row[name])
        self._row += 1

    def close(self, *, complete: bool) -> None:
        from xlsxwriter.exceptions import FileCreateError, FileSizeError

        try:
            if complete:
                self._finish_sheet()
                self._write_narratives()
                self._write_counts()
                self._book.close()
        except FileCreateError as error:
            raise error.args[0] from error
        except FileSizeError as error:
            raise OutputError("the workbook would pass 4 GB: write a .csv or .parquet file instead") from error
        finally:
            for sheet in self._book.worksheets():
                with contextlib.suppress(OSError):
                    sheet.row_data_fh.close()
            self._let_go()
        self._target.check()

    def _let_go(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._target.finish()

    def _new_sheet(self, name: str) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(_HEADER_ROWS, 0)
        sheet.set_landscape()
        sheet.repeat_rows(0, _HEADER_ROWS - 1)
        for column, heading in enumerate(self._columns):
            sheet.set_column(column, column, _width(heading))
        sheet.write_string(0, 0, _notice(), self._bold)
        for column, heading in enumerate(self._columns):
            sheet.write_string(_HEADER_ROWS - 1, column, heading, self._header)
        self._row = _HEADER_ROWS
        return sheet

    def _finish_sheet(self) -> None:
        self._articles.autofilter(_HEADER_ROWS - 1, 0, max(self._row - 1, _HEADER_ROWS - 1), len(self._columns) - 1)

    def _cell(self, column: int, name: str, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, bool):
            self._articles.write_boolean(self._row, column, value, self._text)
            return
        if isinstance(value, int | float):
            whole = isinstance(value, int)
            self._articles.write_number(self._row, column, value, self._text if whole else self._number)
            return
        text = cell_text(str(value))
        wrap = name == "narratives" or name.startswith("evidence_text_")
        plain, quoted = (self._wrapped, self._wrapped_quoted) if wrap else (self._text, self._quoted)
        # Also a cell that somebody edits later stays text.
        self._articles.write_string(self._row, column, text, quoted if text.startswith(FORMULA) else plain)

    def _count(self, verdict: Verdict) -> None:
        self._model = self._model or verdict.model
        self._counts["Outcome", verdict.outcome] += 1
        self._counts["Language", verdict.language or "unknown"] += 1
        if verdict.outcome == "flagged":
            self._counts["Role of flagged articles", verdict.role_label or ""] += 1
            for code in verdict.narratives_flagged or ():
                self._counts["Narrative of flagged articles", self._names.get(code, code)] += 1

    def _write_narratives(self) -> None:
        entries = self._codebook.narratives
        names = sorted({language for entry in entries for language in entry.name})
        definitions = sorted({language for entry in entries for language in entry.definitions})
        rows = [
            (
                entry.code,
                *(entry.name.get(language, "") for language in names),
                *(entry.definitions.get(language, "") for language in definitions),
            )
            for entry in entries
        ]
        header = ("code", *(f"name ({one})" for one in names), *(f"definition ({one})" for one in definitions))
        _fill(self._narratives, (header, *rows), self._header, self._wrapped)
        self._narratives.set_column(0, len(names), 34)
        self._narratives.set_column(len(names) + 1, len(names) + len(definitions), 100)
        self._narratives.freeze_panes(1, 0)

    def _write_counts(self) -> None:
        rows: list[tuple[str | int, ...]] = [("what", "which", "articles")]
        for kind in dict.fromkeys(kind for kind, _ in self._counts):
            found = [(which, count) for (of, which), count in self._counts.items() if of == kind]
            rows += [(kind, which, count) for which, count in sorted(found, key=lambda one: (-one[1], one[0]))]
        rows += [("Model", f"{name}: {value}") for name, value in self._model.items()]
        rows.append(("Codebook", self._codebook.version))
        rows.append(("Notice", _notice()))
        if self._sheets > 1:
            limit = f"A sheet holds {self._rows_of_a_sheet:,} rows"
            rows.append(("Sheets", f"{limit}: the articles go on, up to the sheet Articles {self._sheets}."))
        _fill(self._overview, rows, self._header, self._wrapped)
        self._overview.set_column(0, 0, 32)
        self._overview.set_column(1, 1, 70)
        self._overview.freeze_panes(1, 0)


def cell_text(text: str) -> str:
    """`text` as a cell can hold it; what XML forbids becomes U+FFFD or a space, one for one, so that offsets stay.

    A text longer than a cell of Excel is cut, and ends in `…`.
    """
    safe = _FORBIDDEN.sub(lambda found: " " if found[0] == "\r" else "\ufffd", text)
    if len(safe) * 2 <= LONGEST_CELL or len(safe.encode("utf-16-le")) <= 2 * LONGEST_CELL:
        return safe
    return safe.encode("utf-16-le")[: 2 * LONGEST_CELL - 2].decode("utf-16-le", errors="ignore") + "…"


def _columns(codebook: Codebook) -> tuple[str, ...]:
    first = (*_FIRST, "evidence_text_2", "evidence_text_3", *_NEXT)
    rest = flatten(Verdict(id="", status="failed"), codebook)
    return (*first, *(name for name in rest if name not in (*first, *_ELSEWHERE)))


def _width(heading: str) -> int:
    return _EVIDENCE_WIDTH if heading.startswith("evidence_text_") else _WIDTHS.get(heading, _WIDTH)


def _fill(sheet: Any, rows: Sequence[Sequence[str | int]], header: Any, body: Any) -> None:
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            style = body if number else header
            if isinstance(value, int):
                sheet.write_number(number, column, value, style)
            else:
                sheet.write_string(number, column, cell_text(value), style)


def _notice() -> str:
    return words()["en"]["notice"]
