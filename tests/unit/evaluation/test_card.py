"""The model card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fimiscope.bundle.files import GRAPH, LEXICAL, Manifest
from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.evaluation.card import MUST_NOT, model_card
from fimiscope.evaluation.evaluate import Evaluation, results_table
from fimiscope.records import Verdict

HAND_WRITTEN = Path(__file__).parents[3] / "docs" / "africa-small.md"


@pytest.fixture(scope="module")
def card_of(many: list[tuple[Example, Verdict]], codebook: Codebook) -> Callable[..., str]:
    examples, verdicts = zip(*many, strict=True)
    evaluation = Evaluation.of("invented model", examples, verdicts, codebook)
    corpus = Corpus(tuple(examples), (), "0" * 32, codebook)

    def make(encoder: str | None, *files: str) -> str:
        listed = {name: {"bytes": 1, "sha256": ""} for name in files}
        facts = ("2026-01-01T00:00:00Z", codebook.version, "", "0" * 32)
        manifest = Manifest(1, "invented model", "abc", *facts, encoder, listed)
        return model_card(manifest, corpus, evaluation, results_table([evaluation]))

    return make


@pytest.fixture(scope="module")
def card(card_of: Callable[..., str]) -> str:
    return card_of(None, LEXICAL)


def test_the_card_names_all_that_reads_a_text(card: str, card_of: Callable[..., str]) -> None:
    words = "a word model (TF-IDF over hashed n-grams)"
    assert f"A text classifier ({words}; trained " in card
    assert "A text classifier (encoder tiny; trained " in card_of("tiny", GRAPH)
    assert f"A text classifier (encoder tiny blended with {words}; trained " in card_of("tiny", GRAPH, LEXICAL)


def test_the_card_counts_texts_and_figures_by_language(card: str) -> None:
    assert card.startswith("# Model card: invented model\n")
    assert "| wire | fr | 0 | 0 | 43 |" in card
    assert "| fr | 53 | " in card
    assert "Figures on the held-out part (81 texts)" in card
    assert "codebook 1.0" in card


def test_the_card_names_failures(card: str) -> None:
    failures = card.partition("**Known failures.**")[2].partition("**What it learned from and")[0]
    assert "Narratives that it finds least often" in failures
    assert "On the contrast suite it was not measured" in failures
    assert "what should be flagged is found" in failures


def test_every_card_says_in_the_same_words_what_a_model_must_not_be_used_for(card: str) -> None:
    assert MUST_NOT in card
    assert MUST_NOT in " ".join(HAND_WRITTEN.read_text(encoding="utf-8").split())
