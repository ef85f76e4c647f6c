"""Compressed files and archives as streams of bytes; nothing is unpacked further than it is read."""

from __future__ import annotations

import errno
import io
import lzma
import struct
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, BinaryIO

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
ARCHIVE = ".zip"
# What one read takes, and so what is lost before a damaged place.
_BUFFER = 1 << 13
_ENCRYPTED = 0x1
# All that zipfile and its codecs raise for hostile bytes.
_ZIP_FAULTS = (zipfile.BadZipFile, RuntimeError, ValueError, EOFError, struct.error, zlib.error, lzma.LZMAError)


def unpacked(file: BinaryIO, ending: str) -> BinaryIO:
    """What is in a file that is open, unpacked where the ending of its name is one of `COMPRESSIONS`.

    Raises:
        OSError: here or in reading, with what is wrong as its `strerror`.
    """
    codec = COMPRESSIONS.get(ending.lower())
    if codec is None:
        return file
    import pyarrow as pa

    return _buffered(pa.CompressedInputStream(file, codec), codec)


def open_member(path: Path, member: str) -> BinaryIO:
    """Open one member of a zip archive, unpacked once more where its name ends in one of `COMPRESSIONS`.

    Raises:
        OSError: here or in reading, with what is wrong as its `strerror`.
    """
    try:
        archive = _archive(path, path.stat().st_mtime_ns)
        if archive.getinfo(member).flag_bits & _ENCRYPTED:
            raise OSError(errno.EACCES, "it is encrypted")
        return unpacked(_buffered(archive.open(member), "zip"), Path(member).suffix)
    except NotImplementedError as error:
        raise OSError(errno.EIO, "it is packed by a method that is not known here") from error
    except (*_ZIP_FAULTS, KeyError) as error:
        raise OSError(errno.EIO, "the archive is damaged or cut off") from error


def list_members(path: Path) -> list[str]:
    """Names of the files in a zip archive, sorted as the files of a folder are.

    Raises:
        OSError: with what is wrong as its `strerror`.
    """
    try:
        infos = _archive(path, path.stat().st_mtime_ns).infolist()
    except _ZIP_FAULTS as error:
        raise OSError(errno.EIO, "the archive is damaged or cut off") from error
    return sorted({info.filename for info in infos if not info.is_dir()}, key=lambda name: name.split("/"))


@lru_cache(maxsize=1)
def _archive(path: Path, modified: int) -> zipfile.ZipFile:  # noqa: ARG001 - a file that changes is another one
    # Kept open from one member to the next: opening reads the whole directory, which would be quadratic.
    return zipfile.ZipFile(path)


def _buffered(packed: IO[bytes], codec: str) -> BinaryIO:
    return io.BufferedReader(_Unpacked(packed, codec), _BUFFER)


class _Unpacked(io.RawIOBase):
    """A packed stream whose damages are all an `OSError` that says so."""

    def __init__(self, packed: IO[bytes], codec: str) -> None:
        self._packed = packed
        self._codec = codec
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._packed.read(min(len(buffer), _BUFFER))
        except (OSError, *_ZIP_FAULTS) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = f"its {self._codec} data are damaged or cut off after {self._done:,} unpacked bytes"
            raise OSError(errno.EIO, reason) from error
        buffer[: len(data)] = data
        self._done += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
        super().close()
