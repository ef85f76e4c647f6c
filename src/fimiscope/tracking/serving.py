"""The bundle as MLflow's model server answers with it: what goes in, what comes out, and how much at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from fimiscope.bundle import Bundle
from fimiscope.bundle.decisions import PROFILES
from fimiscope.codebook import Codebook
from fimiscope.predict import Predictor
from fimiscope.predict.writing import flat_schema, flatten
from fimiscope.reading import article_of, distinct_ids
from fimiscope.reading.rows import as_text
from fimiscope.records import Article, Unreadable, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowException
    from mlflow.models import ModelSignature

# What two cores score within MLflow's own time limit of 60 seconds; `mlflow.pyfunc.load_model(…, model_config=…)` and
# the variable MLFLOW_PYFUNC_INFERENCE_CONFIG set others.
BOUNDS = {"most_articles": 100, "most_characters": 200_000}
COLUMNS = ("text", "id", "title", "language", "published", "outlet", "url")
_REQUIREMENTS = ("fimiscope", "mlflow", "numpy", "onnxruntime", "tokenizers", "pandas")
_ARTICLES_BETWEEN_LOOKS_AT_THE_CLOCK = 4
_EXAMPLE = (
    "The mayor of the invented town of Kolo opened a covered market on Monday and thanked the masons for their work."
)


class Service:
    """Answers requests with one bundle, one request at a time: each has all cores, and memory stays bounded.

    Args:
        folder: of the bundle.
        most_articles: articles of one request.
        most_characters: characters of one request, over all its columns.
        seconds: from a request's arrival until its scoring stops; `None` for no limit.
    """

    def __init__(self, folder: Path | str, *, most_articles: int, most_characters: int, seconds: float | None) -> None:
        bundle = Bundle.load(folder)
        self._codebook = bundle.codebook
        self._predictors = {profile: Predictor(bundle, profile=profile) for profile in PROFILES}
        self._most_articles = most_articles
        self._most_characters = most_characters
        self._seconds = seconds
        self._turn = Lock()

    def answer(self, rows: pd.DataFrame, *, profile: str, evidence: bool) -> pd.DataFrame:
        """One row an article, in order, with the columns of `flat_schema`; `evidence` false leaves those empty.

        Raises:
            MlflowException: the request is too large or asks for a profile that there is not (status 400), or its
                time is over (504).
        """
        import pandas as pd

        arrived = time.monotonic()
        predictor = self._predictor(profile)
        self._check_size(rows)
        items = list(_items(rows))
        verdicts: list[Verdict] = []
        with self._turn:
            for start in range(0, len(items), _ARTICLES_BETWEEN_LOOKS_AT_THE_CLOCK):
                self._check_time(arrived)
                verdicts += predictor.predict(items[start : start + _ARTICLES_BETWEEN_LOOKS_AT_THE_CLOCK])
        if not evidence:
            verdicts = [replace(verdict, evidence=None) for verdict in verdicts]
        # As objects: a column of numbers with a null in it would turn whole numbers into fractions.
        answers = [flatten(verdict, self._codebook) for verdict in verdicts]
        return pd.DataFrame(answers, columns=flat_schema(self._codebook).names, dtype=object)

    def _predictor(self, profile: str) -> Predictor:
        for name, predictor in self._predictors.items():
            if name == profile:
                return predictor
        raise _refusal(f"profile '{profile}' is unknown: choose {', '.join(PROFILES)}")

    def _check_size(self, rows: pd.DataFrame) -> None:
        if len(rows) > self._most_articles:
            raise _refusal(
                f"{len(rows)} articles in one request: send at most {self._most_articles}, "
                "or score files with `fimiscope predict`"
            )
        characters = sum(len(cell) for name in rows for cell in rows[name] if isinstance(cell, str))
        if characters > self._most_characters:
            raise _refusal(
                f"{characters} characters in one request: send at most {self._most_characters}, "
                "or score files with `fimiscope predict`"
            )

    def _check_time(self, arrived: float) -> None:
        from mlflow import MlflowException
        from mlflow.protos.databricks_pb2 import DEADLINE_EXCEEDED

        if self._seconds is not None and time.monotonic() - arrived > self._seconds:
            raise MlflowException(
                f"not answered within {self._seconds:g} seconds: send fewer articles, or try again when there is "
                "less to do",
                error_code=DEADLINE_EXCEEDED,
            )


def log_model(folder: Path, codebook: Codebook) -> str:
    """Log a bundle to the open run as a pyfunc model, once; its `models:/…` address."""
    import mlflow

    logged = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(Path(__file__).with_name("pyfunc_model.py")),
        artifacts={"bundle": str(folder)},
        model_config=BOUNDS,
        signature=signature(codebook),
        input_example=input_example(),
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in _REQUIREMENTS],
    )
    return str(logged.model_uri)


def signature(codebook: Codebook) -> ModelSignature:
    """Columns and parameters of a request, and columns of its answer."""
    import pyarrow as pa
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    kinds = {pa.string(): "string", pa.float64(): "double", pa.bool_(): "boolean", pa.int64(): "long"}
    return ModelSignature(
        inputs=Schema([ColSpec("string", name, required=name == "text") for name in COLUMNS]),
        outputs=Schema([ColSpec(kinds[field.type], field.name, required=False) for field in flat_schema(codebook)]),
        params=ParamSchema(
            [ParamSpec("profile", DataType.string, PROFILES[0]), ParamSpec("evidence", DataType.boolean, True)]
        ),
    )


def input_example() -> pd.DataFrame:
    """A request that MLflow stores with the model, for people to copy."""
    import pandas as pd

    return pd.DataFrame([{"text": _EXAMPLE, "id": "example-1", "title": "Kolo opens a market", "language": "en"}])


def _items(rows: pd.DataFrame) -> Iterator[Article | Unreadable]:
    """The articles of a request, as `fimiscope predict` takes them from a file; without an id they get their number."""
    cells = rows.astype(object).where(rows.notna(), None).to_dict("records")
    named: list[dict[str, Any]] = [
        {**{str(name): cell for name, cell in row.items()}, "id": as_text(row.get("id")) or str(number)}
        for number, row in enumerate(cells, start=1)
    ]
    return distinct_ids(article_of(row, f"row {n}") for n, row in enumerate(named, start=1))


def _refusal(message: str) -> MlflowException:
    from mlflow import MlflowException

    refusal: MlflowException = MlflowException.invalid_parameter_value(message)
    return refusal
