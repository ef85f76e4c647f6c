"""One result file: it appears whole or not at all.

Rows go to a hidden file beside it, which takes its place at the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from fimiscope.codebook import Codebook
from fimiscope.errors import OutputError
from fimiscope.output_files import one_line, replace_safely
from fimiscope.predict.passages import Passage
from fimiscope.predict.writing.page import PageRows
from fimiscope.predict.writing.tables import CsvRows, JsonRows, ParquetRows
from fimiscope.predict.writing.workbook import WorkbookRows
from fimiscope.records import Verdict

KINDS = (".jsonl", ".csv", ".parquet", ".xlsx", ".html")


class Rows(Protocol):
    """How one kind of file takes verdicts; `close(complete=False)` leaves nothing open behind."""

    def open(self, path: Path) -> None: ...

    def write(self, verdict: Verdict, passages: Sequence[Passage]) -> None: ...

    def close(self, *, complete: bool) -> None: ...


class VerdictWriter:
    """A result file that is being written; a context manager, so that it is published or taken away at the end."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self._path = path
        self._rows = rows
        self._partial = path.with_name(f".{path.name}.partial")

    def __enter__(self) -> VerdictWriter:
        """Make the folder and open the hidden file.

        Raises:
            OutputError: the folder or the file cannot be written.
        """
        with one_line(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._rows.open(self._partial)
            except OSError:
                self._partial.unlink(missing_ok=True)
                raise
        return self

    def write(self, verdict: Verdict, passages: Sequence[Passage] = ()) -> None:
        """Add one verdict; pages show its `passages`, other kinds pass them over.

        Raises:
            OutputError: it cannot be stored, for example because the disk is full.
        """
        with one_line(self._path):
            self._rows.write(verdict, passages)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                with one_line(self._path):
                    self._rows.close(complete=True)
                    replace_safely(self._partial, self._path)
            else:
                # What went wrong first is what the user must hear of.
                with contextlib.suppress(OSError):
                    self._rows.close(complete=False)
        finally:
            self._partial.unlink(missing_ok=True)


def open_writer(path: Path | str, codebook: Codebook) -> VerdictWriter:
    """A writer for `path`, by its suffix, one of `KINDS`; nothing is touched before it is entered.

    Raises:
        OutputError: the suffix is another, or `path` is a folder.
    """
    target = Path(path)
    makers: dict[str, Callable[[], Rows]] = {
        ".jsonl": JsonRows,
        ".csv": lambda: CsvRows(codebook),
        ".parquet": lambda: ParquetRows(codebook),
        ".xlsx": lambda: WorkbookRows(codebook),
        ".html": lambda: PageRows(codebook),
    }
    make = makers.get(target.suffix.lower())
    if make is None:
        raise OutputError(f"{target} cannot be written: its name must end in {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    with one_line(target):
        if target.is_dir():
            raise OutputError(f"{target} cannot be written: it is a folder")
    # A link stays a link: the file that it leads to is replaced.
    return VerdictWriter(target.resolve(), make())
