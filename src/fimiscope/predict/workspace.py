"""Where a bulk run keeps its finished parts until the result is written: a hidden folder beside the result.

`manifest.jsonl` names the job in its first line and one finished part in each further line; `part-000000.parquet` and
so on hold the verdicts. A part is on the disk before its line is, so that a line always tells of a whole part, wherever
the power fails; a line that was cut off counts as none.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fimiscope.checksums import sha256_of_file
from fimiscope.errors import OutputError
from fimiscope.output_files import replace_safely

if TYPE_CHECKING:
    import pyarrow as pa

_FORMAT = 1
_MANIFEST = "manifest.jsonl"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Finished:
    """A line of the manifest.

    Attributes:
        part: number of the part.
        digest: of its input (`Part.digest`).
        sha256: of its file.
        counts: how many of its articles had which outcome.
    """

    part: int
    digest: str
    sha256: str
    counts: dict[str, int]


class Workspace:
    """The finished parts of one job."""

    def __init__(self, folder: Path, job: Mapping[str, Any]) -> None:
        self.folder = folder
        self._job = {"format": _FORMAT, **job}
        self._finished: dict[int, Finished] = {}
        self._lock: sqlite3.Connection | None = None

    @classmethod
    def open(cls, output: Path, job: Mapping[str, Any]) -> Workspace:
        """Open the folder that belongs to `output`; parts that another job left there are taken away.

        Args:
            job: all that verdicts depend on besides the articles, as JSON values.

        Raises:
            OSError: the folder cannot be made or read.
            OutputError: another run is at work on the same result.
        """
        workspace = cls(output.with_name(f".{output.name}.parts"), job)
        try:
            workspace._take_up()
        except OutputError:
            raise
        except BaseException:
            # Ctrl-C may come at any moment, and an empty folder is of no use.
            workspace.leave()
            raise
        return workspace

    def finished(self, part: int, digest: str) -> Finished | None:
        """What is known of a part, where it is finished, of this very input, and undamaged."""
        found = self._finished.get(part)
        if found is None or found.digest != digest:
            return None
        path = self.path(part)
        return found if path.is_file() and sha256_of_file(path) == found.sha256 else None

    def path(self, part: int) -> Path:
        """The file of a part."""
        return self.folder / f"part-{part:06}.parquet"

    def finish(self, part: int, digest: str, table: pa.Table, counts: Mapping[str, int]) -> None:
        """Store a part's verdicts.

        Raises:
            OSError: they cannot be stored; what was stored before stays.
        """
        import pyarrow.parquet as pq

        draft = self.path(part).with_suffix(".draft")
        pq.write_table(table, draft, compression="zstd")
        finished = Finished(part, digest, sha256_of_file(draft), dict(counts))
        replace_safely(draft, self.path(part))
        self._add_line(asdict(finished))
        self._finished[part] = finished

    def remove(self) -> None:
        """Take the folder away, and with it the claim to the result."""
        self._let_go()
        shutil.rmtree(self.folder)

    def leave(self) -> None:
        """Give up the claim to the result; where no part is finished, the folder goes."""
        if self._lock is None:
            with contextlib.suppress(OSError):
                self.folder.rmdir()
        elif self._finished:
            self._let_go()
        else:
            self.remove()

    def _take_up(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._claim()
        lines = self._whole_lines()
        if lines and lines[0] == self._job:
            with contextlib.suppress(TypeError, KeyError):
                # A line that another program wrote: what stands above it is known, what stands below is scored again.
                for line in lines[1:]:
                    self._finished[line["part"]] = Finished(**line)
            return
        for path in self.folder.iterdir():
            if path.name != _LOCK:
                path.unlink()
        self._add_line(self._job)

    def _claim(self) -> None:
        """Keep other runs from the same result; the claim ends with the process, however it ends."""
        lock = sqlite3.connect(self.folder / _LOCK, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("PRAGMA journal_mode = MEMORY")
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            raise OutputError(
                f"{self.folder} is in use by another run: wait for it, or choose another --output"
            ) from error
        self._lock = lock

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _whole_lines(self) -> list[dict[str, Any]]:
        """The manifest's lines up to the first that is damaged or cut off, which is cut away with all below it."""
        manifest = self.folder / _MANIFEST
        if not manifest.is_file():
            return []
        lines, size = [], 0
        for line in manifest.read_bytes().splitlines(keepends=True):
            try:
                document = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                document = None
            if not isinstance(document, dict):
                os.truncate(manifest, size)
                break
            lines.append(document)
            size += len(line)
        return lines

    def _add_line(self, document: dict[str, Any]) -> None:
        with (self.folder / _MANIFEST).open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
            file.flush()
            os.fsync(file.fileno())
