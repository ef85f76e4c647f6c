"""`fimiscope predict --log`: a batch becomes an MLflow run that says what was scored, with what, and what came out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.bundle import files
from fimiscope.reading import identify_language

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import Workplace
    from fimiscope.corpus import Corpus

INBOX = Path(__file__).parents[2] / "data" / "sample" / "inbox"
OUTCOMES = ("flagged", "clear", "abstained", "failed")
WITHOUT_MLFLOW = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mlflow":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Absent())
from fimiscope.cli import main
main()
"""
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


def logged_run(workplace: Workplace, client: MlflowClient, bundle: Path, output: str) -> Run:
    """Score the inbox with `--log` so that most of it is flagged; the run."""
    done = workplace.run(
        *("predict", INBOX, "--model", bundle, "--output", output, "--log", "--json", "--profile", "high-recall"),
        code=3,
    )
    assert done.stderr == ""
    return client.get_run(json.loads(done.stdout.splitlines()[-1])["run"])


def table(client: MlflowClient, run: Run, name: str) -> list[dict[str, Any]]:
    document = json.loads(Path(client.download_artifacts(run.info.run_id, name)).read_text(encoding="utf-8"))
    return [dict(zip(document["columns"], row, strict=True)) for row in document["data"]]


def edited(bundle: Path, folder: Path, *, texts: bool = True, languages: bool = True, threshold: float = 0.0) -> Path:
    """A copy of a bundle that flags from `threshold` on, sealed anew."""
    shutil.copytree(bundle, folder)
    decisions = files.read_json(folder / files.DECISIONS)
    for one in decisions.values():
        one["band"] = 0.0
        one["flag"] = dict.fromkeys(one["flag"], threshold)
    files.write_json(folder / files.DECISIONS, decisions)
    config = (folder / files.CONFIG).read_text(encoding="utf-8")
    assert "texts: true" in config
    (folder / files.CONFIG).write_text(config.replace("texts: true", f"texts: {str(texts).lower()}"), encoding="utf-8")
    if not languages:
        (folder / files.LANGUAGES).unlink()
    manifest = files.read_json(folder / files.MANIFEST)
    facts = ("name", "created", "codebook", "trained_on", "corpus_digest", "encoder")
    files.seal(folder, **{name: manifest[name] for name in facts})
    return folder


@pytest.fixture(scope="module")
def flags_all(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return edited(tiny_bundle, tmp_path_factory.mktemp("edited") / "all")


@pytest.fixture(scope="module")
def run(workplace: Workplace, client: MlflowClient, flags_all: Path) -> Run:
    return logged_run(workplace, client, flags_all, "logged.jsonl")


@pytest.fixture(scope="module")
def verdicts(workplace: Workplace, run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workplace.folder / "logged.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_run_counts_what_the_file_of_verdicts_holds(run: Run, verdicts: list[dict[str, Any]]) -> None:
    metrics = run.data.metrics
    statuses = [row["status"] for row in verdicts]
    assert metrics["articles/all"] == len(verdicts) == sum(metrics[f"articles/{name}"] for name in OUTCOMES)
    assert metrics["articles/failed"] == statuses.count("failed") > 0
    assert metrics["articles/flagged"] == sum(row["flag"] is True for row in verdicts) > 0
    assert metrics["share/abstained"] == statuses.count("abstained") / len(verdicts)
    assert metrics["articles_per_second"] > 0
    assert "share/gated" not in metrics
    assert run.info.status == "FINISHED"
    assert run.info.end_time > run.info.start_time


def test_the_run_names_model_codebook_command_and_output(
    workplace: Workplace, run: Run, flags_all: Path, verdicts: list[dict[str, Any]]
) -> None:
    tags, model = run.data.tags, verdicts[0]["model"]
    assert (tags["model.name"], tags["model.version"]) == (model["name"], model["version"])
    assert tags["codebook"] == model["codebook"]
    content = (workplace.folder / "logged.jsonl").read_bytes()
    assert (tags["output"], tags["output.sha256"]) == ("logged.jsonl", hashlib.sha256(content).hexdigest())
    how = {"profile": "high-recall", "gate": "False", "precision": "fp32", "device": "cpu", "engine": "local"}
    expected = {"inputs": str(INBOX), "model": str(flags_all), "columns": "None", **how}
    assert run.data.params == expected


def test_languages_stand_beside_those_of_the_training_texts(
    client: MlflowClient, run: Run, verdicts: list[dict[str, Any]], tiny_corpus: Corpus
) -> None:
    spoken = [row["language"] or "unknown" for row in verdicts if row["status"] != "failed"]
    learned = [identify_language(example.document().text) for example in tiny_corpus.part("train")]
    rows = {row["language"]: row for row in table(client, run, "languages.json")}
    assert {*rows} == {*spoken, *learned}
    for language, row in rows.items():
        assert row["share"] == pytest.approx(spoken.count(language) / len(spoken))
        assert row["training_share"] == pytest.approx(learned.count(language) / len(learned))
    moved = sum(abs(row["share"] - row["training_share"]) for row in rows.values()) / 2
    assert run.data.metrics["language_shift"] == pytest.approx(moved)
    assert run.data.metrics["language/fr"] == pytest.approx(spoken.count("fr") / len(spoken))


def test_flagged_samples_show_their_evidence(client: MlflowClient, run: Run, verdicts: list[dict[str, Any]]) -> None:
    rows = table(client, run, "flagged_samples.json")
    flagged = [row for row in verdicts if row["flag"]]
    assert [row["id"] for row in rows] == [row["id"] for row in flagged]
    assert [json.loads(row["evidence"]) for row in rows] == [row["evidence"] for row in flagged]
    assert any(json.loads(row["evidence"]) for row in rows)


def test_without_texts_no_word_of_an_article_is_logged_and_an_older_bundle_knows_no_shift(
    workplace: Workplace, client: MlflowClient, tiny_bundle: Path, tmp_path: Path
) -> None:
    silent = edited(tiny_bundle, tmp_path / "silent", texts=False, languages=False)
    run = logged_run(workplace, client, silent, "silent.jsonl")
    rows = table(client, run, "flagged_samples.json")
    pieces = [piece for row in rows for piece in json.loads(row["evidence"])]
    assert pieces
    assert all(set(piece) == {"start", "end", "field", "head", "score"} for piece in pieces)
    assert all(row["title"] is None for row in rows)
    assert run.data.tags["training_languages"] == "unknown"
    assert "language_shift" not in run.data.metrics
    assert all(row["training_share"] is None for row in table(client, run, "languages.json"))


def test_a_store_that_is_not_there_is_found_out_before_anything_is_scored(
    workplace: Workplace, tiny_bundle: Path
) -> None:
    words = ("predict", INBOX, "--model", tiny_bundle, "--output", "never.jsonl", "--log")
    line = workplace.refusal(*words, variables={"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    assert "http://127.0.0.1:9" in line
    assert not (workplace.folder / "never.jsonl").exists()


def test_without_mlflow_the_extra_is_named(workplace: Workplace, tiny_bundle: Path) -> None:
    words = ["predict", str(INBOX), "--model", str(tiny_bundle), "--output", "never.jsonl", "--log"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MLFLOW, *words],
        cwd=workplace.folder,
        env=os.environ,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "fimiscope: mlflow is not installed: run in the checkout  pip install -c constraints.txt -e '.[mlflow]'\n",
    )
    assert not (workplace.folder / "never.jsonl").exists()
