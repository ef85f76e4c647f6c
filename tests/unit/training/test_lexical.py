"""The word model: fitted by scikit-learn, scored in numpy, with the same features on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fimiscope.bundle.calibration import head_slices, probabilities
from fimiscope.codebook import Codebook
from fimiscope.config import LexicalConfig
from fimiscope.corpus import Corpus
from fimiscope.progress import silent
from fimiscope.training.lexical import fit_lexical
from fimiscope.training.targets import Targets, targets_of

CONFIG = LexicalConfig(words=(1, 1), characters=(3, 3), buckets=2**11, strength=4.0)


@pytest.fixture(scope="module")
def texts(tiny_corpus: Corpus) -> list[str]:
    return [example.article.text for example in tiny_corpus.part("train")]


@pytest.fixture(scope="module")
def targets(tiny_corpus: Corpus, codebook: Codebook) -> Targets:
    return targets_of(tiny_corpus.part("train"), codebook)


def test_it_learns_what_it_is_shown(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    told: list[tuple[str, int, int]] = []
    model = fit_lexical(texts, targets, codebook.heads(), CONFIG, progress=lambda *fact: told.append(fact))
    slices = head_slices(codebook.heads())
    scores = probabilities(np.array([model.logits(text) for text in texts]), codebook.heads())
    role = slices["role"]
    assert (scores[:, role].argmax(axis=1) == targets.values[:, role].argmax(axis=1)).mean() > 0.9
    assert told[0] == ("n-grams", 1, len(texts))


def test_numpy_scores_are_those_of_scikit_learn(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    model = fit_lexical(texts, targets, codebook.heads(), CONFIG, progress=silent)
    flag = head_slices(codebook.heads())["flag"].start
    table = np.zeros((len(texts), len(model.buckets)), dtype=np.float32)
    for row, text in enumerate(texts):
        columns, values = model.features(text)
        table[row, columns] = values
    known = targets.known[:, flag] > 0
    regression = LogisticRegression(C=CONFIG.strength, class_weight="balanced", max_iter=1000)
    regression.fit(table[known], targets.values[known, flag] > 0, sample_weight=targets.weight[known])
    expected = regression.decision_function(table)
    np.testing.assert_allclose([model.logits(text)[flag] for text in texts], expected, atol=0.02)


def test_a_label_that_never_occurs_is_never_given(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    label = head_slices(codebook.heads())["narratives"].start
    values = targets.values.copy()
    values[:, label] = 0
    model = fit_lexical(
        texts, Targets(values, targets.known, targets.weight), codebook.heads(), CONFIG, progress=silent
    )
    assert max(model.logits(text)[label] for text in texts) < -5


def test_a_role_that_never_occurs_is_never_given(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    rows = targets.values[:, codebook.role_codes.index("rebuts")] == 0
    part = Targets(targets.values[rows], targets.known[rows], targets.weight[rows])
    kept = [text for text, keep in zip(texts, rows, strict=True) if keep]
    model = fit_lexical(kept, part, codebook.heads(), CONFIG, progress=silent)
    roles = probabilities(np.array([model.logits(text) for text in texts]), codebook.heads())[:, :4]
    assert roles[:, codebook.role_codes.index("rebuts")].max() < 0.01


def test_two_roles_are_told_apart(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    role = head_slices(codebook.heads())["role"]
    names = [codebook.role_codes[index] for index in targets.values[:, role].argmax(axis=1)]
    rows = np.array([name in ("carries", "none") for name in names])
    kept = [text for text, keep in zip(texts, rows, strict=True) if keep]
    part = Targets(targets.values[rows], targets.known[rows], targets.weight[rows])
    model = fit_lexical(kept, part, codebook.heads(), CONFIG, progress=silent)
    scores = np.array([model.logits(text)[role] for text in kept])
    assert (scores.argmax(axis=1) == part.values[:, role].argmax(axis=1)).mean() > 0.95


def test_masked_labels_teach_nothing(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    """Turning the values of masked articles round changes no weight."""
    part = head_slices(codebook.heads())["narratives"]
    known = targets.known.copy()
    known[::2, part] = 0
    turned = targets.values.copy()
    turned[::2, part] = 1 - turned[::2, part]
    one, other = (
        fit_lexical(texts, Targets(values, known, targets.weight), codebook.heads(), CONFIG, progress=silent)
        for values in (targets.values, turned)
    )
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(one.bias, other.bias)


def test_an_unlabelled_head_stays_silent(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    part = head_slices(codebook.heads())["actors"]
    known = targets.known.copy()
    known[:, part] = 0
    model = fit_lexical(
        texts, Targets(targets.values, known, targets.weight), codebook.heads(), CONFIG, progress=silent
    )
    assert (np.array([model.logits(text)[part] for text in texts]) < -5).all()


def test_two_fits_are_equal(texts: list[str], targets: Targets, codebook: Codebook) -> None:
    one, other = (fit_lexical(texts, targets, codebook.heads(), CONFIG, progress=silent) for _ in range(2))
    np.testing.assert_array_equal(one.weights, other.weights)
