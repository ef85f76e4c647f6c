"""The folds that come with the project, by the shipped annotations alone where no test is marked `shared`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import CorpusConfig
from fimiscope.corpus import build
from fimiscope.corpus.annotated import Key, read_annotations
from fimiscope.corpus.folds import LEAKING, Fold, fold_names, read_fold
from fimiscope.errors import CorpusError
from fimiscope.shipped import shipped
from fimiscope.yaml_files import read_yaml

Annotations = dict[Key, dict[str, Any]]


@pytest.fixture(scope="module")
def annotations() -> Annotations:
    return read_annotations()


@pytest.fixture(scope="module")
def folds(annotations: Annotations) -> dict[str, Fold]:
    return {name: read_fold(name, annotations) for name in fold_names()}


def test_there_is_one_file_for_each_definition(folds: dict[str, Fold]) -> None:
    definitions = read_yaml(shipped("folds/definitions.yaml"), "list of folds", CorpusError)
    assert {name: one["holds_out"] for name, one in definitions.items()} == {n: f.holds_out for n, f in folds.items()}


def test_whole_sources_are_tested_on_and_nothing_of_them_is_learned(
    folds: dict[str, Fold], annotations: Annotations
) -> None:
    definitions = read_yaml(shipped("folds/definitions.yaml"), "list of folds", CorpusError)
    whole = {name: set(one["sources"]) for name, one in definitions.items() if one["by"] == "source"}
    assert len(whole) == 5
    for name, sources in whole.items():
        tested = {key for key in annotations if folds[name].part_of(key) == "test"}
        assert tested == {key for key in annotations if key[0] in sources}, name


def test_whole_accounts_are_tested_on(folds: dict[str, Fold], annotations: Annotations) -> None:
    parts: dict[str, set[str]] = {}
    posts = {key: known["outlet"] for key, known in annotations.items() if key[0].startswith("prc_tweets")}
    for key, outlet in posts.items():
        parts.setdefault(outlet, set()).add(folds["prc_accounts"].part_of(key))
    assert {"test"} in parts.values()
    assert all(own == {"test"} for own in parts.values() if "test" in own)
    tested = sum(folds["prc_accounts"].part_of(key) == "test" for key in posts)
    assert 0.3 < tested / len(posts) < 0.37


def test_the_later_texts_of_a_channel_are_tested_on(folds: dict[str, Fold], annotations: Annotations) -> None:
    dates: dict[str, list[str]] = {}
    for key, known in annotations.items():
        if key[0] == "sputnik_fr":
            dates.setdefault(folds["sputnik_fr_later"].part_of(key), []).append(known["published"][:10])
    assert max(dates["train"] + dates["valid"]) < min(dates["test"])


def test_about_15_per_cent_of_the_rest_are_for_calibration(folds: dict[str, Fold], annotations: Annotations) -> None:
    for name, fold in folds.items():
        sizes = Counter(fold.part_of(key) for key in annotations)
        assert 0.14 < sizes["valid"] / (sizes["valid"] + sizes["train"]) < 0.16, name


@pytest.mark.shared
def test_near_copies_straddle_in_the_leaking_fold_alone(folds: dict[str, Fold], real_texts: Path) -> None:
    whole = {"kind": "annotated", "texts": str(real_texts), "hold_out": {"valid": 0, "test": 0}}
    corpus = build(CorpusConfig.model_validate({"sources": [whole]}), Codebook.load(), seed=13)
    for name, fold in folds.items():
        parts: dict[str, set[str]] = {}
        for example in corpus.examples:
            parts.setdefault(example.group, set()).add(fold.part_of((example.source, example.article.id)))
        straddling = [own for own in parts.values() if len(own - {"left out"}) > 1]
        assert bool(straddling) == (name == LEAKING), name
