"""From a model reference to a bundle folder on this machine."""

from __future__ import annotations

from pathlib import Path

from fimiscope.bundle.files import MANIFEST
from fimiscope.errors import BundleError, TrackingError
from fimiscope.tracking.store import connect, shown, tracking_uri

SCHEMES = ("models:/", "runs:/")


def is_reference(model: str) -> bool:
    """Whether a model is named by the registry or a run, not by a folder."""
    return model.startswith(SCHEMES)


def bundle_folder(model: str) -> Path:
    """Fetch `models:/<name>@<alias>`, `models:/<name>/<version>` or `runs:/<run id>` and give its bundle's folder.

    Raises:
        TrackingError: the store does not know the model, or cannot be reached.
        BundleError: what it knows holds no bundle.
    """
    connect()
    import mlflow

    uri = (
        model
        if not model.startswith("runs:/") or model.removeprefix("runs:/").strip("/").count("/")
        else f"{model}/model"
    )
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (mlflow.MlflowException, OSError) as error:
        first = str(error).splitlines()[0][:200]
        raise TrackingError(f"model {model} is not in the store {shown(tracking_uri())}: {first}") from error
    found = sorted(folder.rglob(MANIFEST))
    if not found:
        raise BundleError(f"model {model} holds no fimiscope bundle")
    return found[0].parent
