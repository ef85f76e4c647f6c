"""A bundle gives the same scores wherever it is opened, and in whatever company a text is scored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fimiscope.bundle import Bundle, Scorer
from fimiscope.bundle.calibration import blend, probabilities
from fimiscope.bundle.document import Document
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import BundleError

SCORERS: tuple[Scorer, ...] = ("blend", "encoder", "lexical")
ELSEWHERE = """
import json, sys
from fimiscope.bundle import Bundle
bundle = Bundle.load(sys.argv[1])
texts = json.load(sys.stdin)
scored = {name: bundle.score(texts, [None] * len(texts), name) for name in bundle.scorers}
scores = {name: [one.probabilities.tolist() for one in ones] for name, ones in scored.items()}
json.dump(scores, sys.stdout)
"""


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(tiny_bundle)


@pytest.fixture(scope="module")
def texts(tiny_corpus: Corpus) -> list[str]:
    return [Document.of(example.article).text for example in tiny_corpus.part("test")]


def scores(bundle: Bundle, texts: list[str], scorer: Scorer) -> np.ndarray:
    return np.array([scored.probabilities for scored in bundle.score(texts, ["en"] * len(texts), scorer)])


def test_a_bundle_knows_what_it_was_made_of(
    bundle: Bundle, codebook: Codebook, tiny_config: Config, tiny_corpus: Corpus, tiny_bundle: Path
) -> None:
    assert bundle.codebook == codebook
    assert bundle.heads == codebook.heads()
    assert bundle.scorers == SCORERS
    assert bundle.manifest.corpus_digest == tiny_corpus.digest
    assert bundle.manifest.trained_on == f"invented {len(tiny_corpus.part('train'))}"
    assert bundle.identity["name"] == "tiny"
    assert Config.load(tiny_bundle / "config.yaml") == tiny_config


def test_nothing_in_a_bundle_runs_code(tiny_bundle: Path) -> None:
    assert {path.suffix for path in tiny_bundle.iterdir()} == {".json", ".npy", ".onnx", ".yaml"}


def test_a_fresh_process_gives_the_same_scores(bundle: Bundle, tiny_bundle: Path, texts: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tiny_bundle)],
        input=json.dumps(texts[:4]),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        check=True,
    )
    elsewhere = json.loads(run.stdout)
    for scorer in SCORERS:
        here = [scored.probabilities for scored in bundle.score(texts[:4], [None] * 4, scorer)]
        np.testing.assert_allclose(elsewhere[scorer], here, atol=1e-6)


@pytest.mark.parametrize("scorer", SCORERS)
def test_batch_and_order_change_nothing(bundle: Bundle, texts: list[str], scorer: Scorer) -> None:
    together = scores(bundle, texts, scorer)
    alone = np.concatenate([scores(bundle, [text], scorer) for text in texts])
    backwards = scores(bundle, texts[::-1], scorer)[::-1]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(backwards, together, atol=1e-5)


def test_the_blend_stands_between_its_models(bundle: Bundle, texts: list[str]) -> None:
    parts = [bundle.calibrators[name](bundle.raw_logits(texts, name)[0]) for name in ("encoder", "lexical")]
    expected = probabilities(bundle.calibrators["blend"](blend(parts, bundle.heads)), bundle.heads)
    np.testing.assert_allclose(
        [s.probabilities for s in bundle.score(texts, [None] * len(texts), "blend")], expected, atol=1e-12
    )


def test_no_texts_give_no_scores(bundle: Bundle) -> None:
    assert bundle.score([], [], "blend") == []


def test_a_scorer_that_is_not_there_is_named(bundle: Bundle, texts: list[str]) -> None:
    lexical = replace(bundle, encoder=None)
    assert lexical.scorers == ("lexical",)
    with pytest.raises(BundleError, match="tiny has no encoder"):
        lexical.raw_logits(texts[:1], "encoder")
    with pytest.raises(BundleError, match="tiny has no lexical model"):
        replace(bundle, lexical=None).raw_logits(texts[:1], "lexical")
