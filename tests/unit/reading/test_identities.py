"""Ids made distinct, and what remembering them costs."""

from __future__ import annotations

import random
from collections.abc import Iterator

from fimiscope.reading.identities import distinct_ids
from fimiscope.records import Article, Unreadable


def distinct(*ids: str) -> list[str]:
    return [item.id for item in distinct_ids(iter([Article(name, "mot") for name in ids]))]


def test_an_id_that_came_before_gets_the_next_free_number() -> None:
    assert distinct("a", "b", "a", "a#3", "a", "a", "b") == ["a", "b", "a#2", "a#3", "a#4", "a#5", "b#2"]
    assert distinct("a", "a", "a#2", "a#2") == ["a", "a#2", "a#2#2", "a#2#3"]


def test_what_could_not_be_read_takes_part_and_nothing_else_changes() -> None:
    items = [Unreadable("a", "leer", "x:1"), Article("a", "mot", title="T", place="x:2")]
    assert list(distinct_ids(iter(items))) == [items[0], Article("a#2", "mot", title="T", place="x:2", renamed="a")]


def test_ids_are_told_apart_as_a_set_would_tell_them() -> None:
    chance = random.Random(7)
    names = [f"https://example.org/{chance.randrange(5000)}{chance.choice(['', '#2', '#3'])}" for _ in range(20_000)]
    seen: set[str] = set()
    copies: dict[str, int] = {}
    expected = []
    for name in names:
        identity = name
        while identity in seen:
            copies[name] = copies.get(name, 1) + 1
            identity = f"{name}#{copies[name]}"
        seen.add(identity)
        expected.append(identity)
    assert distinct(*names) == expected


def test_ids_may_hold_half_an_emoji() -> None:
    assert distinct("\ud83d", "\ud83d") == ["\ud83d", "\ud83d#2"]


def test_reading_may_stop_halfway() -> None:
    def endless() -> Iterator[Article]:
        while True:
            yield Article("a", "mot")

    items = distinct_ids(endless())
    assert [next(items).id for _ in range(3)] == ["a", "a#2", "a#3"]
