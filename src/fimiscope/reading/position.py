"""How far the reading of files is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from fimiscope.reading.inputs import STDIN, Source


class Position:
    """The place in a row of files, in bytes as they lie on the disk; other threads may ask for it."""

    def __init__(self) -> None:
        self._sizes: list[int] | None = None
        self._total = 0
        self._before = 0
        self._number = 0
        self._file: BinaryIO | None = None

    @property
    def share(self) -> float | None:
        """Share of the bytes that are read, 0 to 1; `None` where nobody knows how many there will be."""
        return min(1.0, (self._before + self._in_file()) / self._total) if self._total else None

    def begin(self, sources: Sequence[Source]) -> None:
        """Set out; a member of an archive counts as an equal share of it, standard input makes all unknown."""
        members: dict[object, int] = {}
        for source in sources:
            members[source.path] = members.get(source.path, 0) + 1
        if all(str(path) != STDIN for path in members):
            self._sizes = [source.size // members[source.path] for source in sources]
            self._total = sum(self._sizes)

    def opened(self, file: BinaryIO) -> None:
        """Watch a file that is read now."""
        self._file = file

    def passed(self) -> None:
        """Leave a source behind."""
        if self._sizes is not None:
            self._before += self._sizes[self._number]
            self._number += 1
        self._file = None

    def _in_file(self) -> int:
        file = self._file
        try:
            return 0 if file is None or file.closed else file.tell()
        except (OSError, ValueError):
            # It was closed by the thread that reads, or cannot tell, as a pipe cannot.
            return 0
