"""Which sentences a score rests on."""

from __future__ import annotations

import numpy as np
import pytest

from fimiscope.bundle.evidence import SentenceScores, sentences_by_attention, sentences_by_ngrams
from fimiscope.bundle.ngrams import LexicalModel, Ngrams
from fimiscope.bundle.pooling import TokenScores
from fimiscope.records import Span

TEXT = "The market opened late. Nobody gave a reason. Fish was cheap that day."
SENTENCES = ["The market opened late.", "Nobody gave a reason.", "Fish was cheap that day."]


def words(text: str) -> np.ndarray:
    ends = np.cumsum([len(word) + 1 for word in text.split(" ")])
    return np.array([(end - len(word) - 1, end - 1) for word, end in zip(text.split(" "), ends, strict=True)])


def tokens(strong: str) -> TokenScores:
    """Four is the evidence of every word of the sentence `strong`, minus four that of the rest; one label."""
    offsets = words(TEXT)
    start = TEXT.index(strong)
    inside = (offsets[:, 0] >= start) & (offsets[:, 1] <= start + len(strong))
    evidence = np.where(inside, 4.0, -4.0).astype(np.float32)
    ones = np.ones((len(offsets), 1), np.float32)
    return TokenScores(evidence, ones, ones)


@pytest.mark.parametrize("strong", SENTENCES)
def test_attention_points_at_the_sentence(strong: str) -> None:
    scores = sentences_by_attention(TEXT, tokens(strong), words(TEXT))
    assert [TEXT[span.start : span.end] for span in scores.spans] == SENTENCES
    [best] = scores.best(3)
    assert SENTENCES[best] == strong
    assert scores.evidence[best] == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-6)
    assert scores.labels.sum() == pytest.approx(1, abs=1e-5), "the shares of all sentences make up the pooling"


def test_the_lexical_model_points_at_the_sentence_with_its_words() -> None:
    ngrams = Ngrams((1, 1), (1, 0), 2**12)
    buckets, _ = ngrams.count("cheap")
    weights = np.array([[6.0, -6.0]], np.float32)
    model = LexicalModel(ngrams, buckets, np.ones(1, np.float32), 1.0, weights, np.zeros(2, np.float32))
    scores = sentences_by_ngrams(TEXT, model, flagging=[0], other=1)
    assert [SENTENCES[index] for index in scores.best(1)] == ["Fish was cheap that day."]
    assert scores.evidence[:2].tolist() == [0.5, 0.5]


def test_weak_sentences_are_not_named_beside_a_strong_one() -> None:
    spans = tuple(Span(n, n + 1) for n in range(4))
    scores = SentenceScores(spans, np.array([0.1, 0.9, 0.5, 0.2]), np.zeros((4, 1)))
    assert scores.best(3) == [1, 2]
    assert scores.best(1) == [1]
    assert scores.best(4, share=0.0) == [1, 2, 3, 0]


def test_no_words_no_sentences() -> None:
    empty = TokenScores(np.zeros(0, np.float32), np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))
    scores = sentences_by_attention("", empty, np.zeros((0, 2), np.int64))
    assert scores.spans == ()
    assert scores.best(3) == []


def test_two_models_agree_on_a_sentence_that_neither_finds_strongest() -> None:
    spans = tuple(Span(n, n + 1) for n in range(3))
    one = SentenceScores(spans, np.array([0.9, 0.7, 0.1]), np.ones((3, 1)))
    other = SentenceScores(spans, np.array([0.1, 0.7, 0.9]), np.zeros((3, 1)))
    both = one.averaged_with(other)
    assert both.best(1) == [1]
    assert both.evidence.tolist() == pytest.approx([0.5, 0.7, 0.5])
    assert both.labels.tolist() == one.labels.tolist()
