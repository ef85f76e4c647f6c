from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fimiscope.codebook import Codebook
from fimiscope.config import CorpusConfig
from fimiscope.corpus import Corpus, Example, build
from fimiscope.errors import CorpusError

Write = Callable[..., Path]
Invent = Callable[[int], str]


def config(*sources: dict[str, Any], **fields: Any) -> CorpusConfig:
    return CorpusConfig.model_validate({"sources": sources} | fields)


def labelled(path: Path, **fields: Any) -> dict[str, Any]:
    return {"kind": "labelled", "path": str(path)} | fields


def row(identity: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"id": identity, "text": text, "role": "none", "language": "en"} | fields


def part_of(corpus: Corpus) -> dict[str, str]:
    return {example.article.id: example.part for example in corpus.examples}


@pytest.fixture
def letters(write_jsonl: Write, invent: Invent) -> Path:
    return write_jsonl("letters.jsonl", [row(f"l{number:02}", invent(number)) for number in range(40)])


def test_a_source_is_split_into_three_parts(letters: Path, codebook: Codebook) -> None:
    corpus = build(config(labelled(letters)), codebook, seed=13)
    assert {name: len(corpus.part(name)) for name in ("train", "valid", "test")} == {
        "train": 24,
        "valid": 6,
        "test": 10,
    }
    assert {e.source for e in corpus.examples} == {"letters"}


def test_neither_the_order_of_rows_nor_the_place_changes_anything(
    letters: Path, tmp_path: Path, codebook: Codebook
) -> None:
    turned = tmp_path / "elsewhere" / "letters.jsonl"
    turned.parent.mkdir()
    turned.write_text("\n".join(reversed(letters.read_text(encoding="utf-8").splitlines())), encoding="utf-8")
    first, second = (build(config(labelled(path)), codebook, seed=13) for path in (letters, turned))
    assert part_of(first) == part_of(second)
    assert first.digest == second.digest
    assert build(config(labelled(letters)), codebook, seed=14).digest != first.digest


def test_near_copies_and_families_never_straddle(write_jsonl: Write, invent: Invent, codebook: Codebook) -> None:
    rows = []
    for number in range(30):
        rows.append(row(f"a{number}", invent(number)))
        rows.append(
            row(f"b{number}", invent(number) + " extra") | ({"family": f"f{number // 2}"} if number < 10 else {})
        )
    corpus = build(config(labelled(write_jsonl("set.jsonl", rows))), codebook, seed=13)
    parts: dict[str, set[str]] = {}
    for example in corpus.examples:
        parts.setdefault(example.group, set()).add(example.part)
    assert len(parts) == 25
    assert all(len(own) == 1 for own in parts.values())
    groups = {example.article.id: example.group for example in corpus.examples}
    assert groups["a0"] == groups["b0"] == groups["a1"] == groups["b1"] == "set/f0"
    assert groups["a20"] == groups["b20"] == "set/a20"


def test_a_copy_in_another_source_follows_the_held_out_one(
    write_jsonl: Write, invent: Invent, codebook: Codebook
) -> None:
    held = write_jsonl("held.jsonl", [row(f"h{number:02}", invent(number)) for number in range(20)])
    kept = write_jsonl("kept.jsonl", [row(f"k{number:02}", invent(number)) for number in range(20)])
    nothing = {"valid": 0, "test": 0}
    parts = part_of(build(config(labelled(held), labelled(kept, hold_out=nothing)), codebook, seed=13))
    assert all(parts[f"h{number:02}"] == parts[f"k{number:02}"] for number in range(20))
    assert set(parts.values()) == {"train", "valid", "test"}


def test_equal_texts_of_a_source_count_once_and_say_so(write_jsonl: Write, invent: Invent, codebook: Codebook) -> None:
    rows = [
        row("c", invent(1), narratives=["bio-health", "china-partner"]),
        row("d", invent(1), narratives=["china-partner", "bio-health"], confidence="low"),
        row("e", invent(2)),
        row("f", invent(2), role="carries"),
        row("g", invent(3)),
        row("h", invent(4)),
    ]
    corpus = build(config(labelled(write_jsonl("set.jsonl", rows)), low_confidence_weight=0.25), codebook, seed=13)
    assert {e.article.id: e.weight for e in corpus.examples} == {"c": 1.0, "e": 0.25, "g": 1.0, "h": 1.0}
    assert {(d.reason, d.count, d.ids) for d in corpus.dropped} == {
        ("same text as another", 1, ("d",)),
        ("same text as another, labelled otherwise", 1, ("f",)),
    }


def test_ids_stay_distinct_over_sources(write_jsonl: Write, invent: Invent, codebook: Codebook) -> None:
    one = write_jsonl("one.jsonl", [row(str(number), invent(number)) for number in range(5)])
    two = write_jsonl("two.jsonl", [row(str(number), invent(10 + number)) for number in range(5)])
    corpus = build(config(labelled(one), labelled(two)), codebook, seed=13)
    assert [e.article.id for e in corpus.examples] == [*"01234", "two:0", "two:1", "two:2", "two:3", "two:4"]


