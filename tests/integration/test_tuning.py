"""`fimiscope tune`: a search that is killed, stopped by Ctrl-C and brought to its end, and what MLflow holds of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from fimiscope.cli.app import app
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import ConfigError, CorpusError, MissingExtra, OutputError, TrackingError
from fimiscope.tracking.comparing import compare_runs
from fimiscope.tuning import tune

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import Workplace

# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
COUNTED = 5
RATE = "training.head_learning_rate"
STATES = ["complete", "failed", "complete", "failed", "complete", "complete", "pruned"]
EPOCHS = 2


@dataclass(frozen=True, slots=True)
class Search:
    """A study in three calls: one killed in its second trial, one stopped in its second, and one that ends.

    Attributes:
        stopped: the second call.
        ended: the third.
        document: what a fourth printed as JSON.
        left: checkpoints that were there afterwards.
    """

    stopped: Result
    ended: Result
    document: dict[str, Any]
    left: list[Path]

    @property
    def folder(self) -> Path:
        return Path(self.document["file"]).parent


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["tune", *map(str, words)])


def trial_runs(client: MlflowClient, study: str) -> list[Run]:
    """In the order of the trials."""
    experiment = client.get_experiment_by_name("tuning")
    if experiment is None:
        return []
    query = f"tags.`mlflow.parentRunId` = '{study}'" if study else "attributes.run_name = 'trial 1'"
    return list(client.search_runs([experiment.experiment_id], query, order_by=["attributes.start_time ASC"]))


@pytest.fixture(scope="module")
def config(tiny_config: Config) -> Config:
    """Heads alone; with one rate in three they learn next to nothing. The seed draws that rate last."""
    document = tiny_config.model_dump(mode="json") | {"name": "searched", "lexical": None, "seed": 33}
    document["tracking"]["experiment"] = "tuning"
    document["training"] |= {"trainable_layers": 0, "epochs": EPOCHS, "head_learning_rate": 1e-2}
    space = {RATE: [3e-2, 1e-2, 1e-8], "training.weight_decay": {"low": 0.001, "high": 0.1, "log": True}}
    document["tuning"] = {"space": space, "metric": "valid/flag/pr_auc", "trials": COUNTED}
    return Config.model_validate(document)


@pytest.fixture(scope="module")
def file(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert config.tuning is not None
    file = tmp_path_factory.mktemp("searched") / "searched.yaml"
    document = config.model_dump(mode="json") | {"tuning": config.tuning.model_dump(mode="json")}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def here(workplace: Workplace, client: MlflowClient, torch_on_one_core: None) -> Iterator[Workplace]:
    """For calls inside this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace.folder)
        patch.setenv("MLFLOW_TRACKING_URI", workplace.store)
        yield workplace


