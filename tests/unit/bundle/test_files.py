"""The folder of a bundle: sealed, checked file by file, refused in one line, replaced whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fimiscope.bundle import Bundle, files
from fimiscope.codebook import Codebook
from fimiscope.errors import BundleError

FACTS = {
    "name": "small",
    "created": "2025-01-01T00:00:00+00:00",
    "codebook": "1.0",
    "trained_on": "invented 3",
    "corpus_digest": "0" * 32,
    "encoder": None,
}


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy of a bundle"))


def rewrite_manifest(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_what_was_sealed_is_accepted(copy: Path, tiny_bundle: Path) -> None:
    manifest = files.verify(copy)
    assert manifest == files.verify(tiny_bundle)
    assert manifest.format == files.FORMAT
    assert set(manifest.files) == {path.name for path in copy.iterdir()} - {"manifest.json"}
    assert all(entry["bytes"] == (copy / name).stat().st_size for name, entry in manifest.files.items())


def test_who_can_read_one_file_of_a_bundle_can_read_all(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("1")
    (tmp_path / "weights").chmod(0o600)
    files.seal(tmp_path, name="x", codebook="1", created="", trained_on="", encoder=None, corpus_digest="")
    assert {path.stat().st_mode for path in tmp_path.iterdir()} == {(tmp_path / files.MANIFEST).stat().st_mode}
    assert (tmp_path / "weights").stat().st_mode & 0o400


def test_a_bundle_is_taken_for_another_one_as_soon_as_a_part_of_its_making_differs(
    tiny_bundle: Path, codebook: Codebook
) -> None:
    made_of: dict[str, Any] = {
        "config": (tiny_bundle / files.CONFIG).read_text(encoding="utf-8"),
        "codebook": codebook,
        "corpus_digest": files.verify(tiny_bundle).corpus_digest,
    }
    assert files.is_made_of(tiny_bundle, **made_of)
    roles = (replace(codebook.roles[0], flags=not codebook.roles[0].flags), *codebook.roles[1:])
    others = {"config": "", "codebook": replace(codebook, roles=roles), "corpus_digest": ""}
    for name, other in others.items():
        assert not files.is_made_of(tiny_bundle, **made_of | {name: other})


@pytest.mark.parametrize("name", ["encoder.onnx", "lexical_weights.npy", "decisions.json", "tokenizer.json"])
def test_a_truncated_file_is_refused(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    assert f"{name} has {len(content) // 2} bytes, expected {len(content)}" in refusal(copy)


def test_a_swapped_file_of_the_same_size_is_refused(copy: Path) -> None:
    path = copy / "calibration.json"
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("1", "2", 1), encoding="utf-8")
    assert "calibration.json is not the file that was sealed" in refusal(copy)


def test_a_file_of_another_bundle_is_refused(copy: Path) -> None:
    (copy / "lexical_bias.npy").write_bytes((copy / "lexical_idf.npy").read_bytes())
    assert "lexical_bias.npy" in refusal(copy)


@pytest.mark.parametrize("name", ["encoder.onnx", "codebook.json", "windows.json", "lexical_idf.npy"])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert f"{name} is missing; copy the bundle again" in refusal(copy)


@pytest.mark.parametrize("format_", [0, 2, "1", None])
def test_another_format_is_refused(copy: Path, format_: object) -> None:
    rewrite_manifest(copy, lambda manifest: manifest.update(format=format_))
    assert f"has format {format_}; this fimiscope reads format 1" in refusal(copy)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\udcff"])
def test_a_manifest_that_is_none_is_refused(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    refusal(copy)


def test_a_manifest_with_other_fields_is_refused(copy: Path) -> None:
    rewrite_manifest(copy, lambda manifest: manifest.update(author="somebody"))
    assert "lacks or adds a field" in refusal(copy)


@pytest.mark.parametrize("entry", [{}, {"bytes": 1}, None, 5])
def test_a_manifest_with_broken_entries_is_refused(copy: Path, entry: object) -> None:
    rewrite_manifest(copy, lambda manifest: manifest["files"].update({"heads.json": entry}))  # type: ignore[attr-defined]
    refusal(copy)


@pytest.mark.parametrize("listed", [[], None, "all"])
def test_a_manifest_without_a_list_of_files_is_refused(copy: Path, listed: object) -> None:
    rewrite_manifest(copy, lambda manifest: manifest.update(files=listed))
    refusal(copy)


def test_a_manifest_cannot_leave_a_file_out(copy: Path) -> None:
    rewrite_manifest(copy, lambda manifest: manifest["files"].pop("decisions.json"))  # type: ignore[attr-defined]
    assert "does not list decisions.json" in refusal(copy)


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname"])
def test_a_manifest_cannot_point_outside(copy: Path, name: str) -> None:
    (copy.parent / "outside.json").write_text("{}", encoding="utf-8")
    rewrite_manifest(copy, lambda manifest: manifest["files"].update({name: {"bytes": 2, "sha256": "0"}}))  # type: ignore[attr-defined]
    assert f"{name} is missing" in refusal(copy)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("decisions.json", "{}"),
        ("heads.json", "[]"),
        ("learned.json", "null"),
        ("calibration.json", "[1, 2]"),
        ("codebook.json", "{}"),
        ("windows.json", "[]"),
        ("tokenizer.json", "{}"),
        ("encoder.onnx", "no graph"),
        ("lexical_weights.npy", "no array"),
    ],
)
def test_a_sealed_file_that_makes_no_sense_is_refused(copy: Path, name: str, content: str) -> None:
    (copy / name).write_text(content, encoding="utf-8")
    (copy / "manifest.json").unlink()
    files.seal(copy, **FACTS)
    with pytest.raises(BundleError):
        Bundle.load(copy)


def test_no_folder_and_no_bundle_are_told_apart(tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "nowhere")
    assert "has no manifest.json" in refusal(tmp_path)


def sealed(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "heads.json").write_text(content, encoding="utf-8")
    files.seal(folder, **FACTS)
    return folder


def test_publishing_replaces_the_whole_bundle(tmp_path: Path) -> None:
    home = tmp_path / "models" / "small"
    files.publish(sealed(tmp_path / "first", "[1]"), home)
    (home / "left over.txt").write_text("of an older version", encoding="utf-8")
    files.publish(sealed(tmp_path / "second", "[2]"), home)
    assert sorted(path.name for path in home.iterdir()) == ["heads.json", "manifest.json"]
    assert (home / "heads.json").read_text(encoding="utf-8") == "[2]"
    assert [path.name for path in home.parent.iterdir()] == ["small"]


def test_publishing_never_replaces_what_is_no_bundle(tmp_path: Path) -> None:
    home = tmp_path / "thesis"
    home.mkdir()
    (home / "chapter.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(BundleError, match="exists and is no bundle"):
        files.publish(sealed(tmp_path / "draft", "[1]"), home)
    assert (home / "chapter.txt").read_text(encoding="utf-8") == "years of work"


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    folders = [sealed(tmp_path / name, content) for name, content in (("a", "[1]"), ("b", "[1]"), ("c", "[2]"))]
    first, same, other = (files.read_json(folder / "manifest.json")["version"] for folder in folders)
    assert first == same != other
