"""Weights that Python packages carry: found, and compared with the release that is known."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fimiscope.checksums import sha256_of_file
from fimiscope.errors import EncoderError, install_line


def verified_file(reference: str, module: str, file: str, sha256: str, release: str) -> Path:
    """The path of `file` in the installed package `module`.

    Raises:
        EncoderError: the package is not installed, lacks the file, or carries another one than `release` does.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"{reference} is not installed: run in the checkout  {install_line('encoders')}")
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.is_file():
        raise EncoderError(f"{reference}: {path.name} is not in the package: install {release}")
    if sha256_of_file(path) != sha256:
        raise EncoderError(
            f"{reference}: {path.name} is not the file that fimiscope knows (checksum differs): install {release}"
        )
    return path
