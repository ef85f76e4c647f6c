"""From inputs to articles: the one door through which texts come in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from fimiscope.reading.columns import Columns
from fimiscope.reading.documents import read_document
from fimiscope.reading.identities import distinct_ids
from fimiscope.reading.inputs import STDIN, Source, find_sources
from fimiscope.reading.position import Position
from fimiscope.reading.rows import article_of, named_rows
from fimiscope.reading.tables import column_faults, table_columns
from fimiscope.records import Article, Unreadable


def read_articles(
    inputs: Sequence[str | Path],
    *,
    columns: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    passed_over: list[str] | None = None,
    position: Position | None = None,
) -> Iterator[Article | Unreadable]:
    """Stream the articles of files, archives, folders, globs and standard input (`-`, jsonl), in input order.

    What cannot be read comes as an `Unreadable` in its place and stops nothing else. A row without an id gets
    `<file>:<row>`, a document its name below the given folder. An id that came before gets `#2`, `#3`, … at its
    end. Memory does not grow with the rows of tables; of each file some hundred bytes are held.

    Args:
        columns: our field name (id, text, title, language, published, outlet, url) to their column, for tables.
        stdin: what `-` stands for; the process's standard input when absent.
        passed_over: gets the paths of files that folders and globs held but that are of no kind that is read.
        position: tells how far the reading is.

    Raises:
        ReadingError: at once, before anything is read: inputs that are missing or hold nothing to read, and inputs
            that are all tables without a needed column; all of them in one message. Among other inputs such a
            table is one `Unreadable`.
        OutputError: later, where the folder for temporary files has no room for the ids.
    """
    sources = find_sources(inputs, [] if passed_over is None else passed_over)
    names = Columns(columns)
    faults = column_faults(sources, names)
    place = position or Position()
    place.begin(sources)
    return distinct_ids(_read(sources, names, faults, stdin, place))


def _read(
    sources: Sequence[Source],
    columns: Columns,
    faults: Mapping[Source, str],
    stdin: BinaryIO | None,
    position: Position,
) -> Iterator[Article | Unreadable]:
    for source in sources:
        if source.fault:
            yield Unreadable(source.name, source.fault, source.place)
        elif source in faults:
            yield Unreadable(source.name, faults[source], source.place)
        elif str(source.path) == STDIN:
            yield from _table(source, columns, sys.stdin.buffer if stdin is None else stdin)
        elif source.kind in ("jsonl", "csv", "parquet"):
            yield from _table(replace(source, watch=position.opened), columns, None)
        else:
            yield read_document(source)
        position.passed()


def _table(source: Source, columns: Columns, stdin: BinaryIO | None) -> Iterator[Article | Unreadable]:
    only = None
    if source.kind == "parquet" and (found := table_columns(source)) is not None:
        only = list(columns.match(found).values())
    for place, values in named_rows(source, columns, stdin, only):
        yield values if isinstance(values, Unreadable) else article_of(values, place)
