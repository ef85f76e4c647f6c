"""The list of what a person should look into, beside a result: `scores.csv.quarantine.jsonl` beside `scores.csv`.

It names what could not be read or judged, and what came under an id that another article had before.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import TracebackType
from typing import TextIO

from fimiscope.output_files import replace_safely
from fimiscope.predict.storing import Stored
from fimiscope.reading import QUARANTINE


class Quarantine:
    """A list that is being written; where it would be empty there is no file, and an older one goes."""

    def __init__(self, output: Path) -> None:
        self._path = output.with_name(output.name + QUARANTINE)
        self._partial = self._path.with_name(f".{self._path.name}.partial")
        self._file: TextIO | None = None

    def __enter__(self) -> Quarantine:
        return self

    def add(self, stored: Stored) -> None:
        """Note an article that failed or was renamed: its id, its status, its place in the input, and the reason.

        Raises:
            OSError: it cannot be stored.
        """
        verdict = stored.verdict
        reasons = [verdict.reason] if verdict.status == "failed" else []
        if stored.renamed is not None:
            reasons.append(f"another article had the id {stored.renamed} before")
        if not reasons:
            return
        if self._file is None:
            self._file = self._partial.open("w", encoding="utf-8", newline="\n")
        entry = {
            "id": verdict.id,
            "status": verdict.status,
            "place": stored.place,
            "reason": "; ".join(map(str, reasons)),
        }
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None:
            if error is None:
                self._path.unlink(missing_ok=True)
            return
        try:
            with contextlib.suppress(OSError) if error is not None else contextlib.nullcontext():
                self._file.close()
            if error is None:
                replace_safely(self._partial, self._path)
        finally:
            self._partial.unlink(missing_ok=True)
