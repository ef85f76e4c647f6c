"""Which MLflow store is used, and reaching it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from fimiscope.errors import MissingExtra, TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
ARTIFACTS = "mlruns"
# Without it MLflow opens an experiment among its pages for prompts and traces.
_TRAINED_MODELS = {"mlflow.experimentKind": "custom_model_development"}
_ADDRESS = "MLFLOW_TRACKING_URI"


def connect() -> MlflowClient:
    """A client of the store that MLFLOW_TRACKING_URI names, or of `mlflow.db` in the folder one works in.

    A user name and password in a server's address are taken out of it and go where MLflow does not print them.

    Raises:
        MissingExtra: mlflow is not installed.
        TrackingError: the store cannot be reached.
    """
    # Must be set before mlflow is imported: no usage data leaves this machine, and a dead server is noticed soon.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # Which variables a model asks for is recorded in a way that now and then breaks when threads ask.
    os.environ.setdefault("MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING", "false")
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
        _take_credentials_out()
        mlflow.set_tracking_uri(tracking_uri())
        _knock()
        client = mlflow.MlflowClient()
        client.search_experiments(max_results=1)
    except (mlflow.MlflowException, SQLAlchemyError, OSError, ImportError, ValueError) as error:
        raise TrackingError(
            f"the MLflow store {shown(tracking_uri())} cannot be reached ({_cause(error)}): start its server, correct "
            f"{_ADDRESS}, or use a local store by --offline or without that variable"
        ) from error
    return client


def connect_to_existing() -> MlflowClient:
    """A client of a store that is there already; none is made in the folder one works in.

    Raises:
        TrackingError: there is no store in the folder one works in, or it cannot be reached.
    """
    if is_local() and not Path(DATABASE).exists():
        raise TrackingError(
            f"there is no {DATABASE} in {Path.cwd()}: run this where models were trained, "
            f"or name their store in {_ADDRESS}"
        )
    return connect()


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Turn what the store refuses, a store that goes away, or a file that cannot be had into one line.

    Raises:
        TrackingError: one of these; it begins with `what`.
    """
    import mlflow
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except mlflow.MlflowException as error:
        said = str(error).partition("\n")[0][:200]
        cause = said if _cause(error) == type(error).__name__ else _cause(error)
        raise TrackingError(f"{what} (store {shown(tracking_uri())}): {cause}") from error
    except (SQLAlchemyError, RequestException) as error:
        raise TrackingError(f"{what} (store {shown(tracking_uri())}): {type(error).__name__}") from error
    except OSError as error:
        cause = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or type(error).__name__
        raise TrackingError(f"{what} (store {shown(tracking_uri())}): {cause}") from error


def use_local_store() -> None:
    """Use the store of the folder one works in, whatever the variables say."""
    for name in (_ADDRESS, "MLFLOW_REGISTRY_URI"):
        os.environ.pop(name, None)


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or the local database."""
    return os.environ.get(_ADDRESS) or _local_uri()


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
    return str(client.create_experiment(name, artifact_location=location, tags=_TRAINED_MODELS))


def shown(uri: str) -> str:
    """An address without what may hold a password: user, password and query are hidden.

    Where marks in a password make it unclear where it ends, all but the scheme is hidden.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:
        return f"{scheme}://***"
    if "@" in parts.path + parts.query + parts.fragment:
        return f"{scheme}://***"
    host = parts.netloc.rpartition("@")[2]
    place = rest.partition("?")[0].removeprefix(parts.netloc)
    return f"{scheme}://{'***@' if '@' in parts.netloc else ''}{host}{place}{'?***' if parts.query else ''}"


def _take_credentials_out() -> None:
    parts = urlsplit(tracking_uri())
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme not in ("http", "https") or not at:
        return
    name, _, password = user.partition(":")
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(name)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(password)
    os.environ[_ADDRESS] = urlunsplit(parts._replace(netloc=host))


def _knock() -> None:
    """Ask a database server once; MLflow by itself would ask again and again for a minute and a half."""
    import sqlalchemy

    if urlsplit(tracking_uri()).scheme.partition("+")[0] in ("postgresql", "mysql", "mssql"):
        with sqlalchemy.create_engine(tracking_uri()).connect():
            pass


def _cause(error: Exception) -> str:
    """Why a store cannot be used, in a few words; what libraries say of addresses may hold a password."""
    if isinstance(error, ImportError):
        return f"the Python package {error.name} is not installed"
    if isinstance(error, FileNotFoundError | NotADirectoryError | FileExistsError):
        return "its place is no folder"
    said = str(error).partition("\n")[0]
    if "maintenance mode" in said:
        return "MLflow keeps runs in folders no more: name a database, for example sqlite:///mlflow.db"
    if "error code 401" in said:
        return "it refuses the user or password: see MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    if "error code 403" in said:
        return "this user may not do that there: ask who keeps it, or name another experiment in tracking.experiment"
    return "no answer" if "Max retries" in said else type(error).__name__


def how_to_open() -> str:
    """The one line that opens MLflow on what was logged."""
    if is_local():
        return "mlflow server --backend-store-uri sqlite:///mlflow.db --port 5000   # then open http://127.0.0.1:5000"
    return f"open {shown(tracking_uri())}"
