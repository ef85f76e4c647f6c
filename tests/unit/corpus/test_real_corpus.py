"""The corpus of real texts, as the shipped configs describe it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import CorpusConfig
from fimiscope.corpus import Corpus, build

pytestmark = pytest.mark.shared
ACCOUNTS = ("prc_tweets_africa", "prc_tweets_other")
CHANNELS = ("sputnik_fr", "sputnik_en")


@pytest.fixture(scope="module")
def corpus(real_texts: Path) -> Corpus:
    annotated = {"kind": "annotated", "texts": str(real_texts), "latest": CHANNELS, "outlets": ACCOUNTS}
    return build(CorpusConfig.model_validate({"sources": [annotated]}), Codebook.load(), seed=13)


def test_every_annotation_finds_its_text(corpus: Corpus) -> None:
    assert {dropped.reason for dropped in corpus.dropped} == {"same text as another"}
    assert len(corpus.examples) + sum(dropped.count for dropped in corpus.dropped) == 2871
    assert all(1 <= example.labelled_to <= min(2400, len(example.article.text)) for example in corpus.examples)
    assert all(example.article.title is None for example in corpus.examples)


def test_no_group_straddles_the_parts(corpus: Corpus) -> None:
    parts = defaultdict(set)
    for example in corpus.examples:
        parts[example.group].add(example.part)
    assert all(len(own) == 1 for own in parts.values())


def test_the_shares_are_met_in_every_large_source(corpus: Corpus) -> None:
    for source in {example.source for example in corpus.examples}:
        examples = [example for example in corpus.examples if example.source == source]
        if len(examples) >= 100:
            held_out = sum(example.part == "test" for example in examples) / len(examples)
            assert 0.2 <= held_out <= 0.3, source


def test_channels_are_tested_on_later_dates_than_any_learned_from(corpus: Corpus) -> None:
    for source in CHANNELS:
        dates = defaultdict(set)
        for example in corpus.examples:
            if example.source == source:
                dates[example.part].add(str(example.article.published))
        # A near-copy of a late text is held out with it, whatever its own date.
        assert max(dates["train"]) < max(dates["valid"]) < max(dates["test"])
        assert not {date for date in dates["train"] if date >= sorted(dates["test"])[len(dates["test"]) // 2]}


def test_accounts_are_tested_that_nothing_was_learned_from(corpus: Corpus) -> None:
    """Only the near-copy of another account's held-out post may stand in another part than its account."""
    parts = defaultdict(lambda: defaultdict(list))
    for example in corpus.examples:
        if example.source in ACCOUNTS:
            parts[example.article.outlet][example.part].append(example)
    texts_of_group = defaultdict(set)
    for example in corpus.examples:
        texts_of_group[example.group].add(example.article.outlet)
    for own in parts.values():
        strays = sorted(own.values(), key=len)[:-1]
        assert all(len(texts_of_group[example.group]) > 1 for stray in strays for example in stray)
    assert sum(len(own) > 1 for own in parts.values()) <= 3


def test_all_roles_are_in_all_parts(corpus: Corpus) -> None:
    for part in ("train", "valid", "test"):
        assert {example.labels.role for example in corpus.part(part)} == {"carries", "reports", "rebuts", "none"}
