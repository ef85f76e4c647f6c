"""The invented texts: counts, labels, and that the test texts are no twins of the training texts."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.records import Labels

DATA = Path(__file__).parents[2] / "data"
Record = dict[str, Any]


def records(name: str) -> list[Record]:
    with (DATA / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


CORPUS = records("sample/corpus.jsonl")
PASSAGES = records("sample/passages.jsonl")
STORIES = records("sample/stories.jsonl")
LEARNED = (*CORPUS, *PASSAGES, *STORIES)
SUITE = records("contrast/families.jsonl")
REPOSTS = records("contrast/reposts.jsonl")


def runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_the_corpus_has_all_roles_codes_and_languages_often_enough() -> None:
    codebook = Codebook.load()
    languages = Counter(record["language"] for record in CORPUS)
    assert min(languages["en"], languages["fr"]) >= 200
    assert all(languages[code] >= 20 for code in ("ar", "pt", "sw", "ha", "pcm"))
    roles = Counter(record["role"] for record in CORPUS)
    assert all(roles[code] >= 200 for code in codebook.role_codes)
    narratives = Counter(code for record in CORPUS for code in record["narratives"])
    assert all(narratives[code] >= 25 for code in codebook.narrative_codes)


def test_most_families_tell_the_same_event_in_every_role() -> None:
    roles: dict[str, set[str]] = defaultdict(set)
    for record in CORPUS:
        roles[record["family"]].add(record["role"])
    assert len(roles) >= 406
    assert sum(len(found) == 4 for found in roles.values()) >= 110


@pytest.mark.parametrize(
    "texts", [CORPUS, PASSAGES, STORIES, SUITE, REPOSTS], ids=["corpus", "passages", "stories", "suite", "reposts"]
)
def test_every_record_is_marked_invented_and_labelled_by_the_codebook(texts: list[Record]) -> None:
    codebook = Codebook.load()
    assert len({record["id"] for record in texts}) == len(texts)
    for record in texts:
        labels = Labels(record["role"], tuple(record["actors"]), tuple(record["narratives"]), record["africa"])
        assert record["invented"] is True
        assert codebook.faults(labels) == []
        assert (record["role"] == "none") == (record["evidence"] == []) == (record["actors"] == [])
        for span in record["evidence"]:
            quote = record["text"][span["start"] : span["end"]]
            assert quote == quote.strip() and len(quote.split()) >= 4


def test_texts_are_short() -> None:
    for record in CORPUS:
        assert 60 <= len(record["text"].split()) <= 220
    for record in PASSAGES:
        assert 15 <= len(record["text"].split()) <= 90
    for record in STORIES:
        assert 100 <= len(record["text"].split()) <= 250


@pytest.mark.parametrize(("texts", "families"), [(PASSAGES, 350), (STORIES, 100)], ids=["passages", "stories"])
def test_passages_and_stories_are_told_in_every_role_in_both_languages(texts: list[Record], families: int) -> None:
    roles: dict[str, set[str]] = defaultdict(set)
    for record in texts:
        roles[record["family"]].add(record["role"])
    assert len(roles) >= families
    assert sum(len(found) == 4 for found in roles.values()) >= 0.9 * len(roles)
    languages = Counter(record["language"] for record in texts)
    assert min(languages["en"], languages["fr"]) >= 0.4 * len(texts)
    narratives = Counter(code for record in texts for code in record["narratives"])
    assert all(narratives[code] >= 25 for code in Codebook.load().narrative_codes)


def test_no_family_is_in_two_files() -> None:
    files = [{record["family"] for record in texts} for texts in (CORPUS, PASSAGES, STORIES)]
    assert sum(len(families) for families in files) == len(set().union(*files))


def test_test_texts_share_no_run_of_eight_words_with_the_training_texts() -> None:
    known = {run for record in LEARNED for run in runs(record["text"])}
    inbox = [path.read_text(encoding="utf-8") for path in (DATA / "sample/inbox").iterdir()]
    texts = [record["text"] for record in (*SUITE, *REPOSTS)] + inbox
    assert [text[:60] for text in texts if runs(text) & known] == []


def test_variants_of_the_suite_change_or_keep_the_label_as_they_must() -> None:
    families: dict[str, list[Record]] = defaultdict(list)
    for record in SUITE:
        families[record["family"]].append(record)
    assert len(families) >= 60
    for family in families.values():
        [base] = [record for record in family if record["must"] == "base"]
        for record in family:
            same = all(record[field] == base[field] for field in ("role", "actors", "africa"))
            assert same == (record["must"] != "change"), record["id"]


def test_reposts_and_look_alikes_are_balanced() -> None:
    kinds = Counter((record["kind"], record["language"]) for record in REPOSTS)
    assert kinds == {(kind, language): 12 for kind in ("repost", "lookalike") for language in ("en", "fr")}
    assert {record["role"] for record in REPOSTS if record["kind"] == "lookalike"} == {"none"}


def test_a_second_reader_who_saw_no_label_agrees_with_the_labels() -> None:
    """Read blind, by text and codebook alone; the figures stand in docs/data.md."""
    read = {record["id"]: record for record in records("sample/second_reading.jsonl")}
    pairs = [(record, read[record["id"]]) for record in LEARNED if record["id"] in read]
    assert len(pairs) == len(read) >= 490
    for field, least in (("role", 0.95), ("actors", 0.9), ("africa", 0.95)):
        assert sum(gold[field] == other[field] for gold, other in pairs) >= least * len(pairs), field
