"""Batches: windows of some articles, padded, with what counts in them; cached states say the same as token ids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fimiscope.bundle.windows import WindowLayout
from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus
from fimiscope.progress import silent
from fimiscope.training.batches import Collator, Prepared, prepare, training_table
from fimiscope.training.encoders import resolve
from fimiscope.training.loss import LossWeights
from fimiscope.training.model import ArticleClassifier, LowerLayers, UpperLayers, WholeEncoder
from fimiscope.training.states import cached_states

LAYOUT = WindowLayout(size=48, overlap=8, most=64, before=(1,), after=(2,), pad=0)


@pytest.fixture(scope="module")
def prepared(tiny_corpus: Corpus, codebook: Codebook) -> Prepared:
    return prepare(tiny_corpus.part("test"), resolve("tiny").tokenizer(), LAYOUT, codebook)


def test_articles_become_windows_with_their_labels(prepared: Prepared, tiny_corpus: Corpus) -> None:
    test = tiny_corpus.part("test")
    assert len(prepared.articles) == len(prepared.evidence) == len(test) == len(prepared.targets.weight)
    for article, evidence, example in zip(prepared.articles, prepared.evidence, test, strict=True):
        assert len(article.windows) > 1
        assert len(evidence) == len(article.offsets)
        assert (np.nansum(evidence) > 0) == (example.labels.role != "none")


def test_no_more_is_learned_from_than_the_labels_cover(tiny_corpus: Corpus, codebook: Codebook) -> None:
    example = tiny_corpus.part("test")[0]
    tokenizer = resolve("tiny").tokenizer()
    half = len(example.article.text) // 2
    [whole] = prepare([example], tokenizer, LAYOUT, codebook).articles
    [part] = prepare([replace(example, labelled_to=half)], tokenizer, LAYOUT, codebook).articles
    assert 0 < len(part.offsets) < 0.7 * len(whole.offsets)


def test_the_table_knows_articles_and_lengths(prepared: Prepared) -> None:
    table = training_table(prepared, [2, 0])
    assert table["row"][:] == [2, 0]
    assert table["length"][0] == sum(len(window.ids) for window in prepared.articles[2].windows)


def test_a_batch_owns_every_token_once(prepared: Prepared) -> None:
    rows = [3, 0, 5]
    batch = Collator(prepared, pad=0)([{"row": row} for row in rows])
    assert batch["row"].tolist() == rows
    owned = batch["owned"].sum(dim=1)
    for place, row in enumerate(rows):
        assert int(owned[batch["article"] == place].sum()) == len(prepared.articles[row].offsets)
        mine = batch["owned"] & (batch["article"] == place)[:, None]
        np.testing.assert_array_equal(batch["evidence"][mine].numpy(), prepared.evidence[row])
    assert not (batch["owned"] & (batch["mask"] == 0)).any()
    assert torch.isnan(batch["evidence"][~batch["owned"]]).all()


def test_cached_states_lead_to_the_same_logits(prepared: Prepared, codebook: Codebook) -> None:
    model = resolve("tiny").model()
    lower = LowerLayers(model, 1)
    states = cached_states(lower, 1, "weights", prepared.window_ids(), 32, 0, progress=silent)
    network = ArticleClassifier(WholeEncoder(model), 32, codebook.heads(), LossWeights(torch.ones(18), 0.5)).eval()
    items = [{"row": row} for row in (4, 1, 0)]
    with torch.inference_mode():
        plain = network(**Collator(prepared, pad=0)(items))
        network.encoder = UpperLayers(model, 1)
        cached = network(**Collator(prepared, 0, states)(items))
    torch.testing.assert_close(cached["logits"], plain["logits"], atol=2e-3, rtol=0)
    torch.testing.assert_close(cached["loss"], plain["loss"], atol=2e-3, rtol=0)