def test_annotated_texts_are_split_by_date_and_by_account(
    tmp_path: Path, write_jsonl: Write, annotation: Callable[..., dict[str, Any]], invent: Invent, codebook: Codebook
) -> None:
    rows, texts = [], []
    for number in range(20):
        text = invent(number)
        rows.append(annotation(f"c{number:02}", text, corpus="channel", published=f"2024-05-{number + 1:02}"))
        rows.append(annotation(f"p{number:02}", invent(100 + number), corpus="posts", outlet=f"account {number % 10}"))
        texts.append(text)
    write_jsonl("texts/channel.jsonl", [{"id": f"c{number:02}", "text": text} for number, text in enumerate(texts)])
    write_jsonl("texts/posts.jsonl", [{"id": f"p{number:02}", "text": invent(100 + number)} for number in range(20)])
    annotated = {
        "kind": "annotated",
        "annotations": str(write_jsonl("labels.jsonl", rows)),
        "texts": str(tmp_path / "texts"),
        "latest": ["channel"],
        "outlets": ["posts"],
    }
    corpus = build(config(annotated), codebook, seed=13)
    parts = part_of(corpus)
    assert [parts[f"c{number:02}"] for number in range(20)] == ["train"] * 12 + ["valid"] * 3 + ["test"] * 5
    assert all(parts[f"p{number:02}"] == parts[f"p{number + 10:02}"] for number in range(10))
    assert {e.part for e in corpus.examples if e.source == "posts"} == {"train", "valid", "test"}


def test_progress_is_told(letters: Path, codebook: Codebook) -> None:
    said: list[str] = []
    build(config(labelled(letters)), codebook, seed=13, progress=said.append)
    assert said[0].startswith("40 labelled texts in")
    assert said[-1] == "40 groups; 24 train, 6 valid, 10 test"


def test_two_sources_of_one_name_are_refused(letters: Path, codebook: Codebook) -> None:
    with pytest.raises(CorpusError, match="two sources are named letters"):
        build(config(labelled(letters), labelled(letters)), codebook, seed=13)


def test_a_corpus_without_anything_usable_says_why(write_jsonl: Write, codebook: Codebook) -> None:
    path = write_jsonl("set.jsonl", [{"id": "a", "text": "Nobody labelled me."}])
    with pytest.raises(CorpusError, match=r"no source holds a labelled text \(set: 1 × no label \(a\)\)"):
        build(config(labelled(path)), codebook, seed=13)


def test_a_corpus_with_nothing_to_learn_from_is_refused(write_jsonl: Write, invent: Invent, codebook: Codebook) -> None:
    path = write_jsonl("set.jsonl", [row(str(number), invent(number)) for number in range(2)])
    with pytest.raises(CorpusError, match="every text is held out"):
        build(config(labelled(path, hold_out={"valid": 0.0, "test": 0.99})), codebook, seed=13)


def test_the_embedded_corpus_is_split_by_family(codebook: Codebook) -> None:
    corpus = build(config({"kind": "embedded"}), codebook, seed=13)
    assert corpus.dropped == ()
    assert {e.source for e in corpus.examples} == {"embedded"}
    families: dict[str, set[str]] = {}
    for example in corpus.examples:
        families.setdefault(example.group, set()).add(example.part)
    assert all(len(parts) == 1 for parts in families.values())
    for part in ("train", "valid", "test"):
        assert {e.labels.role for e in corpus.part(part)} == set(codebook.role_codes)
        assert {code for e in corpus.part(part) for code in e.labels.narratives or ()} == set(codebook.narrative_codes)


def test_invented_texts_weigh_as_if_their_role_said_nothing_of_who_wrote_them(
    write_jsonl: Write, invent: Invent, codebook: Codebook
) -> None:
    told = [{"role": ("carries", "reports", "rebuts")[number % 3]} if number % 4 == 0 else {} for number in range(300)]
    mine = write_jsonl("mine.jsonl", [row(f"m{number:03}", invent(number), **role) for number, role in enumerate(told)])
    unsplit = {"valid": 0, "test": 0}
    invented = {"kind": "embedded", "hold_out": unsplit}
    marked = [row(f"s{n:03}", invent(1000 + n), role="reports", invented=True) for n in range(40)]
    more = labelled(write_jsonl("more.jsonl", marked), hold_out=unsplit)
    both = build(config(invented, labelled(mine, hold_out=unsplit), more), codebook, seed=13).examples
    embedded = [example for example in both if example.source in ("embedded", "more")]

    def share(examples: Sequence[Example]) -> float:
        return sum(e.weight for e in examples if e.labels.role == "none") / sum(e.weight for e in examples)

    assert share(embedded) == pytest.approx(share([e for e in both if e.source == "mine"]), abs=0.01)
    assert {example.weight for example in both if example.source == "mine"} == {1.0}
    alone = build(config(invented), codebook, seed=13).examples
    assert {example.weight for example in alone} == {0.5, 1.0}
