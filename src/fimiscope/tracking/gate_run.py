"""The fitting of a gate in MLflow: figures, tables and the trade-off curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fimiscope.errors import TrackingError
from fimiscope.tables import Table
from fimiscope.tracking.store import connect, experiment_id, shown, tracking_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENT = "fimiscope-gate"


def log_gate(
    name: str, *, tags: Mapping[str, str], metrics: Mapping[str, float], tables: Sequence[Table], curve: Figure
) -> str:
    """Log one fitted gate as a run of the experiment `fimiscope-gate`; gives the run's id.

    Raises:
        TrackingError: the store cannot be reached.
    """
    client = connect()
    import mlflow
    import pandas as pd
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with mlflow.start_run(experiment_id=experiment_id(client, EXPERIMENT), run_name=name) as run:
            mlflow.set_tags(dict(tags))
            mlflow.log_metrics(dict(metrics))
            for table, file in zip(tables, ("profiles", "inputs", "trade_off"), strict=True):
                mlflow.log_table(pd.DataFrame(table.rows, columns=list(table.columns)), f"tables/{file}.json")
            mlflow.log_figure(curve, "plots/trade_off.png")
    except (mlflow.MlflowException, SQLAlchemyError, OSError) as error:
        raise TrackingError(
            f"the bundle has its gate, but it could not be logged to {shown(tracking_uri())} ({type(error).__name__})"
        ) from error
    return str(run.info.run_id)
