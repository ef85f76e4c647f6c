"""Ids of articles made distinct, in memory that does not grow with their number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b

from fimiscope.records import Article, Unreadable
from fimiscope.temporary_store import temporary_table


def distinct_ids(items: Iterable[Article | Unreadable]) -> Iterator[Article | Unreadable]:
    """The items, in which an id that came before gets `#2`, `#3`, … at its end and stays in `renamed`.

    Ids are remembered as digests of 64 bits in a temporary file, about 25 bytes each. Two different ids share a
    digest with a probability of 3 in a million among 10 million ids; then one of them gets a `#2` that it did not need.

    Raises:
        OutputError: the folder for temporary files has no room.
    """
    with temporary_table("digest INTEGER PRIMARY KEY, copies INTEGER NOT NULL") as seen:
        for item in items:
            identity = _free_id(seen, item.id)
            yield item if identity == item.id else replace(item, id=identity, renamed=item.id)


def _free_id(seen: sqlite3.Connection, wanted: str) -> str:
    if _is_new(seen, wanted):
        return wanted
    (copies,) = seen.execute("SELECT copies FROM seen WHERE digest = ?", (_digest(wanted),)).fetchone()
    identity = wanted
    while identity == wanted or not _is_new(seen, identity):
        copies += 1
        identity = f"{wanted}#{copies}"
    seen.execute("UPDATE seen SET copies = ? WHERE digest = ?", (copies, _digest(wanted)))
    return identity


def _is_new(seen: sqlite3.Connection, identity: str) -> bool:
    return seen.execute("INSERT OR IGNORE INTO seen VALUES (?, 1)", (_digest(identity),)).rowcount == 1


def _digest(identity: str) -> int:
    return int.from_bytes(
        blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True
    )
