"""What the model server's model takes and gives, without the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fimiscope.codebook import Codebook
from fimiscope.predict import Predictor
from fimiscope.predict.writing import flat_schema, flatten
from fimiscope.records import Article

if TYPE_CHECKING:
    from fimiscope.tracking.serving import Service

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
PLAIN = "The mayor of the invented town of Kolo opened a covered market on Monday and thanked the masons for it."


def service(folder: Path, *, seconds: float | None = None) -> Service:
    from fimiscope.tracking.serving import Service

    return Service(folder, most_articles=3, most_characters=500, seconds=seconds)


def test_answers_are_the_flat_verdicts_with_whole_numbers_whole(tiny_bundle: Path, codebook: Codebook) -> None:
    import pandas as pd

    rows = pd.DataFrame([{"text": PLAIN, "id": "a"}, {"text": "short"}])
    answered = service(tiny_bundle).answer(rows, profile="balanced", evidence=True)
    articles = [Article("a", PLAIN), Article("2", "short")]
    expected = [flatten(one, codebook) for one in Predictor.load(tiny_bundle).predict(articles)]
    assert answered.to_dict("records") == expected
    assert list(answered.columns) == flat_schema(codebook).names
    empty = service(tiny_bundle).answer(rows[:0], profile="balanced", evidence=True)
    assert (len(empty), list(empty.columns)) == (0, list(answered.columns))


def test_requests_beyond_the_bounds_are_refused_with_status_400_and_late_ones_with_504(tiny_bundle: Path) -> None:
    import pandas as pd
    from mlflow import MlflowException

    one = pd.DataFrame([{"text": PLAIN, "url": None}])
    for rows, profile, said in (
        (pd.concat([one] * 4), "balanced", "4 articles in one request: send at most 3"),
        (pd.DataFrame([{"text": PLAIN, "url": "u" * 500}]), "balanced", "characters in one request: send at most 500"),
        (one, "loud", "profile 'loud' is unknown: choose balanced, high-recall, high-precision"),
    ):
        with pytest.raises(MlflowException, match=said) as refused:
            service(tiny_bundle).answer(rows, profile=profile, evidence=True)
        assert refused.value.get_http_status_code() == 400
    with pytest.raises(MlflowException, match="not answered within 0 seconds") as late:
        service(tiny_bundle, seconds=0).answer(one, profile="balanced", evidence=True)
    assert late.value.get_http_status_code() == 504


def test_the_signature_names_every_column_of_an_article_and_both_parameters(codebook: Codebook) -> None:
    from fimiscope.tracking.serving import signature

    said = signature(codebook)
    assert said.inputs.input_names() == ["text", "id", "title", "language", "published", "outlet", "url"]
    assert said.inputs.required_input_names() == ["text"]
    assert {one.name: one.default for one in said.params.params} == {"profile": "balanced", "evidence": True}
