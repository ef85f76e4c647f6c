from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from datasets import List, Value

from fimiscope.codebook import Codebook
from fimiscope.corpus import Corpus, Example
from fimiscope.corpus.examples import Drops, digest
from fimiscope.records import Article, Labels, Span

LABELS = Labels("carries", ("russia",), ("bio-health",), True, (Span(0, 4),), "low")
FIRST = Example(Article("a", "Some text.", title="T"), LABELS, "letters", "train", "letters/a", 10, 0.5)
SECOND = Example(Article("b", "نص آخر"), Labels(africa=False), "posts", "test", "posts/b", 6, 1.0)


def corpus(codebook: Codebook) -> Corpus:
    return Corpus((FIRST, SECOND), (), digest((FIRST, SECOND)), codebook)


def test_the_table_is_typed_and_keeps_what_is_not_labelled_apart(codebook: Codebook) -> None:
    table = corpus(codebook).table()
    assert table.features["narratives"] == List(Value("string"))
    assert table.features["evidence"] == List({"start": Value("int64"), "end": Value("int64")})
    assert table.features["weight"] == Value("float64")
    first, second = table[0], table[1]
    assert (first["role"], first["actors"], first["evidence"]) == ("carries", ["russia"], [{"start": 0, "end": 4}])
    assert (first["title"], first["source"], first["part"], first["group"]) == ("T", "letters", "train", "letters/a")
    assert (second["role"], second["actors"], second["evidence"], second["africa"]) == (None, None, None, False)
    assert (second["labelled_to"], second["weight"]) == (6, 1.0)


def test_a_table_of_one_part_even_an_empty_one(codebook: Codebook, tmp_path: Path) -> None:
    whole = corpus(codebook)
    assert whole.table("test")["id"][:] == ["b"]
    empty = whole.table("valid")
    assert len(empty) == 0
    assert empty.features == whole.table().features


def test_the_digest_sees_text_labels_and_part_but_not_order_or_place() -> None:
    known = digest((FIRST, SECOND))
    assert len(known) == 32
    assert digest((SECOND, replace(FIRST, article=replace(FIRST.article, place="elsewhere.jsonl:7")))) == known
    for other in (
        replace(FIRST, part="valid"),
        replace(FIRST, weight=1.0),
        replace(FIRST, article=replace(FIRST.article, text="Some text!")),
        replace(FIRST, article=replace(FIRST.article, title=None)),
        replace(FIRST, labels=replace(LABELS, actors=("china",))),
        replace(FIRST, labels=replace(LABELS, actors=None)),
    ):
        assert digest((other, SECOND)) != known


def test_the_digest_of_a_part_sees_its_articles_and_labels_alone(codebook: Codebook) -> None:
    def of_test(*examples: Example) -> str:
        return Corpus(examples, (), digest(examples), codebook).part_digest("test")

    held_out = replace(FIRST, part="test")
    known = of_test(held_out, SECOND)
    assert len(known) == 32
    learned = replace(FIRST, article=replace(FIRST.article, id="c"))
    assert of_test(SECOND, learned, replace(held_out, weight=1.0)) == known
    for other in (
        replace(held_out, part="valid"),
        replace(held_out, labelled_to=5),
        replace(held_out, article=replace(FIRST.article, text="Some text!")),
        replace(held_out, labels=replace(LABELS, role="reports")),
    ):
        assert of_test(other, SECOND) != known


def test_drops_are_counted_by_source_and_reason() -> None:
    drops = Drops()
    for number in range(9, 0, -1):
        drops.add("posts", "no label", f"p{number}")
    drops.add("letters", "no label", "l1")
    letters, posts = drops.collected()
    assert (letters.source, letters.count) == ("letters", 1)
    assert (posts.count, posts.ids) == (9, ("p1", "p2", "p3", "p4", "p5"))
    assert drops.summary(most=1) == "posts: 9 × no label (p1, …); and 1 more reasons"
