"""A table on disk that goes away with whoever made it: for what a stream has to remember, however long it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from tempfile import gettempdir

from fimiscope.errors import OutputError

_CACHE_KIB = 16_384


@contextmanager
def temporary_table(columns: str) -> Iterator[sqlite3.Connection]:
    """A connection to a database with one table `seen` of these columns; 16 MB of it at most are in memory.

    Raises:
        OutputError: the folder for temporary files has no room, here or in the body.
    """
    # An empty name is a private file in SQLite's temporary folder, which goes away with the connection; a generator
    # may be drained and closed by another thread than the one that began it.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as store:
        try:
            for setting in ("journal_mode = OFF", f"cache_size = -{_CACHE_KIB}"):
                store.execute(f"PRAGMA {setting}")
            store.execute(f"CREATE TABLE seen ({columns})")
            store.execute("BEGIN")
            yield store
        except sqlite3.Error as error:
            raise OutputError(
                f"{gettempdir()} cannot be written ({error}): make room, or name another folder in SQLITE_TMPDIR"
            ) from error
