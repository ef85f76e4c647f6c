"""`fimiscope train` from a shipped config to a finished MLflow run: what is printed, and what the store holds."""

from __future__ import annotations

import json
import re
from collections import Counter
from html import unescape
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from lxml import html

from fimiscope.bundle import Bundle
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.corpus.examples import PARTS
from fimiscope.evaluation.heads import LARGE
from fimiscope.evaluation.intervals import intervals
from fimiscope.evaluation.metrics import all_metrics
from fimiscope.evaluation.predictions import from_rows
from fimiscope.pipeline import load_corpus, train
from fimiscope.tracking.datasets import held_out_digest
from fimiscope.tracking.registry import bundle_folder
from fimiscope.tracking.serving import BOUNDS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import Trained

SHORTCUTS = ("majority", "source majority", "language majority", "length alone", "outlet words alone")
# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


@pytest.fixture(scope="module")
def run(client: MlflowClient, trained: Trained) -> Run:
    return client.get_run(trained.run_id)


@pytest.fixture(scope="module")
def files(client: MlflowClient, trained: Trained) -> Path:
    """The run's own artifacts."""
    return Path(client.download_artifacts(trained.run_id, ""))


def predictions(file: Path) -> list[dict[str, Any]]:
    table = json.loads(file.read_text(encoding="utf-8"))
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def in_truth(row: dict[str, Any]) -> bool:
    """Whether a row of the predictions is flagged by its labels."""
    return row["gold_role"] != "none" and row["gold_africa"] == "true"


def test_the_command_prints_config_corpus_results_and_where_things_are(trained: Trained) -> None:
    output = trained.output
    order = ("# resolved config of", "weight_decay: 0.01", "Texts by source", "Parts", "epoch ", "Held-out part")
    places = [output.index(words) for words in order]
    assert places == sorted(places)
    assert all(rule in output for rule in SHORTCUTS)
    assert f"MLflow run  {trained.run_id}" in output
    assert "report      report.html among its artifacts" in output
    version = Bundle.load(trained.folder).manifest.version
    assert f"bundle      models/quickstart  (version {version})" in output
    assert "registered  models:/fimiscope/1" in output
    assert "mlflow server --backend-store-uri sqlite:///mlflow.db" in output


def test_the_run_is_finished_and_its_parameters_are_what_decides_the_model(
    run: Run, trained: Trained, files: Path
) -> None:
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "quickstart"
    config = Config.load(trained.folder / "config.yaml")
    given = run.data.params
    assert list(given)[:5] == ["encoder", "encoder_layers", "lexical", "seed", "corpus.sources"]
    # MLflow adds the bounds on requests to the model that is logged.
    assert list(given)[-2:] == list(BOUNDS)
    assert (given["encoder"], given["corpus.sources"]) == ("tiny", "invented.jsonl")
    settings = {key: value for key, value in config.flat().items() if key.startswith(("training.", "windows."))}
    assert settings.items() <= given.items()
    assert given["training.head_epochs"] == "1"
    assert yaml.safe_load((files / "config.yaml").read_text()) == config.model_dump(mode="json")


def test_tags_say_on_what_the_run_rests(run: Run, trained: Trained, codebook: Codebook) -> None:
    tags = run.data.tags
    manifest = Bundle.load(trained.folder).manifest
    assert tags["codebook"] == codebook.version
    assert tags["corpus.digest"] == manifest.corpus_digest
    assert tags["bundle.version"] == manifest.version
    assert tags["encoder"] == "tiny"
    assert tags["languages"] == "en fr"
    assert tags["git.commit"] == trained.commit
    for package in ("fimiscope", "torch", "transformers", "onnxruntime", "mlflow", "numpy"):
        assert tags[f"version.{package}"] == metadata.version(package)


def test_every_part_of_the_corpus_is_a_dataset_input_with_its_own_digest(
    run: Run, trained: Trained, files: Path, codebook: Codebook
) -> None:
    inputs = {entry.tags[0].value: entry.dataset for entry in run.inputs.dataset_inputs}
    assert sorted(inputs) == sorted(PARTS)
    corpus = load_corpus(Config.load(trained.folder / "config.yaml"), codebook)
    assert {part: dataset.digest for part, dataset in inputs.items()} == {p: corpus.part_digest(p) for p in PARTS}
    assert held_out_digest(run) == inputs["test"].digest
    rows = predictions(files / "predictions.json")
    profile = json.loads(inputs["test"].profile)
    assert profile["num_rows"] == len(rows) == sum(profile["sources"].values())
    assert profile["languages"] == Counter(row["language"] for row in rows)
    assert profile["roles"] == Counter(row["gold_role"] for row in rows)
    assert 0 < profile["flagged"] < len(rows)
    columns = {column["name"] for column in json.loads(inputs["test"].schema)["mlflow_colspec"]}
    assert {"id", "text", "role", "narratives", "africa", "language"} <= columns