@pytest.fixture(scope="module")
def search(here: Workplace, client: MlflowClient, file: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    with subprocess.Popen(here.command("tune", file), cwd=here.folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"trial 0: complete")
        while not any(run.data.params for run in trial_runs(client, "")):
            time.sleep(0.1)
        process.kill()
    temporary = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        with pytest.MonkeyPatch.context() as interrupting:
            interrupting.setattr("fimiscope.cli.show.progress", ctrl_c_in_the_second_trial)
            stopped = call(file)
        ended = call(file)
    again = call(file, "--json")
    return Search(stopped, ended, json.loads(again.stdout), list(temporary.rglob("checkpoint-*")))


@contextmanager
def ctrl_c_in_the_second_trial() -> Iterator[Callable[[str, int, int], None]]:
    counted = []

    def listen(stage: str, done: int, total: int) -> None:
        if stage == "trials":
            counted.append(done)
        if stage == "training" and counted[-1] > counted[0]:
            signal.raise_signal(signal.SIGINT)

    yield listen


@pytest.mark.slow
def test_each_call_goes_on_where_the_last_was_broken_off(search: Search) -> None:
    assert search.stopped.exit_code == 130
    assert "fimiscope: stopped; the same command goes on with the study" in search.stopped.stderr
    assert search.stopped.stdout.startswith("trial 2: complete")
    assert search.ended.exit_code == 0
    assert [line[:7] for line in search.ended.stdout.splitlines()[:3]] == ["trial 4", "trial 5", "trial 6"]
    trials = search.document["trials"]
    assert [trial["number"] for trial in trials] == list(range(len(STATES)))
    assert [trial["state"] for trial in trials] == STATES
    assert sum(state != "failed" for state in STATES) == COUNTED
    assert len({trial["values"]["training.weight_decay"] for trial in trials}) == len(trials), "nothing is drawn twice"
    assert not search.left


@pytest.mark.slow
def test_the_best_trial_is_told_and_can_be_trained(search: Search, config: Config, file: Path) -> None:
    complete = [trial for trial in search.document["trials"] if trial["state"] == "complete"]
    best = max(complete, key=lambda trial: trial["value"])
    assert search.document["best"] == best
    printed = search.ended.stdout
    assert printed.index(f"│     {best['number']} │ complete │") == printed.index("│ complete │") - 8
    settings = [word for key, value in best["values"].items() for word in ("--set", f"{key}={value}")]
    assert f"best        {' '.join(settings)}\n" in printed
    assert f"to train    fimiscope train {search.document['file']}\n" in printed
    found = Config.load(search.document["file"])
    assert found == config.with_values(best["values"])
    assert found == Config.load(file, settings[1::2]).model_copy(update={"tuning": None})


@pytest.mark.slow
def test_trials_are_nested_runs_that_say_how_they_ended(search: Search, client: MlflowClient) -> None:
    parent = client.get_run(search.document["run_id"])
    assert parent.info.status == "FINISHED"
    runs = trial_runs(client, parent.info.run_id)
    assert [run.info.run_name for run in runs] == [f"trial {number}" for number in range(len(STATES))]
    assert [run.data.tags["tuning.state"] for run in runs] == STATES
    assert [run.info.status for run in runs] == ["KILLED" if state == "failed" else "FINISHED" for state in STATES]
    for run, trial in zip(runs, search.document["trials"], strict=True):
        assert {key: float(run.data.params[key]) for key in trial["values"]} == trial["values"]
        epochs = len(client.get_metric_history(run.info.run_id, "valid/flag/pr_auc"))
        if trial["state"] == "complete":
            assert epochs == EPOCHS
            assert run.data.metrics["tuning/flag/pr_auc"] == trial["value"]
        if trial["state"] == "pruned":
            assert 1 <= epochs < EPOCHS
    assert len(trial_runs(client, "")) == 1, "one study alone"


@pytest.mark.slow
def test_no_trial_sees_the_test_part_or_makes_a_bundle(search: Search, here: Workplace, client: MlflowClient) -> None:
    parent = client.get_run(search.document["run_id"])
    for run in (parent, *trial_runs(client, parent.info.run_id)):
        assert not [name for name in run.data.metrics if name.startswith("test/")]
        assert {entry.tags[0].value for entry in run.inputs.dataset_inputs} <= {"train", "valid"}
        assert "test.digest" not in run.data.tags
        assert not (run.outputs and run.outputs.model_outputs)
    assert not list(here.folder.rglob("models/*searched*"))


@pytest.mark.slow
def test_the_parent_holds_space_standing_table_plots_and_best_config(search: Search, client: MlflowClient) -> None:
    run = client.get_run(search.document["run_id"])
    assert run.data.params[RATE] == "0.03, 0.01, 1e-08"
    assert run.data.params["training.weight_decay"] == "0.001 to 0.1, logarithmic"
    assert run.data.params["training.epochs"] == str(EPOCHS)
    standing = {name: run.data.metrics[f"tuning/{name}"] for name in ("complete", "pruned", "failed", "best")}
    assert standing == {"complete": 4, "pruned": 1, "failed": 2, "best": search.document["best"]["value"]}
    files = Path(client.download_artifacts(run.info.run_id, ""))
    for name in ("parallel_coordinates", "importance"):
        assert (files / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    table = json.loads((files / "tables" / "trials.json").read_text(encoding="utf-8"))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [row["state"] for row in rows] == STATES
    assert [row[RATE] for row in rows] == [trial["values"][RATE] for trial in search.document["trials"]]
    assert {"path": "tables/trials.json", "type": "table"} in json.loads(run.data.tags["mlflow.loggedArtifacts"])
    assert (files / "best.yaml").read_text(encoding="utf-8") == Path(search.document["file"]).read_text("utf-8")


@pytest.mark.slow
def test_another_space_is_another_study(search: Search, file: Path) -> None:
    done = call(file, "--set", "tuning.metric=valid/role/macro_f1_all", "--minutes", "0")
    assert done.exit_code == 0, done.output
    assert search.document["run_id"] not in done.stdout
    assert "no plot was drawn: no trial is complete" in done.stdout
    assert "no trial is complete: give more minutes" in done.stdout


@pytest.mark.slow
def test_neither_a_study_nor_a_trial_is_compared(search: Search, client: MlflowClient) -> None:
    study = search.document["run_id"]
    for run_id in (study, trial_runs(client, study)[0].info.run_id):
        with pytest.raises(TrackingError, match="is part of a search on the validation part"):
            compare_runs(run_id, study)


@pytest.mark.parametrize("command", ["tune", "learning-curve"])
def test_the_store_is_asked_before_the_corpus_is_read(
    command: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://example.org/runs")
    without_codebook = [command, str(file), "--set", "codebook=nowhere.yaml"]
    refused = CliRunner().invoke(app, without_codebook)
    assert isinstance(refused.exception, TrackingError)
    assert "the MLflow store nonsense://example.org/runs cannot be reached" in str(refused.exception)
    offline = CliRunner().invoke(app, [*without_codebook, "--offline"])
    assert "nowhere.yaml" in str(offline.exception)
    assert (tmp_path / "mlflow.db").exists()


def test_a_store_that_refuses_a_search_is_said_in_one_line(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    client.delete_experiment(client.create_experiment(config.tracking.experiment))
    with pytest.raises(TrackingError, match="the search cannot be logged; the same command goes on with it") as raised:
        tune(config, folder=tmp_path)
    assert "\n" not in str(raised.value)


def test_what_cannot_be_searched_is_refused_before_the_first_trial(
    here: Workplace, config: Config, tiny_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="config searched has no section tuning"):
        tune(config.with_values({}))
    rows = [{"id": e.article.id, "text": e.article.text, "role": e.labels.role} for e in tiny_corpus.examples]
    roles = tmp_path / "roles.jsonl"
    roles.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    source = {"kind": "labelled", "path": str(roles), "hold_out": {"valid": 0.3, "test": 0.2}}
    document = config.model_dump(mode="json") | {"corpus": {"sources": [source]}, "tuning": config.tuning}
    with pytest.raises(CorpusError, match=r"tuning\.metric: valid/flag/pr_auc cannot be measured"):
        tune(Config.model_validate(document), folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["roles.jsonl"]


@pytest.mark.slow
def test_a_study_that_cannot_be_read_is_refused(search: Search, config: Config, tmp_path: Path) -> None:
    broken = tmp_path / search.folder.name / "study.db"
    broken.parent.mkdir()
    broken.write_text("This is no database, but it is long enough to be taken for one. " * 99, encoding="utf-8")
    with pytest.raises(OutputError, match=r"study\.db cannot hold the study"):
        tune(config, folder=tmp_path)


def test_without_optuna_the_extra_is_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"optuna is not installed: run .* -e '\.\[tune\]'"):
        tune(config)
