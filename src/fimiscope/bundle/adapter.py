"""Adapters on disk: low-rank updates of an encoder's layers in the files of the library `peft`, and their origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fimiscope.errors import EncoderError
from fimiscope.shipped import shipped

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
ORIGIN = "adapter_origin.json"
FILES = (CONFIG, WEIGHTS, ORIGIN)
SHIPPED = ("role-reader",)
Floats = npt.NDArray[np.float32]
T = TypeVar("T")
_PREFIX = "base_model.model."


def folder_of(reference: str) -> Path | None:
    """Where the adapter lies that an encoder reference names, if it names one; it need not be there."""
    kind, _, name = reference.partition(":")
    if kind == "shipped" and name in SHIPPED:
        return shipped(f"encoders/{name}")
    folder = Path(name).expanduser()
    return folder if kind == "path" and name and is_adapter(folder) else None


def folders_of(reference: str) -> tuple[Path, ...]:
    """Folders of the adapters that `reference` puts on an encoder, in the order of their use.

    Raises:
        EncoderError: an adapter does not say what it is of.
    """
    folder = folder_of(reference)
    return () if folder is None else (*folders_of(base_of(folder)), folder)


def is_adapter(folder: Path) -> bool:
    """Whether `folder` holds an adapter, whole or damaged."""
    return any((folder / name).is_file() for name in (CONFIG, ORIGIN))


def base_of(folder: Path) -> str:
    """Reference of the encoder that the adapter in `folder` is of."""
    return _read(folder, CONFIG, "base_model_name_or_path", str)


def layers_of(folder: Path) -> int:
    """How many layers of that encoder are used, from the lowest."""
    return _read(folder, ORIGIN, "layers", int)


def learned(folder: Path) -> frozenset[str]:
    """Short digests of the texts that the adapter in `folder` was trained on."""
    return frozenset(_read(folder, ORIGIN, "learned", list))


def updates(folder: Path) -> dict[str, Floats]:
    """What the adapter in `folder` adds to each weight matrix: by the weight's name, of the weight's shape.

    LoRA (Hu et al. 2021): alpha / rank times the product of the two learned matrices.

    Raises:
        EncoderError: the files are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    scale = _read(folder, CONFIG, "lora_alpha", int) / _read(folder, CONFIG, "r", int)
    try:
        halves = load_file(folder / WEIGHTS)
        names = {name.split(".lora_")[0] for name in halves}
        pairs = {name: (halves[f"{name}.lora_B.weight"], halves[f"{name}.lora_A.weight"]) for name in names}
    except (OSError, KeyError, SafetensorError) as error:
        raise EncoderError(f"adapter {folder}: {WEIGHTS} cannot be read; copy the folder again") from error
    return {
        f"{name.removeprefix(_PREFIX)}.weight": np.float32(scale) * (up.astype(np.float32) @ down.astype(np.float32))
        for name, (up, down) in sorted(pairs.items())
    }


def _read(folder: Path, name: str, key: str, kind: type[T]) -> T:
    try:
        value = json.loads((folder / name).read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"adapter {folder}: {name} cannot be read; copy the folder again") from error
    if not isinstance(value, kind):
        raise EncoderError(f"adapter {folder}: {name}: '{key}' is not what it should be; copy the folder again")
    return value
