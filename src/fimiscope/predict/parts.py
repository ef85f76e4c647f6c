"""A stream of articles cut into parts: what is scored, stored and taken up again as one piece.

Where a part begins and ends, and what is in it, follows from the articles alone, so that every run over the same input
works on the same parts, whatever engine scores them.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from fimiscope.records import Article, Unreadable
from fimiscope.temporary_store import temporary_table

MOST_ARTICLES = 500
MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Copy:
    """An article whose title and text are those of an earlier one: row `row` of part `part`."""

    article: Article
    part: int
    row: int


Item = Article | Unreadable | Copy


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive items of the input.

    Attributes:
        number: counted from 0.
        items: in input order.
        digest: SHA-256, in hexadecimal, of all that the items hold.
    """

    number: int
    items: tuple[Item, ...]
    digest: str

    @classmethod
    def of(cls, number: int, items: Iterable[Item]) -> Part:
        found = tuple(items)
        digest = hashlib.sha256()
        for item in found:
            digest.update(json.dumps([type(item).__name__, asdict(item)]).encode())
        return cls(number, found, digest.hexdigest())

    @property
    def to_score(self) -> tuple[Article | Unreadable, ...]:
        """The items that are no copies."""
        return tuple(item for item in self.items if not isinstance(item, Copy))


def cut_parts(articles: Iterable[Article | Unreadable]) -> Iterator[Part]:
    """Cut a stream after `MOST_ARTICLES` articles or `MOST_CHARACTERS` characters of text, whichever comes first.

    Raises:
        OutputError: the folder for temporary files, where the texts that came before are remembered, is full.
    """
    with temporary_table("digest BLOB PRIMARY KEY, part INTEGER, row INTEGER") as seen:
        number, characters = 0, 0
        items: list[Item] = []
        for article in articles:
            item: Item = article
            if isinstance(article, Article):
                characters += len(article.text) + len(article.title or "")
                here = number, len(items)
                first = _first_place(seen, article, *here)
                item = article if first == here else Copy(article, *first)
            items.append(item)
            if len(items) == MOST_ARTICLES or characters >= MOST_CHARACTERS:
                yield Part.of(number, items)
                number, characters, items = number + 1, 0, []
        if items:
            yield Part.of(number, items)


def _first_place(seen: sqlite3.Connection, article: Article, part: int, row: int) -> tuple[int, int]:
    """Part and row of the first article with this title and text, which may be this one."""
    said = json.dumps([article.title, article.text]).encode()
    digest = hashlib.blake2b(said, digest_size=16).digest()
    seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (digest, part, row))
    found: tuple[int, int] = seen.execute("SELECT part, row FROM seen WHERE digest = ?", (digest,)).fetchone()
    return found
