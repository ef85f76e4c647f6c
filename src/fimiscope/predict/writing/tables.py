"""Tables for machines: jsonl as the verdicts are, csv and parquet with a column for each score."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fimiscope.codebook import Codebook
from fimiscope.predict.passages import Passage
from fimiscope.predict.writing.rows import as_row, flatten, nested_schema
from fimiscope.records import Verdict

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula, when it stands first."""
_ROWS_OF_A_GROUP = 2000


class JsonRows:
    def open(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, verdict: Verdict, passages: Sequence[Passage]) -> None:  # noqa: ARG002
        line = json.dumps(verdict.to_dict(), ensure_ascii=False, allow_nan=False)
        # Some readers take these for line ends.
        for mark in "\x85\u2028\u2029":
            line = line.replace(mark, f"\\u{ord(mark):04x}")
        self._file.write(f"{line}\n")

    def close(self, *, complete: bool) -> None:  # noqa: ARG002
        self._file.close()


class CsvRows:
    def __init__(self, codebook: Codebook) -> None:
        self._codebook = codebook

    def open(self, path: Path) -> None:
        # The byte order mark is how spreadsheets know UTF-8.
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(flatten(Verdict(id="", status="failed"), self._codebook))

    def write(self, verdict: Verdict, passages: Sequence[Passage]) -> None:  # noqa: ARG002
        self._writer.writerow(map(_cell, flatten(verdict, self._codebook).values()))

    def close(self, *, complete: bool) -> None:  # noqa: ARG002
        self._file.close()


class ParquetRows:
    def __init__(self, codebook: Codebook) -> None:
        self._codebook = codebook
        self._waiting: list[dict[str, Any]] = []

    def open(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._schema = nested_schema(self._codebook)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, verdict: Verdict, passages: Sequence[Passage]) -> None:  # noqa: ARG002
        self._waiting.append(as_row(verdict, self._codebook))
        if len(self._waiting) >= _ROWS_OF_A_GROUP:
            self._flush()

    def close(self, *, complete: bool) -> None:
        try:
            if complete:
                self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.Table.from_pylist(self._waiting, schema=self._schema))
            self._waiting.clear()


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = str(value)
    # A spreadsheet would run such a cell as a formula; the apostrophe makes it text.
    return f"'{text}" if text.startswith(FORMULA) else text
