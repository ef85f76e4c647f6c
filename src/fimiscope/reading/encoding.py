"""From bytes to characters: which encoding a file is in, and its lines one at a time."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

LONGEST_LINE = 50_000_000
LONGEST_GAP = 10_000_000
# So far an endless line is followed, and letters are looked for to tell the encoding: seconds, not minutes.
_FARTHEST = 10 * LONGEST_LINE
_CHUNK = 1 << 16
_ENOUGH = 1000
_ESCAPED = re.compile("[\udc80-\udcff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def marked_encoding(stream: BinaryIO) -> str | None:
    """Name the codec that a byte order mark at the start of a stream stands for. Open it again to read it."""
    return _marked(stream.read(3))


def _marked(head: bytes) -> str | None:
    if head[:3] == codecs.BOM_UTF8:
        return "utf-8-sig"
    return "utf-16" if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else None


def detect_encoding(stream: BinaryIO) -> str:
    """Name the codec of a stream: `utf-8`, `utf-8-sig`, `utf-16` or `cp1252`. Open it again to read it.

    UTF-16 counts only with a byte order mark. Windows-1252 counts only where the bytes are not UTF-8, hardly any of
    them would form UTF-8 letters, and each of them is a Windows-1252 character; so a UTF-8 file with one damaged
    place stays UTF-8, and its damage is reported instead of turned into wrong letters. The first 500 MB decide.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters = broken = seen = 0
    windows = True
    while seen < _FARTHEST and (chunk := _before_damage(stream)):
        if not seen and (marked := _marked(chunk)):
            return marked
        seen += len(chunk)
        text = decoder.decode(chunk)
        windows = windows and (chunk.isascii() or not _UNDEFINED_IN_CP1252.search(chunk))
        if not text.isascii():
            escaped = len(_ESCAPED.findall(text))
            broken += escaped
            letters += len(text) - len(text.encode("ascii", "ignore")) - escaped
        if letters > _ENOUGH and letters > 10 * broken:
            break
    broken += len(decoder.decode(b"", True))
    return "cp1252" if windows and broken > 10 * letters else "utf-8"


def _before_damage(stream: BinaryIO) -> bytes:
    # Where a packed file is damaged, what stands before decides; who reads the lines tells of the damage.
    try:
        return stream.read(_CHUNK)
    except OSError:
        return b""


def decode(data: bytes, encoding: str) -> tuple[str, str | None]:
    """Decode a whole file; gives its text and what is wrong with it, if anything."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return "", f"byte {error.start + 1} is not {encoding.upper()}"
    return text, "it holds null bytes, so it is not text" if "\0" in text else None


def decoded_lines(stream: BinaryIO, encoding: str, *, newline: str) -> Iterator[tuple[str, str | None]]:
    """Yield each line with its end, and what is wrong with it, if anything; at most one line is held in memory.

    Reading ends, with the reason, at a line of more than 500 million characters and after `LONGEST_GAP` blank ones.

    Args:
        newline: as for `open`: an empty string keeps and splits at every kind of line end, a line feed only at those.
    """
    reader = io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline=newline)
    blank = 0
    try:
        while line := reader.readline(LONGEST_LINE):
            blank = blank + len(line) if line.isspace() else 0
            if blank > LONGEST_GAP:
                yield "", f"more than {LONGEST_GAP:,} blank characters in a row; the rest is not read"
                return
            if len(line) < LONGEST_LINE or line.endswith("\n"):
                yield line, _fault(line, encoding)
                continue
            skipped = _skip_line(reader)
            yield (
                "",
                f"the line is longer than {LONGEST_LINE:,} characters" + ("" if skipped else "; the rest is not read"),
            )
            if not skipped:
                return
    except UnicodeDecodeError as error:
        yield "", f"from here on the bytes are not {encoding.upper()} ({error.reason})"
    finally:
        # The wrapper would close the stream with itself, and standard input is not ours to close.
        if not stream.closed:
            reader.detach()


def _skip_line(reader: io.TextIOWrapper) -> bool:
    """Read to the end of a line; false when it is not near."""
    for _ in range(_FARTHEST // _CHUNK):
        rest = reader.readline(_CHUNK)
        if not rest or rest.endswith("\n"):
            return True
    return False


def whole_characters(text: str) -> str:
    """Put U+FFFD for lone surrogates, which no file can hold (half an emoji at a cut); offsets stay."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _fault(line: str, encoding: str) -> str | None:
    if "\0" in line:
        return "it holds a null byte"
    if line.isascii():
        return None
    if broken := _ESCAPED.search(line):
        before = len(line[: broken.start()].encode(encoding.removesuffix("-sig"), "surrogateescape"))
        return f"byte {before + 1} of the line is not {encoding.upper().removesuffix('-SIG')}"
    return None
