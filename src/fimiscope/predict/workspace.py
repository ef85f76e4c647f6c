"""Where a bulk run keeps its finished parts until the result is written: a hidden folder beside the result.

`manifest.jsonl` names the job in its first line and one finished part in each further line; `part-000000.parquet` and
so on hold the verdicts. A part is on the disk before its line is, so that a line always tells of a whole part, wherever
the power fails; a line that was cut off counts as none.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fimiscope.checksums import sha256_of_file

if TYPE_CHECKING:
    import pyarrow as pa

_FORMAT = 1
_MANIFEST = "manifest.jsonl"


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

    @classmethod
    def open(cls, output: Path, job: Mapping[str, Any]) -> Workspace:
        """Open the folder that belongs to `output`; parts that another job left there are taken away.

        Args:
            job: all that verdicts depend on besides the articles, as JSON values.

        Raises:
            OSError: the folder cannot be made or read.
        """
        workspace = cls(output.with_name(f".{output.name}.parts"), job)
        workspace._take_up()
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
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        finished = Finished(part, digest, sha256_of_file(draft), dict(counts))
        draft.replace(self.path(part))
        self._add_line(asdict(finished))
        self._finished[part] = finished

    def remove(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.folder)

    def remove_if_empty(self) -> None:
        """Take the folder away if no part is finished."""
        if not self._finished:
            self.remove()

    def _take_up(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = self._whole_lines()
        if lines and lines[0] == self._job:
            self._finished = {line["part"]: Finished(**line) for line in lines[1:]}
            return
        self.remove()
        self.folder.mkdir()
        self._add_line(self._job)

    def _whole_lines(self) -> list[dict[str, Any]]:
        """The manifest's lines; a last one that was cut off is cut away, so that the next begins a line."""
        manifest = self.folder / _MANIFEST
        if not manifest.is_file():
            return []
        data = manifest.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(manifest, len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def _add_line(self, document: dict[str, Any]) -> None:
        with (self.folder / _MANIFEST).open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
            file.flush()
            os.fsync(file.fileno())
