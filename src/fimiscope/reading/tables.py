"""Rows of jsonl, csv and parquet files, streamed; a broken row is named and passed over."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from fimiscope.errors import ReadingError
from fimiscope.reading.columns import Columns
from fimiscope.reading.encoding import LONGEST_LINE, decoded_lines, detect_encoding, marked_encoding
from fimiscope.reading.inputs import Source

# Row number (0: the file as a whole), and the cells by column name or what is wrong.
Row = tuple[int, dict[str, Any] | str]

_DELIMITERS = ",;\t|"
# No text holds this separator, so a table of one column is never split at the commas of its texts.
_NONE = "\x1f"
_PEEKED_ROWS = 1000
_PARQUET_BATCH = 256
# Of one row; a short line takes many times its size in memory.
MOST_LINES = 100_000


def rows_of(source: Source, stdin: BinaryIO | None = None, only: Sequence[str] | None = None) -> Iterator[Row]:
    """Stream the rows of a table file, numbered as its editor shows them: a csv's header is row 1.

    Args:
        stdin: read instead of the file, as jsonl.
        only: columns to decode; parquet saves the work for the others, the other kinds give them anyway.
    """
    if stdin is not None:
        yield from _json_rows(stdin, "utf-8-sig")
        return
    try:
        if source.kind == "parquet":
            with source.open() as stream:
                yield from _parquet_rows(stream, only)
            return
        with source.open() as stream:
            encoding = detect_encoding(stream) if source.kind == "csv" else marked_encoding(stream) or "utf-8"
        # Opened anew, because packed streams cannot be rewound.
        with source.open() as stream:
            yield from _csv_rows(stream, encoding) if source.kind == "csv" else _json_rows(stream, encoding)
    except OSError as error:
        yield 0, f"the file cannot be read ({error.strerror or 'input error'})"


def check_columns(source: Source, columns: Columns) -> str | None:
    """What keeps a table file from being read with `columns`, in one sentence; `None` when nothing does.

    A damaged file passes: reading it says what is wrong and where.
    """
    names: list[str] = []
    if source.kind == "parquet" and source.packed:
        return f"{source.place} is a packed parquet file: unpack it (parquet is compressed inside already)"
    if source.kind == "jsonl":
        if fault := _array_fault(source):
            return fault
        for _, row in islice(rows_of(source), _PEEKED_ROWS):
            if isinstance(row, dict):
                names = list(dict.fromkeys([*names, *row]))
                if columns.complete(names):
                    return None
        return columns.fault(names, source.place) if names else None
    found = table_columns(source)
    return None if found is None else columns.fault(found, source.place)


def table_columns(source: Source) -> list[str] | None:
    """The column names of a csv or parquet file; `None` when it is too damaged to tell."""
    try:
        return _parquet_columns(source.path) if source.kind == "parquet" else _csv_columns(source)
    except OSError:
        return None


def _json_rows(stream: BinaryIO, encoding: str) -> Iterator[Row]:
    for number, (line, fault) in enumerate(decoded_lines(stream, encoding, newline="\n"), start=1):
        if fault is not None:
            yield number, fault
        elif line.strip():
            yield number, _json_row(line)


def _json_row(line: str) -> dict[str, Any] | str:
    try:
        row = json.loads(line, strict=False)
    except json.JSONDecodeError as error:
        return f"the line is not valid JSON ({error.msg}, column {error.colno})"
    except (ValueError, RecursionError):
        return "the line is not valid JSON (a number or nesting without measure)"
    return row if isinstance(row, dict) else "the line is no JSON object"


def _array_fault(source: Source) -> str | None:
    if source.packed:
        return None
    try:
        with source.path.open("rb") as stream:
            start = stream.read(1000)
            stream.seek(max(0, stream.seek(0, io.SEEK_END) - 1000))
            end = stream.read()
    except OSError:
        return None
    if not (start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"[") and end.rstrip().endswith(b"]")):
        return None
    return f"{source.place} is one JSON array, not jsonl: write one object a line (jq -c '.[]' does it)"


class _Feed:
    """Lines for the csv reader; remembers those of the row at hand, so that one broken row takes no others with it."""

    def __init__(self, lines: Iterator[tuple[str, str | None]]) -> None:
        self._lines = lines
        self._waiting: deque[tuple[str, str | None]] = deque()
        self._taken: list[tuple[str, str | None]] = []
        self._size = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line, fault = self._waiting.popleft() if self._waiting else next(self._lines)
        self._taken.append((line, fault))
        self._size += len(line)
        if fault is not None:
            raise csv.Error(fault)
        if self._size > LONGEST_LINE:
            raise csv.Error(f"the row is longer than {LONGEST_LINE:,} characters")
        if len(self._taken) > MOST_LINES:
            raise csv.Error(f"the row has more than {MOST_LINES:,} lines")
        return line

    def start_row(self) -> None:
        self._taken.clear()
        self._size = 0

    def give_back(self) -> None:
        """Hand out again all lines of the row but its first."""
        self._waiting.extendleft(reversed(self._taken[1:]))


def _csv_rows(stream: BinaryIO, encoding: str) -> Iterator[Row]:
    # The limit is the module's; an article may well be longer than its 131,072 characters.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    feed, delimiter, first = _open_csv(stream, encoding)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = first - 1
    while True:
        number += 1
        feed.start_row()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if header is None:
                yield number, f"the header cannot be read: {_csv_fault(str(error))}"
                return
            feed.give_back()
            yield number, _csv_fault(str(error))
            continue
        if not cells:
            continue
        if header is None:
            header = _distinct([cell.strip() for cell in cells])
        elif len(cells) != len(header):
            yield number, f"the row has {len(cells)} cells, the header has {len(header)}"
        else:
            yield number, dict(zip(header, cells, strict=True))
    if header is None:
        yield 0, "the file is empty: not even a header"


def _csv_columns(source: Source) -> list[str] | None:
    with source.open() as stream:
        encoding = detect_encoding(stream)
    with source.open() as stream:
        feed, delimiter, _ = _open_csv(stream, encoding)
        try:
            return [cell.strip() for cell in next(csv.reader(feed, delimiter=delimiter, strict=True), [])] or None
        except csv.Error:
            return None


def _open_csv(stream: BinaryIO, encoding: str) -> tuple[_Feed, str, int]:
    """The lines of a csv, its delimiter, and the number of its header row; `sep=` on top is a spreadsheet's hint."""
    lines = decoded_lines(stream, encoding, newline="")
    first, fault = next(lines, ("", None))
    if hint := re.fullmatch(r"sep=(.)\s*", first):
        return _Feed(lines), hint[1], 2
    counts = {mark: _cells(first, mark) for mark in _DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])

    def all_lines() -> Iterator[tuple[str, str | None]]:
        if first or fault:
            yield first, fault
        yield from lines

    return _Feed(all_lines()), best if counts[best] > 1 else _NONE, 1


