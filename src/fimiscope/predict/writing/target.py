"""The file that a zip archive is packed into."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any


class Target(io.RawIOBase):
    """A file that keeps its first error until `check`.

    A zip archive that failed writes its end once more when it is thrown away, where no one can catch an error.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("wb")
        self._error: OSError | None = None
        self._at = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if not self._file.closed:
            try:
                self._file.seek(self._at)
                self._file.write(data)
            except OSError as error:
                self._error = self._error or error
        self._at += size
        return size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only offsets from the beginning")
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def finish(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            self._error = self._error or error

    def check(self) -> None:
        """Say whether all was stored.

        Raises:
            OSError: the first that was met.
        """
        if self._error is not None:
            raise self._error
