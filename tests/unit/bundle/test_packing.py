"""A bundle as one file: it comes back whole, or not at all."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from random import Random

import pytest

from fimiscope.bundle import files
from fimiscope.bundle.packing import pack, unpack
from fimiscope.errors import BundleError, OutputError


@pytest.fixture
def packed(tiny_bundle: Path, tmp_path: Path) -> Path:
    pack(tiny_bundle, tmp_path / "there" / "model.zip")
    return tmp_path / "there" / "model.zip"


def rewritten(packed: Path, name: str, content: bytes, *, under: str | None = None) -> Path:
    """A copy of the archive in which `name` has another content, and `under` another name."""
    target = packed.with_name("rewritten.zip")
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(target, "w") as copy:
        for member in source.namelist():
            copy.writestr(
                (under or member) if member == name else member, content if member == name else source.read(member)
            )
    return target


def test_what_is_unpacked_is_what_was_packed(tiny_bundle: Path, packed: Path, tmp_path: Path) -> None:
    folder = unpack(packed, tmp_path / "here")
    assert folder == tmp_path / "here" / files.verify(tiny_bundle).name
    assert files.verify(folder) == files.verify(tiny_bundle)
    for path in tiny_bundle.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()
    assert [path.name for path in (tmp_path / "here").iterdir()] == [folder.name]


def test_the_same_bundle_gives_the_same_bytes(tiny_bundle: Path, packed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_bundle, tmp_path / "copy")
    pack(copy, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_an_older_bundle_of_that_name_is_replaced(packed: Path, tmp_path: Path) -> None:
    folder = unpack(packed, tmp_path / "here")
    (folder / "stray").write_text("old")
    unpack(packed, tmp_path / "here")
    assert not (folder / "stray").exists()


def test_a_changed_file_is_refused_and_nothing_is_left(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        size = len(archive.read(files.CODEBOOK))
    for content in (b"x" * size, b"x" * (size + 9), b""):
        with pytest.raises(BundleError, match=files.CODEBOOK):
            unpack(rewritten(packed, files.CODEBOOK, content), tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("name", ["../codebook.json", "/codebook.json", "folder/codebook.json", "..", "other.json"])
def test_files_that_the_manifest_does_not_list_or_that_lead_elsewhere_are_refused(
    packed: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BundleError, match="its files are not those of its manifest"):
        unpack(rewritten(packed, files.CODEBOOK, b"x", under=name), tmp_path / "here")
    assert not (tmp_path / "codebook.json").exists()


def test_a_name_that_leads_elsewhere_is_refused(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        manifest = json.loads(archive.read(files.MANIFEST))
    manifest["name"] = "../outside"
    with pytest.raises(BundleError, match="its files are not those of its manifest"):
        unpack(rewritten(packed, files.MANIFEST, json.dumps(manifest).encode()), tmp_path / "here")
    assert not (tmp_path / "outside").exists()


def test_other_files_and_cut_ones_are_refused(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "other.zip").write_bytes(b"no archive")
    (tmp_path / "cut.zip").write_bytes(packed.read_bytes()[:-2000])
    for name in ("other.zip", "cut.zip"):
        with pytest.raises(BundleError, match=rf"{name} is no packed bundle, or is damaged; copy it again"):
            unpack(tmp_path / name, tmp_path / "here")
    with pytest.raises(BundleError, match=r"absent\.zip is not there"):
        unpack(tmp_path / "absent.zip", tmp_path / "here")


def test_a_byte_that_a_bad_stick_changed_is_refused(tiny_bundle: Path, packed: Path, tmp_path: Path) -> None:
    whole, refused = packed.read_bytes(), 0
    random = Random(5)
    for _ in range(25):
        place = random.randrange(200, len(whole) - 2000)
        (tmp_path / "bad.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            folder = unpack(tmp_path / "bad.zip", tmp_path / "here")
        except BundleError as error:
            assert "copy" in str(error)
            refused += 1
        else:
            # A few bytes, such as those of dates, say nothing of the content.
            assert files.verify(folder) == files.verify(tiny_bundle)
    assert refused > 15


def test_a_size_below_zero_does_not_open_the_gate(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        manifest = json.loads(archive.read(files.MANIFEST))
    manifest["files"][files.CODEBOOK]["bytes"] = -1
    with pytest.raises(BundleError, match="its files are not those of its manifest"):
        unpack(rewritten(packed, files.MANIFEST, json.dumps(manifest).encode()), tmp_path / "here")


def test_a_folder_is_no_packed_bundle(tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a folder: give the file that pack wrote"):
        unpack(tiny_bundle, tmp_path / "here")


def test_a_damaged_bundle_is_not_packed(tiny_bundle: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / "broken")
    (broken / files.HEADS).write_text("[]")
    with pytest.raises(BundleError, match=files.HEADS):
        pack(broken, tmp_path / "model.zip")
    assert not (tmp_path / "model.zip").exists()


def test_a_place_that_cannot_be_written_is_named(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        pack(tiny_bundle, tmp_path / "file" / "model.zip")
