"""Files that come with the project: codebook, ready model, embedded corpus, contrast suite, annotations, sources."""

from __future__ import annotations

from pathlib import Path

READY = "africa-small"
"""Name of the model that comes ready."""


def shipped(name: str) -> Path:
    """Path of the shipped data file `name`, for example `codebook.yaml`.

    A wheel carries `data/` inside the package; a checkout has it at the top level.
    """
    package = Path(__file__).resolve().parent
    inside = package / "data" / name
    return inside if inside.exists() else package.parents[1] / "data" / name
