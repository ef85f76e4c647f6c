from __future__ import annotations

from typing import Any

from fimiscope.config import Config
from fimiscope.tracking.parameters import parameters


def config(**changes: Any) -> Config:
    sources = [{"kind": "embedded"}, {"kind": "labelled", "path": "texts/mine.jsonl"}]
    return Config.model_validate({"name": "a", "corpus": {"sources": sources}, "encoder": "tiny"} | changes)


def test_what_decides_the_model_comes_first_also_where_it_is_as_usual() -> None:
    given = parameters(config())
    assert list(given)[:5] == ["encoder", "encoder_layers", "lexical", "seed", "corpus.sources"]
    assert given["corpus.sources"] == "embedded + mine.jsonl"
    assert (given["encoder_layers"], given["lexical"]) == ("all", "no")
    assert given["training.learning_rate"] == "5e-05"
    assert not [key for key in given if key.startswith(("tracking", "evaluation", "name", "corpus.sources."))]


def test_other_settings_are_shown_where_they_are_unlike_the_usual() -> None:
    usual = parameters(config())
    changed = parameters(config(decision={"high_recall": 0.8}, tracking={"experiment": "mine"}, seed=14))
    assert changed == usual | {"decision.high_recall": "0.8", "seed": "14"}
    assert list(changed)[-1] == "decision.high_recall"


def test_settings_of_a_model_that_is_not_there_are_left_out() -> None:
    words = parameters(config(encoder=None, lexical={"buckets": 4096}))
    assert (words["encoder"], words["lexical"], words["lexical.buckets"]) == ("none", "yes", "4096")
    assert not [key for key in words if key.startswith(("training.", "windows.", "encoder_layers"))]
    both = parameters(config(lexical={}))
    assert parameters(config()).keys() < both.keys()
    assert "lexical.strength" in both


def test_a_fold_is_told_with_its_source() -> None:
    folds = config(corpus={"sources": [{"kind": "annotated", "fold": "blog"}]})
    assert parameters(folds)["corpus.sources"] == "annotated (fold blog)"