def _cells(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line], delimiter=delimiter), []))


def _csv_fault(reason: str) -> str:
    if "unexpected end of data" in reason:
        return "a quoted cell begins here and never ends"
    if "expected after" in reason:
        return "a quotation mark stands inside a quoted cell without being doubled"
    return reason


def _distinct(names: list[str]) -> list[str]:
    """Column names of which none hides another: later namesakes get `#2`, `#3`, …"""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return distinct


def _parquet_columns(path: Path) -> list[str] | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except pa.ArrowException:
        return None


def _parquet_rows(stream: BinaryIO, only: Sequence[str] | None) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(stream, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH, columns=None if only is None else list(only)):
                try:
                    rows: list[dict[str, Any] | str] = batch.to_pylist()
                except (ValueError, OverflowError):
                    rows = [_parquet_row(batch, index) for index in range(batch.num_rows)]
                for row in rows:
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError) as error:
        after = f" after row {number}" if number else ""
        yield 0, f"the file is no readable parquet{after} ({str(error).splitlines()[0][:120]})"


def _parquet_row(batch: Any, index: int) -> dict[str, Any] | str:
    row = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[index].as_py()
        except (ValueError, OverflowError):
            return f"the cell of column '{name[:30]}' cannot be read"
    return row


def column_faults(sources: Sequence[Source], columns: Columns) -> dict[Source, str]:
    """Which table files among `sources` lack a column, with the columns that they have.

    Raises:
        ReadingError: none of the sources can be read.
    """
    tables = [source for source in sources if source.kind in ("jsonl", "csv", "parquet") and str(source.path) != "-"]
    faults = {source: fault for source in tables if (fault := check_columns(source, columns)) is not None}
    if faults and len(faults) == len(sources):
        raise ReadingError("; ".join(faults.values()))
    return faults
