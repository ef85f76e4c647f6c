"""A bundle as one file, to be carried to another machine: a zip archive that is checked against its manifest."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from fimiscope.bundle import files
from fimiscope.errors import BundleError, OutputError
from fimiscope.output_files import one_line
from fimiscope.progress import Progress, silent

_SAME_DATE = (1980, 1, 1, 0, 0, 0)
_PIECE = 1 << 20
# What zipfile raises of archives that are cut, changed, encrypted or packed by a method that it lacks, and what a
# manifest of another form leads to.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, KeyError, ValueError, TypeError, AttributeError)


def pack(folder: Path, file: Path, *, progress: Progress = silent) -> files.Manifest:
    """Write the bundle in `folder` as `file`; the same bundle gives the same bytes.

    Raises:
        BundleError: the folder is no bundle, or is damaged.
        OutputError: the file cannot be written.
    """
    manifest = files.verify(folder)
    names = [files.MANIFEST, *manifest.files]
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with one_line(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
                for number, name in enumerate(names):
                    progress("packing", number, len(names))
                    entry = zipfile.ZipInfo(name, _SAME_DATE)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with (folder / name).open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                        shutil.copyfileobj(source, target, _PIECE)
            draft.replace(file)
        progress("packing", len(names), len(names))
    finally:
        if draft.is_file():
            draft.unlink()
    return manifest


def unpack(file: Path, into: Path, *, progress: Progress = silent) -> Path:
    """Unpack a packed bundle as a folder of its name below `into`; an older bundle there is replaced whole.

    Nothing is written outside a draft folder before every file has the size and checksum that the manifest states.

    Raises:
        BundleError: the file is no packed bundle, or is damaged.
        OutputError: the folder cannot be written.
    """
    if not file.is_file():
        raise BundleError(f"{file} is {'a folder' if file.is_dir() else 'not there'}: give the file that pack wrote")
    draft = into / f".{file.stem}.{os.getpid()}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        with zipfile.ZipFile(file) as archive:
            name, sizes = _contents(file, archive)
            draft.mkdir(parents=True)
            for number, (member, size) in enumerate(sizes.items()):
                progress("unpacking", number, len(sizes))
                _extract(archive, member, size, draft / member)
        files.verify(draft)
        files.publish(draft, into / name)
        progress("unpacking", len(sizes), len(sizes))
    except _DAMAGED as error:
        raise BundleError(f"{file} is no packed bundle, or is damaged; copy it again") from error
    except OSError as error:
        raise OutputError(f"{into} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return into / name


def _contents(file: Path, archive: zipfile.ZipFile) -> tuple[str, dict[str, int | None]]:
    """The bundle's name, and its files with their sizes as the manifest states them."""
    with archive.open(files.MANIFEST) as source:
        manifest = json.loads(source.read(_PIECE))
    name, listed = manifest["name"], {member: int(entry["bytes"]) for member, entry in manifest["files"].items()}
    sizes: dict[str, int | None] = {files.MANIFEST: None, **listed}
    lawful = _plain([name, *sizes]) and all(size >= 0 for size in listed.values())
    if set(archive.namelist()) != set(sizes) or not lawful:
        raise BundleError(f"{file}: its files are not those of its manifest; copy it again")
    return name, sizes


def _plain(names: Iterable[object]) -> bool:
    """Whether all are names of files, which lead nowhere else."""
    return all(isinstance(name, str) and name == Path(name).name and name not in ("", "..") for name in names)


def _extract(archive: zipfile.ZipFile, name: str, size: int | None, target: Path) -> None:
    with archive.open(name) as source, target.open("wb") as written:
        # No more than is stated: a damaged or hostile archive must not fill the disk.
        left = _PIECE if size is None else size
        while left and (piece := source.read(min(left, _PIECE))):
            written.write(piece)
            left -= len(piece)
