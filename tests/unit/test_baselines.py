"""Baselines on a whole corpus: verdicts of its test part, calibrated and decided as our models are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fimiscope.baselines import baseline_verdicts
from fimiscope.codebook import Codebook
from fimiscope.config import Config
from fimiscope.corpus import Corpus
from fimiscope.errors import ConfigError, CorpusError


@pytest.mark.parametrize("name", ["zero-shot", "setfit", "single-head"])
def test_every_test_article_gets_a_verdict(
    name: str, tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook, torch_on_one_core: None
) -> None:
    verdicts = baseline_verdicts(name, tiny_config, tiny_corpus, codebook)
    assert [verdict.id for verdict in verdicts] == [example.article.id for example in tiny_corpus.part("test")]
    judged = [verdict for verdict in verdicts if verdict.status != "failed"]
    assert judged
    for verdict in judged:
        assert verdict.role is not None
        assert sum(verdict.role.values()) == pytest.approx(1, abs=1e-4)
        assert verdict.role_label in codebook.role_codes
        assert 0 <= (verdict.flag_probability or 0) <= 1
        assert (verdict.flag is None) == (verdict.status == "abstained")
        assert (verdict.narratives is None) == (verdict.actors is None) == (name == "single-head")
        assert verdict.evidence is None
        assert verdict.model["name"] == name
        assert verdict.model["codebook"] == codebook.version


def test_an_article_that_is_no_text_fails(
    tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook, torch_on_one_core: None
) -> None:
    first = tiny_corpus.part("test")[0]
    short = replace(first, article=replace(first.article, text="Le pont.", title=None), labelled_to=8)
    examples = tuple(short if example is first else example for example in tiny_corpus.examples)
    verdicts = baseline_verdicts("zero-shot", tiny_config, replace(tiny_corpus, examples=examples), codebook)
    assert (verdicts[0].status, verdicts[0].role) == ("failed", None)
    assert "too short" in (verdicts[0].reason or "")
    assert {verdict.status for verdict in verdicts[1:]} <= {"scored", "abstained"}


def test_a_config_without_an_encoder_is_refused(tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook) -> None:
    words = tiny_config.model_copy(update={"encoder": None})
    with pytest.raises(ConfigError, match="encoder: the baseline setfit reads with one"):
        baseline_verdicts("setfit", words, tiny_corpus, codebook)


def test_a_corpus_without_a_test_part_is_refused(tiny_config: Config, tiny_corpus: Corpus, codebook: Codebook) -> None:
    rest = tuple(example for example in tiny_corpus.examples if example.part != "test")
    with pytest.raises(CorpusError, match="no texts in its part 'test'"):
        baseline_verdicts("zero-shot", tiny_config, replace(tiny_corpus, examples=rest), codebook)
