"""Which files the inputs of a command stand for: files, archives, folders, globs and `-`, in the order given."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal

from fimiscope.errors import ReadingError
from fimiscope.reading.compression import ARCHIVE, COMPRESSIONS, list_members, open_member, unpacked
from fimiscope.reading.encoding import whole_characters

Kind = Literal["jsonl", "csv", "parquet", "text", "html", "markdown", "archive"]

KINDS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
}
STDIN = "-"
QUARANTINE = ".quarantine.jsonl"
"""How the lists of unreadable articles end that lie beside results: nobody means them for articles."""
_KINDS_TOLD = f"{', '.join(KINDS)}; packed as {', '.join(COMPRESSIONS)} or inside {ARCHIVE}"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read, or one member of a zip archive.

    Attributes:
        path: where it lies; `-` for standard input.
        name: how ids call it: its path below the given folder or glob, with forward slashes.
        kind: how it is read; an `archive` stands for its members, unless it is too damaged to list them.
        member: name inside the archive at `path`; empty for a file.
        fault: why it cannot be read; empty when nothing is known against it.
        watch: is handed each file that is opened.
    """

    path: Path
    name: str
    kind: Kind
    member: str = ""
    fault: str = ""
    watch: Callable[[BinaryIO], None] | None = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> str:
        return whole_characters(f"{self.path}/{self.member}" if self.member else str(self.path))

    @property
    def packed(self) -> bool:
        return bool(self.member) or self.path.suffix.lower() in COMPRESSIONS

    def open(self) -> BinaryIO:
        """Its bytes as they are unpacked.

        Raises:
            OSError: here or in reading, with what is wrong as its `strerror`.
        """
        if self.member:
            return open_member(self.path, self.member)
        file = self.path.open("rb")
        if self.watch is not None:
            self.watch(file)
        return unpacked(file, self.path.suffix)

    @property
    def size(self) -> int:
        """Bytes of the file or archive as it lies on the disk; 0 where nobody can tell."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def source_of(path: Path, name: str | None = None) -> Source:
    """The source for one file.

    Raises:
        ReadingError: the file's extension is none that is read.
    """
    kind = _kind_of(path.name)
    if kind is None:
        raise ReadingError(f"{path} is of no kind that is read (kinds: {_KINDS_TOLD})")
    return Source(path, whole_characters(name or path.name), kind)


def _kind_of(name: str) -> Kind | None:
    stem, ending = os.path.splitext(name.lower())  # noqa: PTH122 - a path object for each name takes ten times as long
    if ending == ARCHIVE:
        return "archive"
    return KINDS.get(os.path.splitext(stem)[1] if ending in COMPRESSIONS else ending)  # noqa: PTH122


def find_sources(inputs: Sequence[str | Path], passed_over: list[str]) -> list[Source]:
    """Resolve `inputs` to files.

    Args:
        passed_over: gets what folders, globs and archives held and is not read: files of other kinds, hidden files,
            archives in archives, and, with a slash at the end, hidden, linked and locked folders.

    Raises:
        ReadingError: names every input that is missing, of no kind that is read, or that holds nothing to read.
    """
    sources: list[Source] = []
    faults: list[str] = []
    for given in inputs:
        try:
            sources += _resolve(str(given), passed_over)
        except ReadingError as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(f"{given} cannot be read ({error.strerror})")
    if not inputs:
        faults.append("no input was given: name files, folders, globs, or - for standard input")
    if sum(str(given) == STDIN for given in inputs) > 1:
        faults.append("standard input (-) can be read only once")
    if faults:
        raise ReadingError("; ".join(faults))
    return sources


def _resolve(given: str, passed_over: list[str]) -> list[Source]:
    if given == STDIN:
        return [Source(Path(STDIN), "stdin", "jsonl")]
    path = Path(given)
    if path.is_dir():
        return _inside(path, path, given, passed_over)
    if path.exists():
        source = source_of(path)
        others: list[str] = []
        return _something(list(_opened(source, others)), others, given, passed_over)
    if not glob.has_magic(given):
        raise ReadingError(f"{given} does not exist")
    # Path.glob knows no absolute patterns.
    found = sorted(Path(name) for name in glob.glob(given, recursive=True))  # noqa: PTH207
    if not found:
        raise ReadingError(f"nothing matches {given}")
    root = _fixed_part(path)
    sources: list[Source] = []
    others = []
    for match in found:
        if match.is_dir():
            # `**` lists the files of a folder by themselves; a plain pattern that hits a folder means what is in it.
            if "**" not in given:
                sources += _walk(match, root, others)
        else:
            sources += _sorted_out(match, match.relative_to(root).as_posix(), others)
    return _something(sources, others, given, passed_over)


def _inside(folder: Path, root: Path, given: str, passed_over: list[str]) -> list[Source]:
    others: list[str] = []
    return _something(list(_walk(folder, root, others)), others, given, passed_over)


def _something(sources: list[Source], others: list[str], given: str, passed_over: list[str]) -> list[Source]:
    if not sources:
        seen = f" ({len(others)} of other kinds)" if others else ""
        raise ReadingError(f"{given} holds nothing that is read{seen} (kinds: {_KINDS_TOLD})")
    passed_over += others
    return sources


def _walk(folder: Path, root: Path, others: list[str]) -> Iterator[Source]:
    """What is below a folder, each folder's files and folders in the order of their names."""
    below = folder.relative_to(root).as_posix()
    waiting = [(str(folder), "" if below == "." else f"{below}/")]
    while waiting:
        path, name = waiting.pop()
        if name and not name.endswith("/"):
            yield from _sorted_out(Path(path), name, others)
            continue
        try:
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError:
            others.append(f"{path}{os.sep}")
            continue
        for entry in found:
            if not entry.is_dir():
                waiting.append((entry.path, f"{name}{entry.name}"))
            elif entry.name.startswith(".") or entry.is_symlink():
                others.append(f"{entry.path}{os.sep}")
            else:
                waiting.append((entry.path, f"{name}{entry.name}/"))


def _sorted_out(path: Path, name: str, others: list[str]) -> Iterator[Source]:
    kind = None if path.name.startswith(".") or path.name.endswith(QUARANTINE) else _kind_of(path.name)
    if kind is None:
        others.append(str(path))
    else:
        yield from _opened(Source(path, whole_characters(name), kind), others)


def _opened(source: Source, others: list[str]) -> Iterator[Source]:
    """The source, or what is in it where it is an archive that can be listed."""
    if source.kind != "archive":
        yield source
        return
    try:
        members = list_members(source.path)
    except OSError as error:
        yield replace(source, fault=f"the file cannot be read ({error.strerror or 'input error'})")
        return
    if not members:
        others.append(source.place)
    for member in members:
        kind = _kind_of(member)
        if kind is None or kind == "archive" or any(part.startswith(".") for part in member.split("/")):
            others.append(f"{source.place}/{whole_characters(member)}")
        else:
            yield Source(source.path, whole_characters(f"{source.name}/{member}"), kind, member)


def _fixed_part(pattern: Path) -> Path:
    parts: list[str] = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)
