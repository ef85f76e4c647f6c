"""A stream of articles cut into parts: what is scored, stored and taken up again as one piece.

From here on articles travel as Arrow record batches, from stage to stage and from machine to machine. Where a part
begins and ends, and what is in it, follows from the articles alone, so that every run over the same input works on the
same parts, whatever engine scores them.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fimiscope.records import Article, Unreadable, article_schema
from fimiscope.temporary_store import temporary_table

if TYPE_CHECKING:
    import pyarrow as pa

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
        batch: the items in input order, a row each.
        digest: SHA-256, in hexadecimal, of all that the items hold.
    """

    number: int
    batch: pa.RecordBatch
    digest: str

    @classmethod
    def of(cls, number: int, items: Iterable[Item]) -> Part:
        import pyarrow as pa

        rows = []
        digest = hashlib.sha256()
        for item in items:
            rows.append(_row(item))
            digest.update(json.dumps([type(item).__name__, asdict(item)]).encode())
        return cls(number, pa.RecordBatch.from_pylist(rows, schema=_schema()), digest.hexdigest())

    @property
    def items(self) -> tuple[Item, ...]:
        """The items again; a copy without its text, which lies with the first of its kind."""
        return tuple(_item(row) for row in self.batch.to_pylist())

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


def _schema() -> pa.Schema:
    import pyarrow as pa

    place = [("copied_part", pa.int64()), ("copied_row", pa.int64())]
    return pa.schema([*article_schema(), pa.field("unreadable", pa.string()), *(pa.field(*one) for one in place)])


def _row(item: Item) -> dict[str, Any]:
    if isinstance(item, Unreadable):
        return asdict(item) | {"text": "", "unreadable": item.reason}
    if isinstance(item, Copy):
        return asdict(item.article) | {"text": "", "copied_part": item.part, "copied_row": item.row}
    return asdict(item)


def _item(row: dict[str, Any]) -> Item:
    reason, part, number = (row.pop(name) for name in ("unreadable", "copied_part", "copied_row"))
    if reason is not None:
        return Unreadable(row["id"], reason, row["place"], row["renamed"])
    article = Article(**row)
    return article if part is None else Copy(article, part, number)
