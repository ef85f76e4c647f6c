"""MLflow's own commands on a registered model: `mlflow models predict`, and `mlflow.models.evaluate`."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fimiscope.bundle import Bundle
from fimiscope.evaluation.evaluate import evaluate
from fimiscope.predict import Predictor
from fimiscope.shipped import shipped

if TYPE_CHECKING:
    from conftest import Workplace
    from fimiscope.corpus import Corpus

REGISTERED = re.compile(r"^registered  (models:/\S+)$", re.MULTILINE)
SCRIPTS = Path(sys.executable).parent
MLFLOW = SCRIPTS / "mlflow"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # mlflow's evaluators warn of their own ways


@pytest.fixture(scope="module")
def place(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return replace(workplace, folder=tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(place: Workplace, tiny_bundle: Path) -> str:
    """Address of the tiny bundle in the registry."""
    found = REGISTERED.search(place.run("model", "register", tiny_bundle).stdout)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    lines = shipped("sample/corpus.jsonl").read_text(encoding="utf-8").splitlines()[::400][:8]
    return [{name: json.loads(line)[name] for name in ("id", "text", "language")} for line in lines]


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_models_predict_answers_as_predict_does(
    place: Workplace, tiny_bundle: Path, model: str, rows: list[dict[str, str]], kind: str
) -> None:
    articles = place.folder / f"articles.{kind}"
    answers = place.folder / f"answers-{kind}.json"
    if kind == "csv":
        with articles.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        document = {"dataframe_records": rows, "params": {"profile": "high-recall"}}
        articles.write_text(json.dumps(document), encoding="utf-8")
    words = ("models", "predict", "-m", model, "--env-manager", "local", "-t", kind, "-i", articles, "-o", answers)
    done = subprocess.run(
        [MLFLOW, *words],
        cwd=place.folder,
        env=os.environ | {"MLFLOW_TRACKING_URI": place.store, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answered = json.loads(answers.read_text(encoding="utf-8"))["predictions"]

    texts = place.folder / "articles.jsonl"
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    profile = "balanced" if kind == "csv" else "high-recall"
    place.run("predict", texts, "--model", tiny_bundle, "--profile", profile, "--output", "verdicts.csv")
    with (place.folder / "verdicts.csv").open(encoding="utf-8-sig", newline="") as file:
        sheet = list(csv.DictReader(file))
    assert [row["id"] for row in answered] == [row["id"] for row in rows]
    for answer, cells in zip(answered, sheet, strict=True):
        assert float(cells["flag_probability"]) == pytest.approx(answer["flag_probability"], abs=2e-6)
        for name in ("status", "role_label", "evidence_text_1"):
            assert cells[name].removeprefix("'") == (answer[name] or "").removeprefix("'")
        assert cells["flag"] == ("" if answer["flag"] is None else str(answer["flag"]).lower())


def test_mlflow_evaluates_role_and_flag_to_our_figures(
    place: Workplace, tiny_bundle: Path, model: str, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", place.store)
    import mlflow
    import pandas as pd

    mlflow.set_tracking_uri(place.store)
    mlflow.set_experiment("evaluations")
    examples = tiny_corpus.part("test")
    codebook = Bundle.load(tiny_bundle).codebook
    labelled = pd.DataFrame(
        {
            "text": [example.labelled_article().text for example in examples],
            "title": [example.article.title for example in examples],
            "language": [example.article.language for example in examples],
            "role": [example.labels.role for example in examples],
            "flag": [codebook.flagged(example.labels) for example in examples],
        }
    )
    # As docs/serving.md shows them, but for the model's address.
    bounds = {"most_articles": 100_000, "most_characters": 10**9}
    loaded = mlflow.pyfunc.load_model(model, model_config=bounds)

    role = mlflow.models.evaluate(
        lambda articles: loaded.predict(articles)["role_label"].fillna("none"),
        labelled.drop(columns="flag"),
        targets="role",
        model_type="classifier",
        evaluator_config={"log_model_explainability": False},
    )
    flag = mlflow.models.evaluate(
        lambda articles: loaded.predict(articles)["flag"].eq(True),
        labelled.drop(columns="role"),
        targets="flag",
        model_type="classifier",
        evaluator_config={"log_model_explainability": False},
    )

    ours = evaluate(Predictor.load(tiny_bundle), examples).metrics
    assert role.metrics["accuracy_score"] == pytest.approx(ours["role/accuracy"])
    assert flag.metrics["precision_score"] == pytest.approx(ours["flag/precision"])
    assert flag.metrics["recall_score"] == pytest.approx(ours["flag/recall"])
    assert "confusion_matrix" in role.artifacts
