"""From what a user calls a model to a predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fimiscope.bundle.decisions import Profile

if TYPE_CHECKING:
    from fimiscope.predict import Predictor


def load_predictor(model: str, *, profile: str = "balanced") -> Predictor:
    """Open a bundle folder, or a model of the tracking store."""
    from fimiscope.predict import Predictor

    folder = model
    if model.startswith(("models:/", "runs:/")):
        from fimiscope.tracking.registry import bundle_folder

        folder = str(bundle_folder(model))
    return Predictor.load(folder, profile=cast(Profile, profile))