def test_losses_and_figures_of_every_head_are_logged_by_step(client: MlflowClient, run: Run) -> None:
    for name in (
        *("train/loss", "valid/loss", "valid/role/macro_f1_all", "valid/actors/russia/f1"),
        *("valid/narratives/samples_f1", "valid/africa/f1", "valid/flag/pr_auc"),
    ):
        history = client.get_metric_history(run.info.run_id, name)
        steps = [point.step for point in history]
        assert steps == [steps[0], steps[0] * 3 // 2], name


def test_what_the_machine_did_is_logged(client: MlflowClient, run: Run) -> None:
    for name in ("cpu_utilization_percentage", "system_memory_usage_megabytes"):
        points = client.get_metric_history(run.info.run_id, f"system/{name}")
        assert len(points) > 1
        assert max(point.value for point in points) > 0


def test_the_note_says_in_five_lines_what_came_out(run: Run, files: Path, codebook: Codebook) -> None:
    note = run.data.tags["mlflow.note.content"]
    lines = dict(line.removeprefix("- **").split("**: ", 1) for line in note.splitlines())
    assert list(lines) == ["Result", "Beside it", "Weakest", "Learned from", "Look next"]
    rows = predictions(files / "predictions.json")
    assert f"measured on {len(rows)}, " in lines["Learned from"]
    found = intervals(from_rows(rows, codebook))
    assert f"flag PR-AUC {found['flag/pr_auc']}" in lines["Result"]
    table = json.loads((files / "tables" / "results.json").read_text())
    column = table["columns"].index("flag PR-AUC")
    shortcuts = {row[0]: float(row[column].split()[0]) for row in table["data"] if row[0] in SHORTCUTS}
    best = max(shortcuts.values())
    assert any(f"“{name}” with flag PR-AUC {best:.2f}" in lines["Beside it"] for name in shortcuts)
    figures = {
        name.split("/")[2]: value
        for name, value in run.data.metrics.items()
        if name.startswith("test/role/") and name.endswith("/f1") and run.data.metrics[f"{name[:-2]}texts"] >= LARGE
    }
    worst = min(figures.values())
    assert any(f"role {role} (F1 {worst:.2f}, " in lines["Weakest"] for role in figures)
    named = re.findall(r"`([^`]+)`", lines["Look next"])
    assert "predictions.json" in named
    assert all((files / name).exists() for name in named)


def test_figures_on_the_test_part_stand_by_language_and_narrative(run: Run, files: Path) -> None:
    figures = run.data.metrics
    rows = predictions(files / "predictions.json")
    gold = {code for row in rows for code in json.loads(row["gold_narratives"])}
    assert len(gold) > 3
    assert {f"test/narratives/{code}/f1" for code in gold} <= figures.keys()
    for language in ("en", "fr"):
        assert figures[f"test/language/{language}/articles"] == sum(row["language"] == language for row in rows)
        assert f"test/language/{language}/role/macro_f1_all" in figures
    for name in ("role/macro_f1_all", "flag/f1", "flag/pr_auc", "flag/brier", "actors/macro_f1_all", "africa/f1"):
        assert 0 <= figures[f"test/{name}"] <= 1


def test_plots_and_tables_are_kept(files: Path, codebook: Codebook) -> None:
    for name in ("confusion", "precision_recall", "reliability", "training_curve"):
        assert (files / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    tables = {path.stem: json.loads(path.read_text()) for path in (files / "tables").iterdir()}
    audit = {f"audit_{name}" for name in ("source", "language", "length", "year", "translated", "near_copies")}
    told = {"results", "differences", "languages", "narratives", "confusion", "thresholds", "reliability", "errors"}
    assert set(tables) == audit | told | {"epochs"}
    assert tables["results"]["columns"][0] == "model"
    assert [row[0] for row in tables["results"]["data"]] == ["quickstart", *SHORTCUTS]
    assert {row[0] for row in tables["languages"]["data"]} == {"en", "fr"}
    assert [row[0] for row in tables["confusion"]["data"]] == list(codebook.role_codes)
    assert [row[0] for row in tables["epochs"]["data"]] == ["2", "3"]
    rows = predictions(files / "predictions.json")
    wrong = {row["id"] for row in rows if row["status"] == "scored" and row["role_label"] != row["gold_role"]}
    wrong |= {row["id"] for row in rows if row["flag"] and json.loads(row["flag"]) != in_truth(row)}
    listed = {row[0] for row in tables["errors"]["data"]}
    assert listed <= wrong
    assert len(listed) == min(30, len(wrong)) > 0


def test_the_report_is_one_page_with_every_section(files: Path, trained: Trained) -> None:
    page = html.fromstring((files / "report.html").read_text(encoding="utf-8"))
    sections = ["results", "weak", "roles", "curves", "errors", "audit", "learning"]
    assert page.xpath("//h2/@id") == sections
    assert page.xpath("string(//h1)") == "Report: quickstart"
    version = Bundle.load(trained.folder).manifest.version
    assert f"Version {version} · codebook" in page.text_content()
    explorer = json.loads(page.xpath("string(//script[@id='explorer-json'])"))
    rows = predictions(files / "predictions.json")
    assert [(text[0], text[1]) for text in explorer["texts"]] == [
        (
            pytest.approx(row["flag_probability"] or 0.0),
            int(row["gold_role"] != "none" and row["gold_africa"] == "true"),
        )
        for row in rows
    ]
    decided = [row for row in rows if row["flag"] is not None]
    assert decided
    for row in decided:
        assert (row["flag"] == "true") == (row["flag_probability"] >= explorer["threshold"])


def test_the_logged_predictions_give_the_logged_figures_again(run: Run, files: Path, codebook: Codebook) -> None:
    rows = predictions(files / "predictions.json")
    assert any("text" in piece for row in rows for piece in json.loads(row["evidence"]))
    computed = all_metrics(from_rows(rows, codebook))
    logged = {name.removeprefix("test/"): value for name, value in run.data.metrics.items() if name.startswith("test/")}
    assert computed.keys() == logged.keys()
    assert computed == pytest.approx(logged, abs=1e-9, rel=0)


def test_the_bundle_is_logged_once_with_signature_example_and_requirements(
    tracked_here: MlflowClient, run: Run, trained: Trained, codebook: Codebook
) -> None:
    from mlflow.models import Model

    [output] = run.outputs.model_outputs
    assert tracked_here.get_logged_model(output.model_id).name == "model"
    folder = bundle_folder(f"runs:/{trained.run_id}").parents[1]
    assert len(list(folder.rglob("encoder.onnx"))) == 1
    assert not list(Path(tracked_here.download_artifacts(trained.run_id, "")).rglob("encoder.onnx"))
    model = Model.load(folder)
    assert model.get_input_schema().input_names() == ["text", "id", "title", "language", "published", "outlet", "url"]
    assert model.get_input_schema().required_input_names() == ["text"]
    assert {"flag", "flag_probability", "role_label", "narratives_flagged"} <= {
        column.name for column in model.get_output_schema()
    }
    assert model.saved_input_example_info is not None
    requirements = (folder / "requirements.txt").read_text().splitlines()
    packages = ("fimiscope", "mlflow", "numpy", "onnxruntime", "tokenizers", "pandas")
    assert requirements == [f"{name}=={metadata.version(name)}" for name in packages]
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 500e6


def test_without_texts_the_predictions_hold_no_words_of_articles(
    tracked_here: MlflowClient, tiny_config: Config, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    document = tiny_config.model_dump(mode="json") | {"name": "wordless", "encoder": None, "tracking": {"texts": False}}
    finished = train(Config.model_validate(document), models=tmp_path / "models")
    rows = predictions(Path(tracked_here.download_artifacts(finished.run_id, "predictions.json")))
    pieces = [piece for row in rows for piece in json.loads(row["evidence"])]
    assert pieces
    assert all(set(piece) == {"start", "end", "field", "head", "score"} for piece in pieces)
    kept = Path(tracked_here.download_artifacts(finished.run_id, "report.html")).read_text(encoding="utf-8")
    kept += Path(tracked_here.download_artifacts(finished.run_id, "tables/errors.json")).read_text(encoding="utf-8")
    words = [example.article.text.split() for example in tiny_corpus.examples]
    runs = {" ".join(text[n : n + 5]) for text in words for n in range(len(text) - 4)}
    assert len(runs) > 1000
    assert [run for run in runs if run in unescape(" ".join(kept.split()))] == []
    assert tracked_here.get_run(finished.run_id).info.status == "FINISHED"
