"""Gold labels as arrays: what is not labelled is masked, never negative."""

from __future__ import annotations

import numpy as np
import pytest

from fimiscope.bundle.calibration import head_slices
from fimiscope.bundle.document import Document
from fimiscope.codebook import Codebook
from fimiscope.corpus import Example
from fimiscope.records import Article, Labels, Span
from fimiscope.training.targets import evidence_targets, targets_of

TEXT = "Le pont ouvre. Les marchands attendent."


def example(labels: Labels, weight: float = 1.0) -> Example:
    return Example(Article("1", TEXT), labels, "wire", "train", "1", len(TEXT), weight)


def test_labels_stand_where_the_heads_are(codebook: Codebook) -> None:
    full = Labels("carries", ("china",), ("bio-health", "china-partner"), True, ())
    targets = targets_of([example(full, 0.5)], codebook)
    slices = head_slices(codebook.heads())
    assert targets.known.tolist() == [[1] * 18]
    assert targets.weight.tolist() == [0.5]
    row = targets.values[0]
    for head in codebook.heads():
        present = {label for label, value in zip(head.labels, row[slices[head.name]], strict=True) if value}
        expected = {
            "role": {"carries"},
            "actors": {"china"},
            "narratives": {"bio-health", "china-partner"},
            "africa": {"africa"},
            "flag": {"flag"},
        }
        assert present == expected[head.name]


@pytest.mark.parametrize(
    ("labels", "unknown"),
    [
        (Labels(), {"role", "actors", "narratives", "africa", "flag"}),
        (Labels(role="carries"), {"actors", "narratives", "africa", "flag"}),
        (Labels(role="none"), {"actors", "narratives", "africa"}),
        (Labels(africa=False), {"role", "actors", "narratives"}),
        (Labels(africa=True), {"role", "actors", "narratives", "flag"}),
        (Labels(role="none", actors=(), narratives=(), africa=True), set()),
    ],
)
def test_heads_without_a_label_are_masked(codebook: Codebook, labels: Labels, unknown: set[str]) -> None:
    targets = targets_of([example(labels)], codebook)
    slices = head_slices(codebook.heads())
    for head in codebook.heads():
        assert set(targets.known[0, slices[head.name]].tolist()) == {0.0 if head.name in unknown else 1.0}
    assert not (targets.values * (1 - targets.known)).any()


def offsets(*words: str, text: str = TEXT) -> np.ndarray:
    return np.array([(text.index(word), text.index(word) + len(word)) for word in words])


def test_words_inside_the_evidence_are_evidence(codebook: Codebook) -> None:
    labels = Labels("carries", evidence=(Span(TEXT.index("marchands"), len(TEXT)),))
    document = Document.of(Article("1", TEXT))
    given = evidence_targets(document, offsets("pont", "Les", "marchands", "attendent"), labels, codebook)
    assert given.tolist() == [0, 0, 1, 1]


def test_offsets_of_evidence_are_those_of_the_original(codebook: Codebook) -> None:
    article = Article("1", "<p>\u200b" + TEXT.replace(" ", "\u00a0  ") + "</p>", title="Une nouvelle")
    document = Document.of(article)
    start = article.text.index("marchands")
    labels = Labels("carries", evidence=(Span(start, start + 9),))
    words = offsets("nouvelle", "pont", "marchands", "attendent", text=document.text)
    given = evidence_targets(document, words, labels, codebook)
    np.testing.assert_array_equal(given, [np.nan, 0, 1, 0])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(Labels(), np.nan), (Labels("carries"), np.nan), (Labels("carries", evidence=()), np.nan), (Labels("none"), 0)],
)
def test_without_marked_words_only_a_text_without_a_role_teaches(
    codebook: Codebook, labels: Labels, expected: float
) -> None:
    given = evidence_targets(Document.of(Article("1", TEXT)), offsets("pont"), labels, codebook)
    np.testing.assert_array_equal(given, [expected])
