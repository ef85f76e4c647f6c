"""The script that MLflow stores with a bundle: it opens the bundle and hands texts to the predictor."""

from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from fimiscope.predict import Predictor
from fimiscope.predict.writing import flatten
from fimiscope.records import Article


class BundleModel(PythonModel):
    def load_context(self, context: Any) -> None:
        self.predictor = Predictor.load(context.artifacts["bundle"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        rows = model_input.astype(object).where(model_input.notna(), None).to_dict("records")
        articles = [Article(str(r.get("id") or n), r["text"], title=r.get("title")) for n, r in enumerate(rows, 1)]
        verdicts = self.predictor.predict(articles)
        return pd.DataFrame([flatten(verdict, self.predictor.bundle.codebook) for verdict in verdicts])


mlflow.models.set_model(BundleModel())
