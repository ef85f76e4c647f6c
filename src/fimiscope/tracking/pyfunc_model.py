"""The script that MLflow stores with a bundle: it opens the bundle and hands requests to the service."""

from typing import Any

import mlflow
import pandas as pd
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.pyfunc.model import PythonModel

from fimiscope.tracking.serving import Service


class BundleModel(PythonModel):
    def load_context(self, context: Any) -> None:
        # The server sets the variable; where it is not set, nobody waits at the other end.
        limit: Any = MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
        seconds = limit.get() if limit.is_set() else None
        self.service = Service(context.artifacts["bundle"], **context.model_config, seconds=seconds)

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        return self.service.answer(model_input, **params)


mlflow.models.set_model(BundleModel())
