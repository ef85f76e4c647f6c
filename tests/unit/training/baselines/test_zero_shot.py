"""Zero-shot: similarity to the codebook's definitions, with no training label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fimiscope.bundle.calibration import head_slices
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus, Example
from fimiscope.progress import silent
from fimiscope.records import Article, Labels
from fimiscope.training.baselines.zero_shot import definition_texts, zero_shot


def quoted(texts: list[str]) -> list[Example]:
    return [
        Example(Article(str(n), text), Labels(), "quotes", "test", str(n), len(text), 1.0)
        for n, text in enumerate(texts)
    ]


def test_a_text_that_is_a_definition_is_nearest_to_it(
    tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook
) -> None:
    train, valid = tiny_corpus.part("train"), tiny_corpus.part("valid")
    quotes = quoted(definition_texts(codebook))
    _, logits = zero_shot(tiny_config, codebook, train, valid, quotes, progress=silent)
    labels = [label for head in codebook.heads() for label in head.labels]
    assert logits.shape == (len(labels) - 1, len(labels))
    assert logits[:, :-1].argmax(axis=1).tolist() == list(range(len(labels) - 1))


def test_training_labels_change_nothing(tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook) -> None:
    train, valid, test = (tiny_corpus.part(part) for part in ("train", "valid", "test"))
    once = zero_shot(tiny_config, codebook, train, valid, test, progress=silent)
    unlabelled = [replace(example, labels=Labels()) for example in train]
    again = zero_shot(tiny_config, codebook, unlabelled, valid, test, progress=silent)
    assert [len(logits) for logits in once] == [len(valid), len(test)]
    for logits, same in zip(once, again, strict=True):
        np.testing.assert_array_equal(logits, same)


def test_the_last_layer_is_read_whatever_the_config_uses(
    tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook
) -> None:
    train, valid, test = (tiny_corpus.part(part) for part in ("train", "valid", "test"))
    shortened = tiny_config.model_copy(update={"encoder_layers": 1})
    whole = zero_shot(tiny_config, codebook, train, valid, test, progress=silent)
    for logits, same in zip(whole, zero_shot(shortened, codebook, train, valid, test, progress=silent), strict=True):
        np.testing.assert_array_equal(logits, same)


def test_the_flag_takes_a_flagging_role_and_africa(
    tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook
) -> None:
    roles = dict(zip(codebook.role_codes, definition_texts(codebook), strict=False))
    africa = codebook.africa.definition
    quotes = quoted([f"{roles['carries']} {africa}", roles["carries"], f"{roles['none']} {africa}"])
    train, valid = tiny_corpus.part("train"), tiny_corpus.part("valid")
    _, logits = zero_shot(tiny_config, codebook, train, valid, quotes, progress=silent)
    both, no_africa, no_role = logits[:, head_slices(codebook.heads())["flag"].start]
    assert both > no_africa
    assert both > no_role
