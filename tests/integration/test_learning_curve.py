"""`fimiscope learning-curve`: nested shares, the same test part, and what MLflow holds of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner, Result

from fimiscope.cli.app import app
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import ConfigError, TrackingError
from fimiscope.learning_curve import learning_curve, with_share
from fimiscope.pipeline import load_corpus
from fimiscope.tracking.comparing import compare_runs
from fimiscope.tracking.listing import list_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from conftest import Workplace

# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


@pytest.fixture(scope="module")
def config(tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A word model on two sources; every other family is of the second."""
    [whole] = tiny_config.corpus.sources
    rows = [json.loads(line) for line in Path(whole.path).read_text(encoding="utf-8").splitlines()]
    families = list(dict.fromkeys(row["family"] for row in rows))
    sources = []
    for number in (0, 1):
        path = tmp_path_factory.mktemp("shares") / f"source-{number}.jsonl"
        lines = [json.dumps(row) for row in rows if families.index(row["family"]) % 2 == number]
        path.write_text("\n".join(lines), encoding="utf-8")
        sources.append({"kind": "labelled", "path": str(path), "hold_out": {"valid": 0.25, "test": 0.2}})
    document = tiny_config.model_dump(mode="json") | {"name": "grown", "encoder": None, "corpus": {"sources": sources}}
    document["tracking"]["experiment"] = "curve"
    return Config.model_validate(document)


@pytest.fixture(scope="module")
def corpus(config: Config, codebook: Codebook) -> Corpus:
    return load_corpus(config, codebook)


def test_shares_are_nested_and_keep_families_whole_and_sources_apart(corpus: Corpus) -> None:
    def ids(share: float) -> set[str]:
        return {example.article.id for example in with_share(corpus, share).part("train")}

    train = corpus.part("train")
    assert ids(0.25) < ids(0.5) < ids(1.0) == {example.article.id for example in train}
    half = with_share(corpus, 0.5)
    assert half.digest != corpus.digest == with_share(corpus, 1.0).digest
    for part in ("valid", "test"):
        assert half.part(part) == corpus.part(part)
    kept = {example.group for example in half.part("train")}
    assert half.part("train") == tuple(example for example in train if example.group in kept)
    whole, shared = (Counter(example.source for example in part) for part in (train, half.part("train")))
    largest = max(Counter(example.group for example in train).values())
    assert len(whole) == 2
    for source in whole:
        assert abs(shared[source] - whole[source] / 2) <= largest / 2


def test_the_smallest_share_keeps_a_family_of_each_source(corpus: Corpus) -> None:
    smallest = with_share(corpus, 1e-9).part("train")
    assert len({example.source for example in smallest}) == len({example.group for example in smallest}) == 2


def test_a_curve_is_printed_logged_and_not_trained_again(
    workplace: Workplace,
    client: MlflowClient,
    config: Config,
    corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "grown.yaml"
    file.write_text(config.to_yaml(), encoding="utf-8")

    def call(*words: str) -> Result:
        command = ["learning-curve", str(file), "--share", "1", "--share", "0.5", "--models", "curves", *words]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(workplace.folder)
            patch.setenv("MLFLOW_TRACKING_URI", workplace.store)
            return CliRunner().invoke(app, command)

    first = call()
    assert first.exit_code == 0, first.output
    texts = {share: len(with_share(corpus, share).part("train")) for share in (0.5, 1.0)}
    assert first.stdout.startswith(f"share 0.5: {texts[0.5]} texts\nshare 1: {texts[1.0]} texts\n")
    assert f"Learning curve, held-out part ({len(corpus.part('test'))} texts)" in first.stdout
    again = call("--json")
    assert again.stderr.count("is there already, and was measured as it is") == 2
    document = json.loads(again.stdout)
    assert [(point["share"], point["texts"]) for point in document["points"]] == list(texts.items())

    experiment = client.get_experiment_by_name("curve")
    assert experiment is not None
    runs = {
        run.info.run_name: run for run in client.search_runs([experiment.experiment_id], order_by=["start_time DESC"])
    }
    parent = next(run for run in runs.values() if "mlflow.parentRunId" not in run.data.tags)
    assert parent.info.status == "FINISHED"
    below = [runs[f"grown-share-{share}"] for share in ("0.5", "1")]
    history = client.get_metric_history(document["run_id"], "curve/role/macro_f1_all")
    found = {point.step: point.value for point in history}
    assert found == {
        size: run.data.metrics["test/role/macro_f1_all"] for size, run in zip(texts.values(), below, strict=True)
    }
    files = Path(client.download_artifacts(document["run_id"], ""))
    assert (files / "plots" / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    table = json.loads((files / "tables" / "learning_curve.json").read_text(encoding="utf-8"))
    assert [row[:2] for row in table["data"]] == [["0.5", texts[0.5]], ["1", texts[1.0]]]
    hits = [run.data.metrics["test/evidence/hit"] for run in below]
    assert [row[table["columns"].index("evidence hit")][:4] for row in table["data"]] == [f"{hit:.2f}" for hit in hits]
    assert yaml.safe_load((files / "config.yaml").read_text(encoding="utf-8"))["name"] == "grown"

    monkeypatch.chdir(workplace.folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workplace.store)
    listed = list_runs("curve", by="curve/role/macro_f1_all")
    assert document["run_id"] in {run.run_id for run in listed[:2]}, "a curve a call, above the runs of its shares"
    assert not any(run.mean_of for run in listed)
    with pytest.raises(TrackingError, match="is a learning curve of shares: compare one of them"):
        compare_runs(document["run_id"], below[0].info.run_id)


@pytest.mark.parametrize("shares", [(0.0, 1.0), (0.5, 1.5), (0.5, 0.5)])
def test_a_share_that_is_none_is_refused(config: Config, shares: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="--share: give shares above 0 and up to 1, each once"):
        learning_curve(config, shares)
