"""Where unpacked encoders, cached states and models that were built on this machine lie."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`FIMISCOPE_CACHE`, or else a folder of the user's cache; never the checkout. It need not be there."""
    given = os.environ.get("FIMISCOPE_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fimiscope"
