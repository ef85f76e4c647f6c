"""Which MLflow store is used, and reaching it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from fimiscope.errors import MissingExtra, TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
ARTIFACTS = "mlruns"


def connect() -> MlflowClient:
    """A client of the store that MLFLOW_TRACKING_URI names, or of `mlflow.db` in the folder one works in.

    Raises:
        MissingExtra: mlflow is not installed.
        TrackingError: the store cannot be reached.
    """
    # Must be set before mlflow is imported: no usage data leaves this machine, and a dead server is noticed soon.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # In seconds: MLflow's own 10 leave a short run without a point.
    os.environ.setdefault("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "2")
    try:
        import mlflow
    except ModuleNotFoundError as error:
        if error.name != "mlflow":
            raise
        raise MissingExtra("mlflow", "mlflow") from error
    from sqlalchemy.exc import SQLAlchemyError

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        mlflow.set_tracking_uri(tracking_uri())
        client = mlflow.MlflowClient()
        client.search_experiments(max_results=1)
    except (mlflow.MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        raise TrackingError(
            f"the MLflow store {shown(tracking_uri())} cannot be reached ({_cause(error)}): start its server or "
            "correct MLFLOW_TRACKING_URI; without that variable a local store is used"
        ) from error
    return client


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or the local database."""
    return os.environ.get("MLFLOW_TRACKING_URI") or _local_uri()


def is_local() -> bool:
    """Whether the default store of the folder one works in is used."""
    # MLflow itself sets the variable once a store is in use.
    return tracking_uri() == _local_uri()


def _local_uri() -> str:
    return f"sqlite:///{Path.cwd() / DATABASE}"


def experiment_id(client: MlflowClient, name: str) -> str:
    """The experiment, created when it is new; artifacts of the local store go to `mlruns` beside the database."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    location = (Path.cwd() / ARTIFACTS).as_uri() if is_local() else None
    return str(client.create_experiment(name, artifact_location=location))


def shown(uri: str) -> str:
    """A tracking URI with its password hidden."""
    parts = urlsplit(uri)
    if not parts.password:
        return uri
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}{port}"))


def _cause(error: Exception) -> str:
    """Why a store cannot be used, in a few words; what libraries say of addresses may hold a password."""
    if isinstance(error, ImportError):
        return f"the Python package {error.name} is not installed"
    if isinstance(error, FileNotFoundError | NotADirectoryError | FileExistsError):
        return "its place is no folder"
    said = str(error).partition("\n")[0]
    if "maintenance mode" in said:
        return "MLflow keeps runs in folders no more: name a database, for example sqlite:///mlflow.db"
    return "no answer" if "Max retries" in said else type(error).__name__


def how_to_open() -> str:
    """The one line that opens MLflow on what was logged."""
    if is_local():
        return "mlflow server --backend-store-uri sqlite:///mlflow.db --port 5000   # then open http://127.0.0.1:5000"
    return f"open {shown(tracking_uri())}"
