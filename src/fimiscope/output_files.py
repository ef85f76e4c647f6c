"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fimiscope.errors import OutputError


@contextlib.contextmanager
def one_line(path: Path) -> Iterator[None]:
    """What the system says against `path` in here becomes one line.

    Raises:
        OutputError: in place of an `OSError`, or of text that UTF-8 cannot hold.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror or error})") from error
    except UnicodeEncodeError as error:
        raise OutputError(
            f"{path} cannot be written: it holds half a character (U+{ord(error.object[error.start]):04X})"
        ) from error


def replace_safely(draft: Path, path: Path) -> None:
    """Let a file take the place of another, so that after a power cut the one or the other is there, and whole.

    Raises:
        OSError: it cannot.
    """
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def check_folder(folder: Path) -> None:
    """Refuse a folder that could not be made at the end.

    Raises:
        OutputError: it, or what it should lie in, is a file, or cannot be looked at.
    """
    for part in (folder, *folder.parents):
        with one_line(part):
            if part.exists() and not part.is_dir():
                raise OutputError(f"--output: {part} is a file: give another folder")


def check_new(path: Path, advice: str) -> None:
    """Refuse a file that is there already, or whose folder could not be made at the end.

    Raises:
        OutputError: with `advice`, where it is there.
    """
    check_folder(path.parent)
    with one_line(path):
        if path.exists():
            raise OutputError(f"{path} is there already: {advice}")


def write_whole(path: Path, content: str) -> None:
    """Write a file, and its folder.

    Raises:
        OutputError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.partial")
    with one_line(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(content, encoding="utf-8", newline="\n")
            replace_safely(draft, path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise


def json_line(row: Any) -> str:
    """One line of a jsonl file."""
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    # Some readers take these for line ends.
    for mark in "\x85\u2028\u2029":
        line = line.replace(mark, f"\\u{ord(mark):04x}")
    return f"{line}\n"
