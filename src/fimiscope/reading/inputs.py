"""Which files the inputs of a command stand for: files, folders, globs and standard input, in the order given."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fimiscope.errors import ReadingError
from fimiscope.reading.encoding import whole_characters

Kind = Literal["jsonl", "csv", "parquet", "text", "html", "markdown"]

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


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Attributes:
        path: where it lies; `-` for standard input.
        name: how ids call it: its path below the given folder or glob, with forward slashes.
        kind: how it is read.
    """

    path: Path
    name: str
    kind: Kind

    @property
    def place(self) -> str:
        return whole_characters(str(self.path))


def source_of(path: Path, name: str | None = None) -> Source:
    """The source for one file.

    Raises:
        ReadingError: the file's extension is none that is read.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise ReadingError(f"{path} is of no kind that is read (kinds: {', '.join(KINDS)})")
    return Source(path, whole_characters(name or path.name), kind)


def find_sources(inputs: Sequence[str | Path], passed_over: list[str]) -> list[Source]:
    """Resolve `inputs` to files.

    Args:
        passed_over: gets what folders and globs held and is not read: files of other kinds, hidden files, and, with
            a slash at the end, hidden, linked and locked folders.

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
        return [source_of(path)]
    if not glob.has_magic(given):
        raise ReadingError(f"{given} does not exist")
    # Path.glob knows no absolute patterns.
    found = sorted(Path(name) for name in glob.glob(given, recursive=True))  # noqa: PTH207
    if not found:
        raise ReadingError(f"nothing matches {given}")
    root = _fixed_part(path)
    sources: list[Source] = []
    others: list[str] = []
    for match in found:
        if match.is_dir():
            # `**` lists the files of a folder by themselves; a plain pattern that hits a folder means what is in it.
            if "**" not in given:
                sources += _walk(match, root, others)
        else:
            _sort_out(match, root, sources, others)
    return _something(sources, others, given, passed_over)


def _inside(folder: Path, root: Path, given: str, passed_over: list[str]) -> list[Source]:
    others: list[str] = []
    return _something(_walk(folder, root, others), others, given, passed_over)


def _something(sources: list[Source], others: list[str], given: str, passed_over: list[str]) -> list[Source]:
    if not sources:
        seen = f" ({len(others)} of other kinds)" if others else ""
        raise ReadingError(f"{given} holds nothing that is read{seen} (kinds: {', '.join(KINDS)})")
    passed_over += others
    return sources


def _walk(folder: Path, root: Path, others: list[str]) -> list[Source]:
    sources: list[Source] = []
    files: list[Path] = []

    def locked(error: OSError) -> None:
        others.append(f"{error.filename}{os.sep}")

    for top, folders, names in os.walk(folder, onerror=locked):
        here = Path(top)
        skipped = [name for name in folders if name.startswith(".") or (here / name).is_symlink()]
        others += [f"{here / name}{os.sep}" for name in skipped]
        folders[:] = [name for name in folders if name not in skipped]
        files += [here / name for name in names]
    for path in sorted(files, key=lambda path: path.relative_to(root).parts):
        _sort_out(path, root, sources, others)
    return sources


def _sort_out(path: Path, root: Path, sources: list[Source], others: list[str]) -> None:
    if path.suffix.lower() in KINDS and not path.name.startswith("."):
        sources.append(source_of(path, path.relative_to(root).as_posix()))
    else:
        others.append(str(path))


def _fixed_part(pattern: Path) -> Path:
    parts: list[str] = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)
