"""What reading does to real texts; runs where they are at hand."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

import pytest

from fimiscope.reading import clean, identify_language, legibility_fault, read_articles
from fimiscope.records import Article
from fimiscope.shipped import shipped

TEXTS = Path(os.environ.get("FIMISCOPE_TEXTS") or Path(__file__).resolve().parents[4] / "shared" / "corpora")
ANNOTATIONS = shipped("annotations/africa-1.jsonl")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (TEXTS.is_dir() and ANNOTATIONS.is_file()), reason="the real texts are not here"),
]


def corpus(name: str) -> list[Article]:
    return [item for item in islice(read_articles([TEXTS / f"{name}.jsonl"]), 400) if isinstance(item, Article)]


@pytest.mark.parametrize(
    ("name", "language"),
    [("eng", "en"), ("fra", "fr"), ("pcm", "pcm"), ("hau", "ha"), ("swa", "sw"), ("som", "so"), ("yor", "yo")],
)
def test_news_is_legible_and_in_its_language(name: str, language: str) -> None:
    articles = corpus(f"masakhanews_{name}")[:60]
    assert [legibility_fault(article.text) for article in articles] == [None] * 60
    # A few Pidgin articles are written in English.
    assert [identify_language(article.text) for article in articles].count(language) >= 58


@pytest.mark.parametrize(
    "name", ["factcheck_passages", "blog_passages", "sputnik_en", "sputnik_fr", "prc_tweets_africa"]
)
def test_cleaning_leaves_the_words_on_which_labels_rest(name: str) -> None:
    labels = [json.loads(line) for line in ANNOTATIONS.read_text(encoding="utf-8").splitlines()]
    evidence = {row["id"]: row["evidence"] for row in labels if row["corpus"] == name}
    spans = touched = 0
    for article in corpus(name):
        cleaned = clean(article.text)
        kept = {int(place) for place in cleaned.origin[:-1]}
        for span in evidence.get(article.id) or ():
            words = (place for place in range(span["start"], span["end"]) if not article.text[place].isspace())
            spans += 1
            touched += any(place not in kept for place in words)
    assert spans > 20
    assert touched <= spans / 50
