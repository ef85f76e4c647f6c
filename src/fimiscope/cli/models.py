"""From what a user calls a model to a predictor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fimiscope.bundle.bundle import Precision
from fimiscope.bundle.decisions import Profile
from fimiscope.bundle.encoder import Device
from fimiscope.progress import Progress

if TYPE_CHECKING:
    from fimiscope.predict import Predictor


def load_predictor(model: str) -> Predictor:
    """Open a bundle folder, the ready model by its name, or a model of the tracking store."""
    return predictor_loader(model)()


def predictor_loader(
    model: str, *, profile: str = "balanced", gate: bool = True, precision: str = "fp32", device: str = "cpu"
) -> Callable[..., Predictor]:
    """What opens the model, now and in other processes; takes the other arguments of `Predictor.load`."""
    from fimiscope.cli.show import progress
    from fimiscope.predict import Predictor

    with progress() as listen:
        folder = bundle_folder(model, progress=listen)
    return partial(
        Predictor.load,
        folder.resolve(),
        profile=cast(Profile, profile),
        gate=gate,
        precision=cast(Precision, precision),
        device=cast(Device, device),
    )


def bundle_folder(model: str, *, progress: Progress) -> Path:
    """Where the bundle lies that a user calls `model`."""
    from fimiscope.ready import ready_bundle
    from fimiscope.shipped import READY

    if model == READY:
        return ready_bundle(progress=progress)
    if model.startswith(("models:/", "runs:/")):
        from fimiscope.tracking import registry

        return Path(registry.bundle_folder(model))
    return Path(model)
