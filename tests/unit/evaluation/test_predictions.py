"""What is logged is enough to find every logged figure again."""

from __future__ import annotations

import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.evaluation.judged import judge
from fimiscope.evaluation.metrics import Metrics, all_metrics
from fimiscope.evaluation.predictions import from_rows, to_rows
from fimiscope.records import Verdict

Pairs = list[tuple[Example, Verdict]]


def figures(pairs: Pairs, codebook: Codebook) -> Metrics:
    return all_metrics(judge(*zip(*pairs, strict=True), codebook))


@pytest.mark.parametrize("texts", [True, False])
@pytest.mark.parametrize("way", ["json", "parquet", "pandas"])
def test_figures_come_back_to_the_last_digit(many: Pairs, codebook: Codebook, texts: bool, way: str) -> None:
    rows = to_rows(*zip(*many, strict=True), texts=texts)
    if way == "json":
        rows = json.loads(json.dumps(rows))
    elif way == "parquet":
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), file)
        rows = pq.read_table(file).to_pylist()
    else:
        # As MLflow logs a table: split orientation, null as null.
        table = pd.DataFrame(rows).to_json(orient="split", double_precision=15)
        split = json.loads(table)
        rows = [dict(zip(split["columns"], values, strict=True)) for values in split["data"]]
    assert all_metrics(from_rows(rows, codebook)) == pytest.approx(figures(many, codebook), abs=1e-9)


def test_rows_are_flat_and_of_one_kind(many: Pairs) -> None:
    rows = to_rows(*zip(*many, strict=True), texts=True)
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(value, str | float | int | bool | None) for row in rows for value in row.values())


def test_words_are_left_out_where_they_may_not_be_logged(many: Pairs) -> None:
    bare, full = (json.dumps(to_rows(*zip(*many, strict=True), texts=texts)) for texts in (False, True))
    assert "words" not in bare
    assert "words" in full
