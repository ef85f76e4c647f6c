"""A predictor with a gate: what it clears is not scored, and all else is scored as without one."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fimiscope.bundle import Bundle, files
from fimiscope.bundle.decisions import PROFILES
from fimiscope.bundle.gate import BITS, Gate, Kept
from fimiscope.corpus import Corpus
from fimiscope.evaluation.evaluate import score
from fimiscope.predict import Predictor
from fimiscope.predict.explaining import explain
from fimiscope.progress import silent
from fimiscope.records import Article

WEIGHTS = np.random.default_rng(0).normal(size=2**BITS).astype(np.float32)


@pytest.fixture(scope="module")
def articles(tiny_corpus: Corpus) -> list[Article]:
    return [*(example.article for example in tiny_corpus.examples), Article("broken", "12")]


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path, articles: list[Article]) -> Bundle:
    """The tiny bundle with a gate that clears about half of the articles."""
    plain = Bundle.load(tiny_bundle)
    assert plain.encoder is not None
    encoder = plain.encoder

    def gate(threshold: float) -> Gate:
        thresholds = dict.fromkeys(PROFILES, threshold)
        return Gate(WEIGHTS, np.ones_like(WEIGHTS), 0.0, thresholds, dict.fromkeys(PROFILES, Kept(0, 0, 0, 1.0)))

    scores = [gate(0).score(encoder.cut([article.text])[0], encoder.layout) for article in articles]
    return replace(plain, gate=gate(float(np.median(scores))))


def test_what_passes_scores_as_without_a_gate(bundle: Bundle, articles: list[Article]) -> None:
    gated = list(Predictor(bundle).predict(articles))
    plain = list(Predictor(bundle, gate=False).predict(articles))
    assert 5 < sum(verdict.gate for verdict in gated) < len(articles) - 5
    assert not any(verdict.gate for verdict in plain)
    for one, other in zip(gated, plain, strict=True):
        assert (one.id, one.language) == (other.id, other.language)
        if not one.gate:
            assert one.status == other.status
            if other.flag_probability is not None:
                assert one.flag_probability == pytest.approx(other.flag_probability, abs=2e-6)
    assert gated[-1].status == "failed"


def test_a_cleared_article_says_so_and_has_no_scores(bundle: Bundle, articles: list[Article]) -> None:
    cleared = [verdict for verdict in Predictor(bundle).predict(articles) if verdict.gate]
    for verdict in cleared:
        assert (verdict.status, verdict.flag, verdict.reason) == ("scored", False, None)
        assert verdict.flag_probability is verdict.role is verdict.role_label is verdict.evidence is None
        assert verdict.model == bundle.identity


def test_the_gate_says_the_same_of_an_article_alone(bundle: Bundle, articles: list[Article]) -> None:
    predictor = Predictor(bundle)
    together = [verdict.gate for verdict in predictor.predict(articles)]
    assert together == [next(iter(predictor.predict([article]))).gate for article in articles]


def test_one_model_of_a_blend_is_never_gated(bundle: Bundle, articles: list[Article]) -> None:
    for apart in Predictor(bundle).apart():
        assert not any(verdict.gate for verdict in apart.predict(articles))


def test_evaluation_and_explanation_score_everything(bundle: Bundle, articles: list[Article]) -> None:
    everything = replace(bundle.gate, thresholds=dict.fromkeys(PROFILES, math.inf)) if bundle.gate else None
    predictor = Predictor(replace(bundle, gate=everything))
    assert all(verdict.gate for verdict in predictor.predict(articles[:3]))
    verdicts = score(predictor, articles[:3], stage="test", progress=silent)
    assert all(verdict.flag_probability is not None for verdict in verdicts)
    assert explain(predictor, articles[0]).verdict.flag_probability is not None


def test_a_bundle_without_a_gate_has_none(tiny_bundle: Path) -> None:
    assert files.GATE not in files.verify(tiny_bundle).files
    assert Bundle.load(tiny_bundle).gate is None
