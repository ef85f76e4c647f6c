"""The same articles give the same parts, and a text that came before is not scored again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fimiscope.predict import parts
from fimiscope.predict.parts import Copy, cut_parts
from fimiscope.records import Article, Unreadable


def articles(count: int, length: int = 10) -> list[Article]:
    return [Article(f"a{n}", f"{n} ".ljust(length, "x"), place=f"f.jsonl:{n}") for n in range(count)]


def test_parts_end_after_so_many_articles_and_so_many_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_ARTICLES", 4)
    monkeypatch.setattr(parts, "MOST_CHARACTERS", 100)
    assert [len(part.items) for part in cut_parts(articles(9))] == [4, 4, 1]
    assert [len(part.items) for part in cut_parts(articles(5, length=60))] == [2, 2, 1]
    assert [len(part.items) for part in cut_parts(articles(2, length=10_000))] == [1, 1]
    assert list(cut_parts([])) == []


def test_nothing_is_lost_and_nothing_changes_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_ARTICLES", 7)
    given = [*articles(20), Unreadable("b", "no JSON", "f.jsonl:20"), *articles(3)]
    cut = list(cut_parts(given))
    assert [part.number for part in cut] == [0, 1, 2, 3]
    items = [item for part in cut for item in part.items]
    assert items[:21] == given[:21]
    assert items[21:] == [Copy(replace(one, text=""), part=0, row=row) for row, one in enumerate(articles(3))]


def test_a_copy_points_to_the_first_of_its_kind_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_ARTICLES", 3)
    first = articles(5)
    again = replace(first[4], id="again", outlet="Elsewhere", place="g.csv:7")
    titled = replace(first[4], id="titled", title="A title of its own")
    cut = [item for part in cut_parts([*first, again, titled]) for item in part.items]
    assert cut[5] == Copy(replace(again, text=""), part=1, row=1)
    assert cut[6] == titled


def test_the_digest_tells_the_text_of_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_ARTICLES", 1)
    first = articles(1)[0]
    digests = [list(cut_parts([one, one]))[1].digest for one in (first, replace(first, text="y"))]
    assert digests[0] != digests[1]


def test_the_digest_tells_every_difference() -> None:
    article = articles(1)[0]
    others = [
        article,
        replace(article, id="b"),
        replace(article, text="y"),
        replace(article, title=""),
        replace(article, outlet="o"),
        replace(article, place="p"),
    ]
    digests = [next(cut_parts([other])).digest for other in (*others, Unreadable("a0", "r"), Unreadable("a0", "s"))]
    assert len(set(digests)) == len(digests)
    assert digests[0] == next(cut_parts([replace(article)])).digest
