"""A bundle on disk: one folder, a manifest with sizes and checksums, and nothing in it that runs code."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fimiscope.checksums import sha256_of_file
from fimiscope.codebook import Codebook
from fimiscope.errors import BundleError

FORMAT = 1
MANIFEST = "manifest.json"
GRAPH = "encoder.onnx"
TOKENIZER = "tokenizer.json"
WINDOWS = "windows.json"
TOKEN_HEADS = "token_heads.safetensors"
LEXICAL = "lexical.json"
LEXICAL_ARRAYS = ("lexical_buckets.npy", "lexical_idf.npy", "lexical_weights.npy", "lexical_bias.npy")
GATE = "gate.json"
GATE_WEIGHTS = "gate_weights.npy"
CODEBOOK = "codebook.json"
HEADS = "heads.json"
CALIBRATION = "calibration.json"
DECISIONS = "decisions.json"
CONFIG = "config.yaml"
LANGUAGES = "languages.json"
LEARNED = "learned.json"
CARD = "model_card.md"
FACTS = ("name", "created", "codebook", "trained_on", "corpus_digest", "encoder")
_ALWAYS = (CODEBOOK, HEADS, CALIBRATION, DECISIONS, CONFIG)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        format: version of the folder's layout.
        name: name of the config that made it.
        version: first 12 hexadecimal digits of the SHA-256 over the files' checksums, or of the delta it is built from.
        created: UTC time, ISO 8601.
        codebook: version of the codebook.
        trained_on: the corpora, in words for the analyst.
        corpus_digest: digest of the training table.
        encoder: encoder reference, or `None` for a lexical bundle.
        files: size in bytes and SHA-256 of every other file.
    """

    format: int
    name: str
    version: str
    created: str
    codebook: str
    trained_on: str
    corpus_digest: str
    encoder: str | None
    files: dict[str, dict[str, Any]]


def write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def seal(folder: Path, *, version: str | None = None, **facts: Any) -> Manifest:
    """Write the manifest of a folder that holds all other files of a bundle; `facts` are `Manifest`'s own fields.

    `version` is given where the files can differ in their last bits between machines and still be the same model.
    """
    files: dict[str, dict[str, Any]] = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    own = hashlib.sha256("".join(entry["sha256"] for entry in files.values()).encode()).hexdigest()[:12]
    manifest = Manifest(format=FORMAT, version=version or own, files=files, **facts)
    write_json(folder / MANIFEST, asdict(manifest))
    for name in files:
        # Some libraries write files that their owner alone can read, and a bundle is there to be shared.
        shutil.copymode(folder / MANIFEST, folder / name)
    return manifest


def publish(draft: Path, folder: Path) -> None:
    """Put a sealed draft in the place of `folder`; an older bundle there is replaced whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        draft.rename(folder)
        return
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder} exists and is no bundle: choose another name in the config, or move the folder away"
        )
    former = folder.with_name(f".{folder.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    folder.rename(former)
    draft.rename(folder)
    shutil.rmtree(former)


def is_made_of(folder: Path, *, config: str, codebook: Codebook, corpus_digest: str) -> bool:
    """Whether a bundle of this very config, as YAML, codebook and training table is there.

    Raises:
        BundleError: a bundle is there, and damaged.
    """
    if not (folder / MANIFEST).is_file():
        return False
    return (
        verify(folder).corpus_digest == corpus_digest
        and (folder / CONFIG).read_text(encoding="utf-8") == config
        and Codebook.load(folder / CODEBOOK) == codebook
    )


def verify(folder: Path) -> Manifest:
    """Read the manifest and check every file against it.

    Raises:
        BundleError: names the first file that is missing, of another size or of another checksum.
    """
    try:
        document = read_json(folder / MANIFEST)
    except FileNotFoundError as error:
        where = "has no manifest.json" if folder.is_dir() else "is not there"
        raise BundleError(f"bundle {folder} {where}: give the folder that `fimiscope train` printed") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"bundle {folder}: manifest.json cannot be read; copy the bundle again") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise BundleError(f"bundle {folder} has format {found}; this fimiscope reads format {FORMAT}")
    try:
        manifest = Manifest(**document)
    except TypeError as error:
        raise BundleError(f"bundle {folder}: manifest.json lacks or adds a field; copy the bundle again") from error
    if not _lists_files(manifest.files):
        raise BundleError(f"bundle {folder}: manifest.json does not list files with bytes and sha256; copy it again")
    _check_files(folder, manifest.files)
    return manifest


def _lists_files(files: object) -> bool:
    return isinstance(files, dict) and all(
        isinstance(entry, dict) and entry.keys() == {"bytes", "sha256"} for entry in files.values()
    )


def _check_files(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    required = set(_ALWAYS) | ({GRAPH, TOKENIZER, WINDOWS} if GRAPH in files else {LEXICAL, *LEXICAL_ARRAYS})
    if GATE in files:
        required |= {GRAPH, GATE_WEIGHTS}
    if required - set(files):
        raise BundleError(f"bundle {folder}: the manifest does not list {', '.join(sorted(required - set(files)))}")
    for name, entry in files.items():
        path = folder / name
        if os.sep in name or not path.is_file():
            raise BundleError(f"bundle {folder}: {name} is missing; copy the bundle again")
        size = path.stat().st_size
        if size != entry["bytes"]:
            raise BundleError(f"bundle {folder}: {name} has {size} bytes, expected {entry['bytes']}; copy it again")
        if sha256_of_file(path) != entry["sha256"]:
            raise BundleError(
                f"bundle {folder}: {name} is not the file that was sealed (checksum differs); copy it again"
            )
