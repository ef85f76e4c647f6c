"""Fold files: what is in them, how they fit annotations and texts, and when they are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import CorpusConfig
from fimiscope.corpus import Corpus, build
from fimiscope.corpus.annotated import Key, read_annotations
from fimiscope.corpus.folds import Fold, FoldPart, count_parts, fold_tables, read_fold
from fimiscope.errors import CorpusError

Make = Callable[..., dict[str, Any]]
Write = Callable[..., Path]

PARTS: dict[Key, FoldPart] = {
    ("letters", "l1"): "test",
    ("letters", "l2"): "test",
    ("posts", "p0"): "valid",
    ("posts", "p1"): "left out",
}


@pytest.fixture
def labels(tmp_path: Path, write_jsonl: Write, annotation: Make, invent: Callable[[int], str]) -> Path:
    """Labels of four letters and four posts, and the texts beside them."""
    texts = {
        "letters": [(f"l{n}", invent(n)) for n in range(4)],
        "posts": [(f"p{n}", invent(10 + n)) for n in range(4)],
    }
    for corpus, rows in texts.items():
        write_jsonl(f"texts/{corpus}.jsonl", [{"id": identity, "text": text} for identity, text in rows])
    flagged = {"role": "carries", "africa": True, "actors": ["russia"]}
    made = [
        annotation(identity, text, corpus, language="fr" if identity == "p0" else "en")
        | (flagged if identity == "l1" else {})
        for corpus, rows in texts.items()
        for identity, text in rows
    ]
    return write_jsonl("labels.jsonl", made)


@pytest.fixture
def fold(tmp_path: Path, labels: Path) -> Path:
    annotations = read_annotations(labels)
    return Fold.of("two", "two letters", PARTS, annotations).write(tmp_path, annotations)


def corpus_of(labels: Path, fold: Path, **changes: Any) -> Corpus:
    source = {"kind": "annotated", "annotations": str(labels), "texts": str(labels.parent / "texts"), "fold": str(fold)}
    return build(CorpusConfig.model_validate({"sources": [source | changes]}), Codebook.load(), seed=13)


def test_every_text_gets_the_part_of_the_fold_and_what_gives_test_away_is_counted(labels: Path, fold: Path) -> None:
    corpus = corpus_of(labels, fold)
    assert {e.article.id: e.part for e in corpus.examples} == {
        **dict.fromkeys(("l0", "l3", "p2", "p3"), "train"),
        "l1": "test",
        "l2": "test",
        "p0": "valid",
    }
    [dropped] = corpus.dropped
    assert (dropped.source, dropped.ids) == ("posts", ("p1",))
    assert "near-copy of a text that it tests on" in dropped.reason


def test_a_fixed_part_stays_beside_near_copies_and_other_sources_are_split_as_ever(
    labels: Path, fold: Path, write_jsonl: Write, invent: Callable[[int], str]
) -> None:
    mine = write_jsonl("mine.jsonl", [{"id": f"m{n}", "text": invent(n) + " anew", "role": "none"} for n in (0, 1)])
    source = {"kind": "annotated", "annotations": str(labels), "texts": str(labels.parent / "texts"), "fold": str(fold)}
    nothing = {"kind": "labelled", "path": str(mine), "hold_out": {"valid": 0, "test": 0}}
    corpus = build(CorpusConfig.model_validate({"sources": [source, nothing]}), Codebook.load(), seed=13)
    parts = {e.article.id: e.part for e in corpus.examples}
    assert (parts["l0"], parts["m0"], parts["l1"], parts["m1"]) == ("train", "train", "test", "test")


def test_near_copies_in_a_source_that_is_split_follow_the_fold(
    labels: Path, fold: Path, write_jsonl: Write, invent: Callable[[int], str]
) -> None:
    copies = [{"id": f"m{n}", "text": invent(0) + f" anew {n}", "role": "none"} for n in range(12)]
    mine = write_jsonl("mine.jsonl", copies)
    source = {"kind": "annotated", "annotations": str(labels), "texts": str(labels.parent / "texts"), "fold": str(fold)}
    split = {"kind": "labelled", "path": str(mine), "hold_out": {"valid": 0.3, "test": 0.6}}
    for seed in range(4):
        corpus = build(CorpusConfig.model_validate({"sources": [source, split]}), Codebook.load(), seed=seed)
        assert {e.part for e in corpus.examples if e.source == "mine"} == {"train"}


def test_a_fold_is_read_as_it_was_written(labels: Path, fold: Path) -> None:
    read = read_fold(str(fold), read_annotations(labels))
    assert (read.name, read.holds_out, read.parts) == ("two", "two letters", PARTS)
    written = json.loads(fold.read_text(encoding="utf-8"))
    assert written["digest"] == read.digest
    assert all(len(checksum) == 12 for texts in written["test"].values() for checksum in texts.values())


def test_a_text_that_the_user_does_not_hold_is_counted(labels: Path, fold: Path) -> None:
    texts = labels.parent / "texts" / "letters.jsonl"
    texts.write_text("".join(texts.read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    corpus = corpus_of(labels, fold)
    assert [e.article.id for e in corpus.part("test")] == ["l1"]
    assert ("letters", "text not there", 2) in [(d.source, d.reason, d.count) for d in corpus.dropped]


@pytest.mark.parametrize(
    ("row", "change", "message"),
    [
        (1, {"sha256": "0" * 64}, "text 'l1' of letters has another checksum in the annotations"),
        (1, {"id": "other"}, "text 'l1' of letters is not among the annotations"),
        (0, {"sha256": "0" * 64}, "was made for other annotations"),
        (0, {"id": "other"}, "was made for other annotations"),
    ],
)
def test_a_fold_of_other_annotations_is_refused(
    labels: Path, fold: Path, row: int, change: dict[str, str], message: str
) -> None:
    rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
    rows[row] |= change
    labels.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        corpus_of(labels, fold)


def test_a_fold_that_is_not_there_or_broken_is_refused(labels: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"fold 'weather' is not there \(known: analyses, blog"):
        read_fold("weather", read_annotations(labels))
    broken = tmp_path / "broken.json"
    for content in ("[]", "{", '{"holds_out": "", "digest": "", "test": [], "valid": {}, "left out": {}}'):
        broken.write_text(content, encoding="utf-8")
        with pytest.raises(CorpusError, match="cannot be read as a fold"):
            read_fold(str(broken), read_annotations(labels))


def test_parts_are_counted_with_copies_once(labels: Path, fold: Path, codebook: Codebook) -> None:
    rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
    labels.write_text("".join(json.dumps(one) + "\n" for one in [*rows, rows[1] | {"id": "l9"}]), encoding="utf-8")
    annotations = read_annotations(labels)
    copied = Fold.of("two", "two letters", PARTS | {("letters", "l9"): "test"}, annotations)
    counts = {one.part: (one.texts, one.flagged, one.languages) for one in count_parts(copied, annotations, codebook)}
    assert counts == {
        "train": (4, 0, {"en": 4}),
        "valid": (1, 0, {"fr": 1}),
        "test": (2, 1, {"en": 2}),
        "left out": (1, 0, {"en": 1}),
    }
    listed, parts = fold_tables([copied], annotations, codebook)
    assert listed.rows == (("two", "two letters", copied.digest),)
    assert parts.rows[2] == ("two", "test", 2, 1, "en 2")
