"""What a corpus could give away, counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import CorpusConfig
from fimiscope.corpus import Corpus, build
from fimiscope.corpus.auditing import NearCopies, audit_tables, length_band, near_copies, traits
from fimiscope.corpus.fetching import load_sources
from fimiscope.errors import CorpusError

Write = Callable[..., Path]


@pytest.fixture
def corpus(write_jsonl: Write, invent: Callable[[int], str], codebook: Codebook) -> Corpus:
    """Six texts of two years and two languages, two of them near-copies, one of a translated corpus."""
    rows: list[dict[str, Any]] = [
        {"text": invent(n), "role": "none", "africa": False, "published": f"{2020 + n % 2}-05-01", "language": "en"}
        for n in range(4)
    ]
    rows += [{"text": invent(0) + " again", "role": "carries", "africa": True, "language": "fr"}]
    listed = next(name for name, source in load_sources().sources.items() if source.translated)
    mine = write_jsonl("mine.jsonl", [{"id": f"m{n}"} | row for n, row in enumerate(rows)])
    translated = write_jsonl(f"{listed}.jsonl", [{"id": "t", "text": "Short.", "role": "none", "language": "en"}])
    nothing = {"valid": 0, "test": 0}
    sources = [{"kind": "labelled", "path": str(path), "hold_out": nothing} for path in (mine, translated)]
    return build(CorpusConfig.model_validate({"sources": sources}), codebook, seed=1)


def test_labels_are_counted_by_every_trait(corpus: Corpus) -> None:
    found = {(one.name, one.value): (one.texts, one.flagged, one.roles["none"]) for one in traits(corpus)}
    assert found["language", "en"] == (5, 0, 5)
    assert found["language", "fr"] == (1, 1, 0)
    assert found["year", "2020"] == (2, 0, 2)
    assert found["year", "not recorded"] == (2, 1, 1)
    assert found["length", "0–99"] == (1, 0, 1)
    assert found["translated", "by machine"] == (1, 0, 1)
    assert found["translated", "not recorded"] == (5, 1, 4)
    for name in ("source", "language", "length", "year", "translated"):
        assert sum(one.texts for one in traits(corpus) if one.name == name) == 6


def test_bands_meet_without_a_gap(corpus: Corpus) -> None:
    example = corpus.examples[0]
    text = example.article.text * 99
    long = replace(example, article=replace(example.article, text=text))
    bands = [length_band(replace(long, labelled_to=size)) for size in (0, 99, 100, 199, 200, 1599, 1600, 2400)]
    assert bands == ["0–99", "0–99", "100–199", "100–199", "200–399", "800–1599", "1600 or more", "1600 or more"]


def test_a_group_over_two_parts_is_seen(corpus: Corpus) -> None:
    assert near_copies(corpus) == NearCopies(groups=1, texts=2, largest=2, straddling=0)
    first, *others = corpus.examples
    assert near_copies(replace(corpus, examples=(replace(first, part="test"), *others))).straddling == 1


def test_tables_say_what_share_is_flagged(corpus: Corpus) -> None:
    rows = {row[0]: row for row in audit_tables(corpus)["language"].rows}
    assert rows["fr"][-2:] == (1, "100%")
    assert rows["en"][-2:] == (0, "0%")


def test_a_list_of_sources_says_in_words_how_texts_were_translated(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text("base_url: https://example.org\nsources: {letters: {translated: true}}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"letters\.translated: expected words"):
        load_sources(path)
