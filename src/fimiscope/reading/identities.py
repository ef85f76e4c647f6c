"""Ids of articles made distinct, in memory that does not grow with their number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b

from fimiscope.errors import ReadingError
from fimiscope.records import Article, Unreadable

_CACHE_KIB = 16_384


def distinct_ids(items: Iterable[Article | Unreadable]) -> Iterator[Article | Unreadable]:
    """The items, in which an id that came before gets `#2`, `#3`, … at its end and stays in `renamed`.

    Ids are remembered as digests of 64 bits in a temporary file, about 25 bytes each. Two different ids share a
    digest with a probability of 3 in a million among 10 million ids; then one of them gets a `#2` that it did not need.

    Raises:
        ReadingError: the temporary folder has no room.
    """
    # An empty name is a private file in SQLite's temporary folder, which goes away with the connection; a generator
    # may be drained by another thread than the one that began it.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as index:
        try:
            index.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            index.execute("PRAGMA journal_mode = OFF")
            index.execute("CREATE TABLE ids (digest INTEGER PRIMARY KEY, copies INTEGER NOT NULL)")
            index.execute("BEGIN")
        except sqlite3.Error as error:
            raise _no_room(error) from error
        for item in items:
            try:
                identity = _free_id(index, item.id)
            except sqlite3.Error as error:
                raise _no_room(error) from error
            yield item if identity == item.id else replace(item, id=identity, renamed=item.id)


def _free_id(index: sqlite3.Connection, wanted: str) -> str:
    if _is_new(index, wanted):
        return wanted
    (copies,) = index.execute("SELECT copies FROM ids WHERE digest = ?", (_digest(wanted),)).fetchone()
    identity = wanted
    while identity == wanted or not _is_new(index, identity):
        copies += 1
        identity = f"{wanted}#{copies}"
    index.execute("UPDATE ids SET copies = ? WHERE digest = ?", (copies, _digest(wanted)))
    return identity


def _is_new(index: sqlite3.Connection, identity: str) -> bool:
    return index.execute("INSERT OR IGNORE INTO ids VALUES (?, 1)", (_digest(identity),)).rowcount == 1


def _digest(identity: str) -> int:
    return int.from_bytes(
        blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True
    )


def _no_room(error: sqlite3.Error) -> ReadingError:
    return ReadingError(f"the ids of the articles cannot be kept in the temporary folder ({error}): make room there")
