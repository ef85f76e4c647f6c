"""Verdicts to a file: jsonl as they are, csv and parquet with a column for each score.

A result file appears whole or not at all: rows go to a hidden file beside it, which takes its place at the end.
`docs/formats.md` describes the columns.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from fimiscope.codebook import Codebook
from fimiscope.errors import OutputError
from fimiscope.records import VERDICT_SCHEMA, Verdict, verdict_schema

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = (".jsonl", ".csv", ".parquet")
EVIDENCE_COLUMNS = 3
_EVIDENCE = ("text", "head", "start", "end", "score", "field")
_ARTICLE = ("title", "url", "outlet", "published")
_MODEL = ("name", "version", "codebook", "trained_on")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ROWS_OF_A_GROUP = 2000


def as_row(verdict: Verdict, codebook: Codebook) -> dict[str, Any]:
    """A verdict as one row of `records.verdict_schema`, in its order; missing scores are `None`, lists stay lists."""
    document = verdict.to_dict()
    row: dict[str, Any] = {"schema": VERDICT_SCHEMA}
    row.update((name, document[name]) for name in ("id", "status", "reason", "flag", "flag_probability", "role_label"))
    for prefix, codes, scores in (
        ("role", codebook.role_codes, verdict.role),
        ("actor", codebook.actor_codes, verdict.actors),
        ("narrative", codebook.narrative_codes, verdict.narratives),
    ):
        row.update((f"{prefix}_{code}", (scores or {}).get(code)) for code in codes)
    row.update((name, document[name]) for name in ("narratives_flagged", "africa", "evidence", "language", "gate"))
    row.update((name, verdict.article.get(name)) for name in _ARTICLE)
    row.update((f"model_{name}", verdict.model.get(name)) for name in _MODEL)
    return row


def flatten(verdict: Verdict, codebook: Codebook) -> dict[str, Any]:
    """A verdict as one row of single values, the columns of `flat_schema` in their order.

    Flagged narratives are joined by `; `. The first three pieces of evidence have columns of their own,
    `evidence_text_1`, `evidence_head_1` and so on; what is beyond them stands as JSON in `evidence_more`.
    """
    flat: dict[str, Any] = {}
    for name, value in as_row(verdict, codebook).items():
        if name == "narratives_flagged":
            flat[name] = None if value is None else "; ".join(value)
        elif name == "evidence":
            pieces = value or []
            for number in range(1, EVIDENCE_COLUMNS + 1):
                piece = pieces[number - 1] if number <= len(pieces) else {}
                flat.update((f"evidence_{part}_{number}", piece.get(part)) for part in _EVIDENCE)
            more = pieces[EVIDENCE_COLUMNS:]
            flat["evidence_more"] = json.dumps(more, ensure_ascii=False) if more else None
        else:
            flat[name] = value
    return flat


def flat_schema(codebook: Codebook) -> pa.Schema:
    """Arrow schema of `flatten`: strings, floats, integers and booleans only."""
    import pyarrow as pa

    parts = {"start": pa.int64(), "end": pa.int64(), "score": pa.float64()}
    fields = []
    for field in _schema(codebook):
        if field.name == "evidence":
            for number in range(1, EVIDENCE_COLUMNS + 1):
                fields += [(f"evidence_{part}_{number}", parts.get(part, pa.string())) for part in _EVIDENCE]
            fields.append(("evidence_more", pa.string()))
        else:
            fields.append((field.name, pa.string() if pa.types.is_list(field.type) else field.type))
    return pa.schema(fields)


def _schema(codebook: Codebook) -> pa.Schema:
    return verdict_schema(list(codebook.role_codes), list(codebook.actor_codes), list(codebook.narrative_codes))


class VerdictWriter:
    """A result file that is being written; a context manager, so that it is published or taken away at the end."""

    def __init__(self, path: Path, rows: _Rows) -> None:
        self._path = path
        self._rows = rows
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")

    def __enter__(self) -> VerdictWriter:
        """Make the folder and open the hidden file.

        Raises:
            OutputError: the folder or the file cannot be written.
        """
        with _one_line(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._rows.open(self._partial)
            except OSError:
                self._partial.unlink(missing_ok=True)
                raise
        return self

    def write(self, verdict: Verdict) -> None:
        """Add one verdict.

        Raises:
            OutputError: it cannot be stored, for example because the disk is full.
        """
        with _one_line(self._path):
            self._rows.write(verdict)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                with _one_line(self._path):
                    self._rows.close(complete=True)
                    self._partial.replace(self._path)
            else:
                # What went wrong first is what the user must hear of.
                with contextlib.suppress(OSError):
                    self._rows.close(complete=False)
        finally:
            self._partial.unlink(missing_ok=True)


def open_writer(path: Path | str, codebook: Codebook) -> VerdictWriter:
    """A writer for `path`, by its suffix `.jsonl`, `.csv` or `.parquet`; nothing is touched before it is entered.

    Raises:
        OutputError: the suffix is another, or `path` is a folder.
    """
    target = Path(path)
    makers: dict[str, Callable[[], _Rows]] = {
        ".jsonl": _JsonRows,
        ".csv": lambda: _CsvRows(codebook),
        ".parquet": lambda: _ParquetRows(codebook),
    }
    make = makers.get(target.suffix.lower())
    if make is None:
        raise OutputError(f"{target} cannot be written: its name must end in {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    if target.is_dir():
        raise OutputError(f"{target} cannot be written: it is a folder")
    # A link stays a link: the file that it leads to is replaced.
    return VerdictWriter(target.resolve(), make())


@contextlib.contextmanager
def _one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror or error})") from error
    except UnicodeEncodeError as error:
        raise OutputError(
            f"{path} cannot be written: a verdict holds half a character (U+{ord(error.object[error.start]):04X})"
        ) from error


class _Rows(Protocol):
    def open(self, path: Path) -> None: ...

    def write(self, verdict: Verdict) -> None: ...

    def close(self, *, complete: bool) -> None: ...


class _JsonRows:
    def open(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, verdict: Verdict) -> None:
        line = json.dumps(verdict.to_dict(), ensure_ascii=False, allow_nan=False)
        # Some readers take these for line ends.
        for mark in "\x85\u2028\u2029":
            line = line.replace(mark, f"\\u{ord(mark):04x}")
        self._file.write(f"{line}\n")

    def close(self, *, complete: bool) -> None:  # noqa: ARG002
        self._file.close()


class _CsvRows:
    def __init__(self, codebook: Codebook) -> None:
        self._codebook = codebook

    def open(self, path: Path) -> None:
        # The byte order mark is how spreadsheets know UTF-8.
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(flatten(Verdict(id="", status="failed"), self._codebook))

    def write(self, verdict: Verdict) -> None:
        self._writer.writerow(map(_cell, flatten(verdict, self._codebook).values()))

    def close(self, *, complete: bool) -> None:  # noqa: ARG002
        self._file.close()


class _ParquetRows:
    def __init__(self, codebook: Codebook) -> None:
        self._codebook = codebook
        self._waiting: list[dict[str, Any]] = []

    def open(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._schema = _schema(self._codebook)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, verdict: Verdict) -> None:
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
    return f"'{text}" if text.startswith(_FORMULA) else text
