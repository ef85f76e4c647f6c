"""Rows of a table as values under our field names, and as articles."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO

from fimiscope.errors import ReadingError
from fimiscope.reading.columns import FIELDS, Columns
from fimiscope.reading.encoding import whole_characters
from fimiscope.reading.inputs import Source, source_of
from fimiscope.reading.tables import column_faults, rows_of
from fimiscope.records import Article, Unreadable

_TABLES = ("jsonl", "csv", "parquet")


def read_rows(
    path: str | Path, columns: Mapping[str, str] | None = None, *, needs: Sequence[str] = ("text",)
) -> Iterator[tuple[str, dict[str, Any] | Unreadable]]:
    """Stream one jsonl, csv or parquet file as (place, values); a broken row is an `Unreadable` in its place.

    The values of our fields (id, text, title, language, published, outlet, url) stand under our names, all other
    columns under their own, every value as the file has it: csv gives strings, jsonl and parquet what they store.
    `id` is always there and always text: `<file>:<row>` where the row has none. Other fields that the file lacks
    are absent. `article_of` makes the article.

    Args:
        columns: our field name to their column, where it differs in more than case.
        needs: our fields without which the file is refused.

    Raises:
        ReadingError: at once, when the file is missing, of another kind, or lacks a needed or named column.
    """
    source = source_of(Path(path))
    if source.kind not in _TABLES:
        raise ReadingError(f"{source.place} is no table: give jsonl, csv or parquet")
    try:
        if not source.path.is_file():
            raise ReadingError(f"{source.place} does not exist")
    except OSError as error:
        raise ReadingError(f"{source.place} cannot be read ({error.strerror or error})") from error
    names = Columns(columns, needs)
    column_faults([source], names)
    return named_rows(source, names)


def named_rows(
    source: Source, columns: Columns, stdin: BinaryIO | None = None, only: Sequence[str] | None = None
) -> Iterator[tuple[str, dict[str, Any] | Unreadable]]:
    """`read_rows` for a source that was found and checked."""
    for number, row in rows_of(source, stdin, only):
        place = f"{source.place}:{number}" if number else source.place
        identity = f"{source.name}:{number}" if number else source.name
        if isinstance(row, str):
            yield place, Unreadable(identity, row, place)
            continue
        matched = columns.match(row)
        taken = set(matched.values())
        values = {name: value for name, value in row.items() if name not in taken}
        values.update((field, row[theirs]) for field, theirs in matched.items())
        values["id"] = as_text(values.get("id")) or identity
        yield place, values


def article_of(values: Mapping[str, Any], place: str) -> Article | Unreadable:
    """The article in the values of one row. An empty or null text stays an article, with empty text."""
    identity: str = values["id"]
    if "text" not in values:
        return Unreadable(identity, "the row has no text column", place)
    text = values["text"]
    if isinstance(text, list | dict):
        return Unreadable(identity, f"its text is a {type(text).__name__}, not text", place)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            return Unreadable(identity, f"byte {error.start + 1} of its text is not UTF-8", place)
    others = {field: as_text(values.get(field)) for field in FIELDS if field not in ("id", "text")}
    return Article(identity, as_text(text) or "", **others, place=place)


def as_text(value: Any) -> str | None:
    """A cell as text; `None` for null, not-a-number and empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return whole_characters(value) or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | dict):
        return whole_characters(json.dumps(value, ensure_ascii=False, default=str))
    return str(value)
