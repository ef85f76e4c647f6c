"""Several seeds under one run, `fimiscope runs` and `fimiscope compare`, on a store of word models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.bundle import Bundle
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import ConfigError, TrackingError
from fimiscope.evaluation.intervals import differences
from fimiscope.evaluation.predictions import from_rows
from fimiscope.pipeline import load_corpus, train
from fimiscope.seeds import train_seeds
from fimiscope.tracking.comparing import compare_runs
from fimiscope.tracking.datasets import held_out_digest
from fimiscope.tracking.listing import list_runs
from fimiscope.tracking.parent_run import parent_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from conftest import Workplace

# What mlflow says about its own ways is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


@dataclass(frozen=True, slots=True)
class Store:
    """A folder with a store of three runs, and of two below a parent, each of a word model that trains in seconds."""

    workplace: Workplace
    client: MlflowClient
    many: str
    few: str
    elsewhere: str
    seeds: str
    interrupted: list[Run]
    output: str

    def run(self, run_id: str) -> Run:
        return self.client.get_run(run_id)

    def rows(self, run_id: str) -> list[dict[str, Any]]:
        table = json.loads(Path(self.client.download_artifacts(run_id, "predictions.json")).read_text(encoding="utf-8"))
        return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def word_model(tiny_config: Config, name: str, **changes: Any) -> Config:
    document = tiny_config.model_dump(mode="json") | {"name": name, "encoder": None} | changes
    return Config.model_validate(document)


@pytest.fixture(scope="module")
def store(
    workplace: Workplace, tiny_config: Config, codebook: Codebook, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    workplace = replace(workplace, folder=tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace.folder)
        patch.setenv("MLFLOW_TRACKING_URI", workplace.store)
        patch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
        few = {"words": [1, 1], "characters": [3, 3], "buckets": 1024}
        sources = tiny_config.model_dump(mode="json")["corpus"]["sources"]
        other = {"sources": [sources[0] | {"hold_out": {"valid": 0.25, "test": 0.4}}]}
        configs = [
            word_model(tiny_config, "many-words"),
            word_model(tiny_config, "few-words", lexical=few, tracking={"texts": False}),
            word_model(tiny_config, "elsewhere", corpus=other),
        ]
        ids = [train(config).run_id for config in configs]
        config = word_model(tiny_config, "words")
        interrupted = interrupted_seeds(config, load_corpus(config, codebook), workplace)
        (workplace.folder / "words.yaml").write_text(config.to_yaml(), encoding="utf-8")
        again = workplace.run("train", "words.yaml", "--seed", "13", "--seed", "14")
        assert again.stderr == ""
        found = re.search(r"MLflow run  (\w{32})", again.stdout)
        assert found is not None
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=workplace.store)
        yield Store(workplace, client, *ids, found[1], interrupted, again.stdout)


def interrupted_seeds(config: Config, corpus: Corpus, workplace: Workplace) -> list[Run]:
    """The parents after Ctrl-C at the second of the seeds 13 and 14."""
    from mlflow import MlflowClient

    def stop(seed: int) -> None:
        if seed == 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_seeds(config, (13, 14), corpus=corpus, on_seed=stop)
    client = MlflowClient(tracking_uri=workplace.store)
    experiment = client.get_experiment_by_name("fimiscope")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], "tags.children = 'seeds'"))


def test_an_interrupted_parent_is_killed_and_gone_on_with(store: Store) -> None:
    [killed] = store.interrupted
    assert killed.info.status == "KILLED"
    assert store.seeds == killed.info.run_id
    assert store.run(store.seeds).info.status == "FINISHED"
    assert "seed 13 is there already, and was measured as it is" in store.output
    assert "seed 14 is there already" not in store.output


def test_seeds_stand_below_one_run_with_their_mean_and_spread(store: Store) -> None:
    parent = store.run(store.seeds)
    query = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    children = store.client.search_runs([parent.info.experiment_id], query, order_by=["tags.seed ASC"])
    assert [child.data.tags["seed"] for child in children] == ["13", "14"]
    assert [child.info.run_name for child in children] == ["words-seed-13", "words-seed-14"]
    assert {held_out_digest(child) for child in children} == {held_out_digest(parent)}
    for name in ("test/flag/pr_auc", "test/role/macro_f1_all", "test/language/fr/flag/f1"):
        values = [child.data.metrics[name] for child in children]
        assert parent.data.metrics[name] == pytest.approx(fmean(values))
        assert parent.data.metrics[f"std/{name}"] == pytest.approx(stdev(values))
    assert parent.data.metrics["children"] == 2
    assert parent.data.params.keys() == children[0].data.params.keys() - {"seed", "most_articles", "most_characters"}
    note = parent.data.tags["mlflow.note.content"]
    assert "2 seeds; trained before, and measured as they are: 13" in note
    assert f"flag PR-AUC {parent.data.metrics['test/flag/pr_auc']:.2f} ±" in note
    table = json.loads(Path(store.client.download_artifacts(parent.info.run_id, "tables/children.json")).read_text())
    assert [row[0] for row in table["data"]] == ["13", "14"]
    for child in children:
        folder = Path("models") / child.info.run_name
        manifest = Bundle.load(store.workplace.folder / folder).manifest
        assert (manifest.name, manifest.version) == (child.info.run_name, child.data.tags["bundle.version"])
        assert str(folder) in store.output
    assert f"{parent.data.metrics['test/flag/pr_auc']:.2f} ± " in store.output


def test_the_same_command_again_returns_to_the_same_parent(store: Store) -> None:
    again = store.workplace.run("train", "words.yaml", "--seed", "13", "--seed", "14").stdout
    assert f"MLflow run  {store.seeds}" in again
    assert store.run(store.seeds).info.status == "FINISHED"
    table = json.loads(Path(store.client.download_artifacts(store.seeds, "tables/children.json")).read_text())
    assert [row[0] for row in table["data"]] == ["13", "14"]


def test_other_labels_and_another_user_get_a_parent_of_their_own(
    store: Store, tiny_config: Config, codebook: Codebook
) -> None:
    config = word_model(tiny_config, "shared", tracking={"experiment": "shared"})
    corpus = load_corpus(config, codebook)

    def opened(corpus: Corpus) -> str:
        with parent_run(config, "seeds", ["1"], corpus=corpus) as parent:
            return parent.run_id

    first = opened(corpus)
    assert opened(corpus) == first
    corrected = opened(replace(corpus, digest="other labels"))
    assert corrected != first
    store.client.set_tag(first, "mlflow.user", "somebody else")
    assert opened(corpus) not in (first, corrected)


def test_an_experiment_that_was_deleted_is_said_in_one_line(store: Store, tiny_config: Config) -> None:
    config = word_model(tiny_config, "words", tracking={"experiment": "deleted"})
    store.client.delete_experiment(store.client.create_experiment("deleted"))
    with pytest.raises(TrackingError, match="the run above the seeds cannot be logged") as raised:
        parent_run(config, "seeds", ["1"]).__enter__()
    assert "\n" not in str(raised.value)


def test_the_machine_is_not_watched_where_mlflow_is_told_so(store: Store) -> None:
    assert not [name for name in store.run(store.many).data.metrics if name.startswith("system/")]


def test_seeds_that_cannot_be_trained_together_are_refused(store: Store) -> None:
    seeds = ("--seed", "1", "--seed")
    assert "--register adds one model" in store.workplace.refusal("train", "words.yaml", *seeds, "2", "--register")
    done = store.workplace.run("train", "words.yaml", *seeds, "1", code=2)
    assert done.stderr == "fimiscope: a seed is given twice: its bundles would lie in one folder\n"


def test_runs_are_listed_best_first_and_parents_and_children_told_apart(store: Store) -> None:
    listed = [json.loads(line) for line in store.workplace.run("runs", "--json").stdout.splitlines()]
    figures = [run["figures"]["test/flag/pr_auc"] for run in listed]
    assert figures == sorted(figures, reverse=True)
    assert len(listed) == 6
    assert {run["run_id"] for run in listed if run["mean_of"] == "seeds"} == {store.seeds}
    assert [run["parent"] for run in listed].count(store.seeds) == 2
    printed = store.workplace.run("runs", "--by", "flag/brier", "--limit", "3").stdout
    rows = re.findall(r"^│ (\w{8}) +│", printed, re.MULTILINE)
    ranked = sorted(listed, key=lambda run: run["figures"]["test/flag/brier"])
    values = {run["run_id"][:8]: run["figures"]["test/flag/brier"] for run in ranked}
    assert [values[row] for row in rows] == list(values.values())[:3]


def test_what_cannot_be_listed_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--by weather: no run of fimiscope has this metric \(for example test/"):
        list_runs("fimiscope", by="weather")
    with pytest.raises(TrackingError, match="there is no experiment weather in "):
        list_runs("weather")
    with pytest.raises(TrackingError, match="the runs of fimiscope cannot be listed"):
        list_runs("fimiscope", by="a`b")
    assert "--limit" in store.workplace.run("runs", "--limit", "100000", code=2).stderr
    elsewhere = replace(store.workplace, folder=tmp_path)
    assert "there is no mlflow.db in" in elsewhere.refusal("runs", variables={"MLFLOW_TRACKING_URI": ""})
    assert not list(tmp_path.iterdir())


def test_a_comparison_gives_the_paired_difference_and_what_flipped(store: Store, codebook: Codebook) -> None:
    done = store.workplace.run("compare", store.many, store.few, "--json")
    document = json.loads(done.stdout)
    rows = [sorted(store.rows(run), key=lambda row: (row["source"], row["id"])) for run in (store.many, store.few)]
    expected = differences(*(from_rows(one, codebook) for one in rows))
    assert document["differences"].keys() == expected.keys()
    found = document["differences"]["flag/pr_auc"]
    interval = expected["flag/pr_auc"].interval
    assert (found["difference"], found["low"], found["high"]) == (interval.value, interval.low, interval.high)
    measured = [store.run(run).data.metrics["test/flag/pr_auc"] for run in (store.many, store.few)]
    assert [found["first"], found["second"]] == pytest.approx(measured)
    assert document["test_digest"] == held_out_digest(store.run(store.few))

    flags = {a["id"] for a, b in zip(*rows, strict=True) if (a["flag"] == "true") != (b["flag"] == "true")}
    roles = {a["id"]: a["gold_role"] for a, b in zip(*rows, strict=True) if a["role_label"] != b["role_label"]}
    assert roles
    assert {one["id"] for one in document["flipped"] if one["what"] == "flag"} == flags
    by_id = [{row["id"]: row["role_label"] for row in one} for one in rows]
    for one in document["flipped"]:
        if one["what"] == "role":
            assert one["gold"] == roles[one["id"]]
            said = [labels[one["id"]] for labels in by_id]
            assert [one["first"], one["second"]] == said
            places = {"first": [said[0] == one["gold"]], "second": [said[1] == one["gold"]]}
            assert places.get(one["right"], [one["gold"] not in said]) == [True]
    assert len(document["flipped"]) == len(flags) + len(roles)
    assert sum(document["flips"]["role"].values()) == len(roles)
    pieces = [piece for one in document["flipped"] for piece in one["evidence"]["first"]]
    assert pieces and all(piece["text"] for piece in pieces)
    assert not any("text" in piece for one in document["flipped"] for piece in one["evidence"]["second"])


def test_a_comparison_ends_in_a_sentence(store: Store) -> None:
    printed = store.workplace.run("compare", "many-words", store.few[:12]).stdout
    places = [
        printed.index(words) for words in ("first − second", "What flipped (flag: ", "Flags are for human review")
    ]
    assert places == sorted(places)
    assert re.search(r"the difference is real|cannot be told apart", printed)
    same = compare_runs(store.few, "few-words")
    assert same.flipped == ()
    assert "cannot be told apart in flag PR-AUC" in same.sentence


def test_what_cannot_be_compared_is_refused(store: Store) -> None:
    refused = store.workplace.refusal("compare", store.many, store.elsewhere)
    assert "were measured on different articles" in refused
    assert all(str(held_out_digest(store.run(run)))[:8] in refused for run in (store.many, store.elsewhere))
    for other, said in (
        (store.seeds, "is the mean of seeds: compare one of them"),
        ("weather", "run weather is not in the store"),
        ("it's", "is not in the store"),
        (r"ab\' x", "is not in the store"),
        ("ab\\", "is not in the store"),
    ):
        with pytest.raises(TrackingError, match=said):
            compare_runs(store.many, other)


def test_a_name_or_beginning_that_several_runs_have_is_refused(store: Store) -> None:
    first = store.run(store.many).info
    named = store.client.create_run(first.experiment_id, run_name="few-words").info.run_id
    assert compare_runs(store.many, "few-words").second.run_id == store.few
    store.client.set_terminated(named)
    with pytest.raises(TrackingError, match="run few-words could be any of 2"):
        compare_runs(store.many, "few-words")
    with pytest.raises(TrackingError, match=r"few-words \w{8} \(finished\) holds no predictions"):
        compare_runs(store.many, named)
