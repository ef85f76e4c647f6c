"""From a model reference to a bundle folder on this machine, and from a run to a registered version."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from fimiscope.bundle.files import CARD as BUNDLE_CARD
from fimiscope.bundle.files import CODEBOOK, MANIFEST, verify
from fimiscope.codebook import Codebook
from fimiscope.errors import BundleError, TrackingError
from fimiscope.tracking.store import connect, connect_to_existing, experiment_id, reported, shown, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

REGISTERED_NAME = "fimiscope"
CARD = "card.md"
LONGEST_DESCRIPTION = 4000
_EXPERIMENT = "fimiscope"
_ALIAS = re.compile(r"models:/([^/@]+)@([^/@]+)")
_VERSION = re.compile(r"models:/([^/@]+)/(\d+)")
_RUN = re.compile(r"runs:/(\w+)(?:/model)?/?")
_WHAT_IS_MEANT = "write models:/<name>@<alias>, models:/<name>/<version>, or runs:/<run id>"


def bundle_folder(model: str) -> Path:
    """The folder of the bundle that `models:/<name>@<alias>`, `models:/<name>/<version>` or `runs:/<run id>` names.

    Where the store keeps its files on this machine, the folder is the store's own and nothing is copied; otherwise
    the bundle is fetched into a temporary folder, which goes when the process ends.

    Raises:
        TrackingError: the reference is none of these, or the store does not know the model or cannot be reached.
        BundleError: what it knows holds no bundle.
    """
    if not any(pattern.fullmatch(model) for pattern in (_ALIAS, _VERSION, _RUN)):
        raise TrackingError(f"model {model} cannot be looked up: {_WHAT_IS_MEANT}")
    client = connect_to_existing()
    import mlflow

    try:
        location = _location(client, model)
        folder = _own_folder(location) or _fetched(location)
    except (mlflow.MlflowException, OSError) as error:
        first = str(error).partition("\n")[0][:200]
        raise TrackingError(f"model {model} is not in the store {shown(tracking_uri())}: {first}") from error
    found = sorted(folder.rglob(MANIFEST))
    if not found:
        raise BundleError(f"model {model} holds no fimiscope bundle")
    return found[0].parent


def register(client: MlflowClient, name: str, *, source: str, run_id: str) -> str:
    """Add the logged model `source` (a `models:/…` address) to the registered model `name`; its version there.

    The version is described by the run's model card, as far as a description reaches.
    """
    if not client.search_registered_models(f"name = '{name}'", max_results=1):
        client.create_registered_model(name)
    model_id = source.removeprefix("models:/")
    description = _description(client, run_id)
    made = client.create_model_version(name, source, run_id=run_id, model_id=model_id, description=description)
    return str(made.version)


def logged_model(client: MlflowClient, run_id: str) -> str:
    """Id of the model that a run logged.

    Raises:
        BundleError: it logged none.
    """
    outputs = client.get_run(run_id).outputs
    logged = outputs.model_outputs if outputs else []
    if not logged:
        raise BundleError(f"model runs:/{run_id}: that run published no bundle; see whether it finished")
    return str(logged[-1].model_id)


def summary_of(card: str, *, whole: str) -> str:
    """The sections of a model card, in order, that `LONGEST_DESCRIPTION` characters hold; `whole` says where it is.

    A section that does not fit is left out whole.
    """
    start, *sections = card.strip().split("\n\n**")
    note = f"\n\n(shortened; {whole})"
    room = LONGEST_DESCRIPTION - len(note)
    text = start[:room]
    left_out = len(start) > room
    for section in sections:
        if len(text) + len("\n\n**") + len(section) > room:
            left_out = True
        else:
            text += f"\n\n**{section}"
    return text + note if left_out else text


def register_bundle(folder: Path) -> str:
    """Log the bundle in `folder` to a run of its own and register it; the `models:/<name>/<version>` that it becomes.

    Raises:
        BundleError: the folder is no bundle, or is damaged.
        MissingExtra: mlflow is not installed.
        TrackingError: the store cannot be reached, or refuses something.
    """
    manifest = verify(folder)
    client = connect()
    import mlflow

    from fimiscope.tracking.serving import log_model

    with reported(f"bundle {folder} cannot be registered"):
        with mlflow.start_run(experiment_id=experiment_id(client, _EXPERIMENT), run_name=manifest.name) as run:
            mlflow.set_tags({"bundle.version": manifest.version, "codebook": manifest.codebook})
            if (folder / BUNDLE_CARD).is_file():
                mlflow.log_text((folder / BUNDLE_CARD).read_text(encoding="utf-8"), CARD)
            source = log_model(folder, Codebook.load(folder / CODEBOOK))
        version = register(client, REGISTERED_NAME, source=source, run_id=run.info.run_id)
    return f"models:/{REGISTERED_NAME}/{version}"


def _description(client: MlflowClient, run_id: str) -> str | None:
    """From the model card of a run; `None` where it has none."""
    if CARD not in {file.path for file in client.list_artifacts(run_id)}:
        return None
    with tempfile.TemporaryDirectory(prefix="fimiscope-") as folder:
        card = Path(client.download_artifacts(run_id, CARD, folder)).read_text(encoding="utf-8")
    return summary_of(card, whole=f"the whole card is {CARD} of run {run_id}")


def _location(client: MlflowClient, model: str) -> str:
    """Address of the logged model's files."""
    if run := _RUN.fullmatch(model):
        return str(client.get_logged_model(logged_model(client, run[1])).artifact_location)
    if alias := _ALIAS.fullmatch(model):
        name, version = alias[1], str(client.get_model_version_by_alias(alias[1], alias[2]).version)
    else:
        match = _VERSION.fullmatch(model)
        assert match is not None
        name, version = match[1], match[2]
    return str(client.get_model_version_download_uri(name, version))


def _own_folder(location: str) -> Path | None:
    """The folder at a local address; `None` for any other."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return Path(location) if not parts.scheme else None


def _fetched(location: str) -> Path:
    import mlflow

    target = tempfile.mkdtemp(prefix="fimiscope-")
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=location, dst_path=target))
