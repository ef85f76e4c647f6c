"""`fimiscope cross-validate`, `corpus folds` and `corpus audit`, on invented texts annotated as real ones are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fimiscope.bundle import Bundle
from fimiscope.checksums import sha256_of_text
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.corpus.annotated import read_annotations
from fimiscope.corpus.folds import Fold, FoldPart, fold_names
from fimiscope.cross_validation import cross_validate
from fimiscope.errors import ConfigError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from conftest import Workplace

SHORTCUTS = ["majority", "source majority", "language majority", "length alone", "outlet words alone"]


@dataclass(frozen=True, slots=True)
class Annotated:
    """Two configs of word models, and a fold that tests on one of two sources."""

    configs: tuple[Path, Path]
    fold: Path
    tested: int


@pytest.fixture(scope="module")
def annotated(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Annotated:
    folder = tmp_path_factory.mktemp("annotated")
    families = sorted({example.group for example in tiny_corpus.examples})
    places = {family: ("channel", "wire")[number % 3 > 0] for number, family in enumerate(families)}
    rows, texts = [], {"channel": "", "wire": ""}
    for example in tiny_corpus.examples:
        article, labels, place = example.article, example.labels, places[example.group]
        texts[place] += json.dumps({"id": article.id, "text": article.text}) + "\n"
        facts = {"id": article.id, "sha256": sha256_of_text(article.text), "corpus": place, "document": example.group}
        said = {"role": labels.role, "africa": labels.africa, "language": article.language}
        rows.append(facts | said | {"actors": labels.actors, "narratives": labels.narratives})
    (folder / "texts").mkdir()
    for place, lines in texts.items():
        (folder / "texts" / f"{place}.jsonl").write_text(lines, encoding="utf-8")
    labels_file = folder / "labels.jsonl"
    labels_file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    annotations = read_annotations(labels_file)
    valid = [family for family in families if places[family] == "wire"][::3]
    parts: dict[tuple[str, str], FoldPart] = {
        key: "test" if key[0] == "channel" else "valid"
        for key, row in annotations.items()
        if key[0] == "channel" or row["document"] in valid
    }
    fold = Fold.of("channel", "all of the channel", parts, annotations).write(folder, annotations)
    source = {"kind": "annotated", "annotations": str(labels_file), "texts": str(folder / "texts")}
    configs = []
    for name, buckets in (("words", 2**12), ("few-words", 2**10)):
        lexical = {"words": [1, 1], "characters": [3, 4], "buckets": buckets}
        document = {"name": name, "corpus": {"sources": [source]}, "lexical": lexical}
        configs.append(folder / f"{name}.yaml")
        configs[-1].write_text(yaml.safe_dump(document), encoding="utf-8")
    return Annotated((configs[0], configs[1]), fold, sum(part == "test" for part in parts.values()))


def test_configs_are_compared_on_a_fold_and_not_trained_again_unchanged(
    workplace: Workplace, annotated: Annotated
) -> None:
    command = ("cross-validate", *annotated.configs, "--fold", annotated.fold, "--models", "folds")
    first = workplace.run(*command)
    assert f"Fold channel: {annotated.tested} texts" in first.stdout
    places = [first.stdout.index(words) for words in (*SHORTCUTS, "words ", "words − few-words", "Mean over folds")]
    assert places == sorted(places)
    assert "is there already" not in first.stdout
    bundles = [workplace.folder / "folds" / "channel" / name for name in ("words", "few-words")]
    versions = [Bundle.load(folder).manifest.version for folder in bundles]

    changed = annotated.configs[1]
    changed.write_text(changed.read_text(encoding="utf-8") + "seed: 14\ndecision: {base_rate: 0.2}\n", encoding="utf-8")
    again = workplace.run(*command, "--json")
    assert again.stderr == "fold channel: words is there already, and was measured as it is\n"
    words, few_words = (Bundle.load(folder).manifest.version for folder in bundles)
    assert words == versions[0]
    assert few_words != versions[1]
    figures: dict[str, Any] = json.loads(again.stdout)
    fold = figures["folds"]["channel"]
    assert list(fold["rows"]) == [*SHORTCUTS, "words", "few-words"]
    assert list(fold["differences"]) == ["words − few-words"]
    role = fold["rows"]["words"]["role/macro_f1"]
    assert role["low"] <= role["value"] <= role["high"]
    assert figures["means"]["words"]["all"]["role/macro_f1"] == {"mean": role["value"], "folds": 1}
    assert 0 <= figures["means"]["words"]["en, fr"]["flag/f1"]["mean"] <= 1


def test_baselines_stand_in_the_table_of_the_fold(
    workplace: Workplace, annotated: Annotated, tiny_config: Config, tmp_path: Path
) -> None:
    words = annotated.configs[0]
    reader = tmp_path / "reader.yaml"
    document = tiny_config.model_dump(mode="json", exclude={"corpus", "lexical"}) | {"name": "reader"}
    document["corpus"] = yaml.safe_load(words.read_text(encoding="utf-8"))["corpus"]
    reader.write_text(yaml.safe_dump(document), encoding="utf-8")
    besides = ("zero-shot", "single-head")
    command = ("cross-validate", words, reader, "--fold", annotated.fold, "--models", tmp_path / "folds", "--json")
    asked = [word for name in besides for word in ("--baseline", name)]
    first = workplace.run(*command, *asked)
    fold = json.loads(first.stdout)["folds"]["channel"]
    assert list(fold["rows"]) == [*SHORTCUTS, *besides, "words", "reader"]
    assert list(fold["differences"]) == [f"words − {name}" for name in ("reader", *besides)]
    for name in besides:
        assert 0 < fold["rows"][name]["flag/pr_auc"]["value"] <= 1
    assert "narratives/samples_f1" not in fold["rows"]["single-head"]
    kept = {file.name.rsplit("-", 1)[0]: file for file in (tmp_path / "folds" / "channel").glob("*.jsonl")}
    assert set(kept) == set(besides)
    assert all(len(file.read_text(encoding="utf-8").splitlines()) == annotated.tested for file in kept.values())

    kept["zero-shot"].unlink()
    again = workplace.run(*command, *asked)
    assert json.loads(again.stdout) == json.loads(first.stdout)
    there = [line.split(" is there already")[0] for line in again.stderr.splitlines() if "is there already" in line]
    assert there == [f"fold channel: {name}" for name in ("words", "reader", "single-head")]


def test_folds_of_a_config_stand_below_one_run(
    workplace: Workplace, annotated: Annotated, client: MlflowClient
) -> None:
    workplace.run("cross-validate", annotated.configs[0], "--fold", annotated.fold, "--models", "nested")
    experiment = client.get_experiment_by_name("fimiscope")
    assert experiment is not None
    parent, *_ = client.search_runs([experiment.experiment_id], "run_name = 'words (folds)'")
    [child] = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert (child.info.run_name, child.data.tags["fold"]) == ("channel/words", "channel")
    assert child.data.params["corpus.sources"] == f"annotated (fold {annotated.fold})"
    tested = {name: value for name, value in child.data.metrics.items() if name.startswith("test/")}
    assert {name: parent.data.metrics[name] for name in tested} == pytest.approx(tested)
    assert parent.info.status == child.info.status == "FINISHED"
    assert "**Runs**: 1 fold\n" in parent.data.tags["mlflow.note.content"]


def test_what_cannot_be_cross_validated_is_refused(workplace: Workplace, annotated: Annotated) -> None:
    words, _ = annotated.configs
    quickstart = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
    assert "two configs are named words" in workplace.refusal("cross-validate", words, words)
    assert "config quickstart has no source of kind annotated" in workplace.refusal("cross-validate", quickstart)
    refused = workplace.refusal("cross-validate", words, "--fold", "weather")
    assert "fold 'weather' is not there (known: analyses, blog, " in refused
    refused = workplace.refusal("cross-validate", words, "--fold", "blog")
    assert "is not among the annotations: folds fit the shipped annotations" in refused


@pytest.mark.parametrize(
    ("changes", "baseline", "refusal"),
    [
        ([], "oracle", "oracle: there is none of that name .known: zero-shot, setfit, single-head"),
        ([], "zero-shot", "--baseline zero-shot: none of the configs has an encoder to read with"),
        (["name=zero-shot", "encoder=tiny"], "zero-shot", "config zero-shot bears the name of a baseline"),
    ],
)
def test_a_baseline_that_cannot_be_measured_is_refused_before_anything_is_trained(
    annotated: Annotated, changes: list[str], baseline: str, refusal: str
) -> None:
    config = Config.load(annotated.configs[0], changes)
    with pytest.raises(ConfigError, match=refusal):
        next(cross_validate([config], [str(annotated.fold)], baselines=[baseline]))


def test_texts_that_are_labelled_otherwise_are_no_pair(
    workplace: Workplace, annotated: Annotated, tmp_path: Path
) -> None:
    document = yaml.safe_load(annotated.configs[0].read_text(encoding="utf-8")) | {"name": "otherwise"}
    [source] = document["corpus"]["sources"]
    rows = [json.loads(line) for line in Path(source["annotations"]).read_text(encoding="utf-8").splitlines()]
    labels = tmp_path / "labels.jsonl"
    second = [json.dumps(row | {"africa": not row["africa"]}) + "\n" for row in rows]
    labels.write_text("".join(second), encoding="utf-8")
    source["annotations"] = str(labels)
    otherwise = tmp_path / "otherwise.yaml"
    otherwise.write_text(yaml.safe_dump(document), encoding="utf-8")
    words, models = annotated.configs[0], tmp_path / "models"
    command = ("cross-validate", words, otherwise, "--fold", annotated.fold, "--models", models)
    refused = workplace.run(*command, code=2).stderr
    assert "fold channel: the configs are not tested on the same texts by the same labels" in refused.splitlines()[-1]
    assert not models.exists()


def test_the_shipped_folds_are_listed_without_any_text(workplace: Workplace) -> None:
    listed = workplace.run("corpus", "folds").stdout
    document = json.loads(workplace.run("corpus", "folds", "--json").stdout)
    assert list(document) == list(fold_names())
    for name, fold in document.items():
        assert name in listed
        assert fold["digest"] in listed
        assert sum(part["texts"] for part in fold["parts"]) == 2859


def test_an_audit_counts_labels_and_measures_the_shortcuts(workplace: Workplace, annotated: Annotated) -> None:
    words, _ = annotated.configs
    change = ("--set", f"corpus.sources.0.fold={annotated.fold}")
    printed = workplace.run("corpus", "audit", words, *change).stdout
    for title in ("Labels by source", "Labels by length", "Labels by year", "Near-copies", *SHORTCUTS):
        assert title in printed
    document = json.loads(workplace.run("corpus", "audit", words, *change, "--json").stdout)
    assert document["digest"] in printed
    assert document["near_copies"]["straddling"] == 0
    [channel] = [one for one in document["traits"] if (one["name"], one["value"]) == ("source", "channel")]
    assert channel["parts"] == {"train": 0, "valid": 0, "test": annotated.tested}
    assert list(document["shortcuts"]) == SHORTCUTS
    majority = document["shortcuts"]["majority"]["role/macro_f1"]
    assert 0 < majority["low"] <= majority["value"] <= majority["high"] < 0.5
