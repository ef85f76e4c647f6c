"""Hashed n-grams: the same features in every process, whatever the hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fimiscope.bundle.ngrams import LexicalModel, Ngrams

NGRAMS = Ngrams((1, 2), (3, 4), 2**12)
TEXT = "L'école rouvre à Ségou ; les élèves, dit-on, attendent. السوق مفتوح 🧺"
COUNT = """
import json, sys
from fimiscope.bundle.ngrams import Ngrams
buckets, values = Ngrams((1, 2), (3, 4), 2**12).count(sys.stdin.read())
json.dump([buckets.tolist(), values.tolist()], sys.stdout)
"""


def model(text: str) -> LexicalModel:
    """A model that has seen one text, and whose one label sums the features."""
    buckets, _ = NGRAMS.count(text)
    seen = len(buckets)
    return LexicalModel(
        NGRAMS, buckets, np.ones(seen, np.float32), 1.0, np.ones((seen, 1), np.float32), np.zeros(1, np.float32)
    )


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_every_process_counts_alike(seed: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", COUNT],
        input=TEXT,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
        check=True,
    )
    buckets, values = NGRAMS.count(TEXT)
    assert json.loads(run.stdout) == [buckets.tolist(), values.tolist()]


def test_counts_are_sorted_distinct_and_logarithmic() -> None:
    buckets, values = Ngrams((1, 1), (1, 0), 2**20).count("pont pont pont marché")
    assert (np.diff(buckets) > 0).all()
    assert sorted(values.tolist()) == pytest.approx([1, 1 + np.log(3)])


def test_case_and_compatibility_forms_do_not_matter() -> None:
    for one, other in (("ÉCOLE du Fleuve", "école du fleuve"), ("ﬁn ２０２４", "fin 2024")):
        np.testing.assert_array_equal(NGRAMS.count(one)[0], NGRAMS.count(other)[0])


def test_features_have_unit_norm_and_unseen_words_shrink_them() -> None:
    known = model("le pont ouvre")
    rows, values = known.features("le pont ouvre")
    assert rows.tolist() == list(range(len(known.buckets)))
    assert float(np.linalg.norm(values)) == pytest.approx(1)
    assert float(np.linalg.norm(known.features("le pont ouvre dimanche matin")[1])) < 1


@pytest.mark.parametrize("text", ["", " \n", "🧺 — !"])
def test_a_text_without_words_gets_the_bias(text: str) -> None:
    assert model("le pont").logits(text).tolist() == [0]
