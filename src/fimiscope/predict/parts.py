"""A stream of articles cut into parts: what is scored, stored and taken up again as one piece.

Where a part begins and ends, and what is in it, follows from the articles alone, so that every run over the same input
works on the same parts, whatever engine scores them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from tempfile import gettempdir

from fimiscope.errors import OutputError
from fimiscope.records import Article, Unreadable

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
    with _one_line(), _Texts() as texts:
        number, characters = 0, 0
        items: list[Item] = []
        for article in articles:
            item: Item = article
            if isinstance(article, Article):
                first = texts.first_place(article, number, len(items))
                if first == (number, len(items)):
                    characters += len(article.text)
                else:
                    item = Copy(article, *first)
            items.append(item)
            if len(items) == MOST_ARTICLES or characters >= MOST_CHARACTERS:
                yield Part.of(number, items)
                number, characters, items = number + 1, 0, []
        if items:
            yield Part.of(number, items)


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(
            f"{gettempdir()} cannot be written ({error}): make room, or name another folder in TMPDIR"
        ) from error


class _Texts:
    """Where each text came first: on disk, so that memory stays the same however many there are."""

    def __enter__(self) -> _Texts:
        # An empty name is a private file in SQLite's temporary folder, which goes away with the connection; a generator
        # may be closed by another thread than the one that began it.
        self._store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "cache_size = -16384"):
            self._store.execute(f"PRAGMA {setting}")
        self._store.execute("CREATE TABLE texts (digest BLOB PRIMARY KEY, part INTEGER, row INTEGER) WITHOUT ROWID")
        self._store.execute("BEGIN")
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def first_place(self, article: Article, part: int, row: int) -> tuple[int, int]:
        """Part and row of the first article with this title and text, which may be this one."""
        said = json.dumps([article.title, article.text]).encode()
        digest = hashlib.blake2b(said, digest_size=16).digest()
        self._store.execute("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", (digest, part, row))
        found: tuple[int, int] = self._store.execute(
            "SELECT part, row FROM texts WHERE digest = ?", (digest,)
        ).fetchone()
        return found
