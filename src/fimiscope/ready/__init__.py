"""The model that comes ready: a delta that the package carries, built into a bundle where it is first used."""

from __future__ import annotations

import shutil
from pathlib import Path

from fimiscope.bundle import files
from fimiscope.cache import cache_folder
from fimiscope.errors import BundleError
from fimiscope.progress import Progress, silent
from fimiscope.shipped import READY, shipped

__all__ = ["ready_bundle"]


def ready_bundle(*, progress: Progress = silent) -> Path:
    """Folder of the ready model's bundle, in the cache; built there on first use and where it is damaged.

    Raises:
        BundleError, EncoderError, MissingExtra, OutputError: it cannot be built here.
    """
    from fimiscope.ready.delta import build_bundle, version

    delta = shipped(f"ready/{READY}")
    folder = cache_folder() / "models" / f"{READY}-{version(delta)}"
    try:
        files.verify(folder)
    except BundleError:
        shutil.rmtree(folder, ignore_errors=True)
        build_bundle(delta, folder, progress=progress)
    return folder
