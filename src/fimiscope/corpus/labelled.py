"""Labelled files of the user: rows of jsonl, csv or parquet become records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fimiscope.codebook import Codebook
from fimiscope.config import NEAR_COPY
from fimiscope.corpus.examples import Dropped, Drops, Example, Record
from fimiscope.corpus.labels import as_text, fault_of, parse_labels, yes_or_no
from fimiscope.corpus.near_copies import groups
from fimiscope.errors import CorpusError
from fimiscope.records import Article, Unreadable

_LABEL_FIELDS = ("role", "actors", "narratives", "africa", "evidence", "confidence", "family", "invented")


def read_labelled(
    path: Path | str, columns: Mapping[str, str] | None = None, *, codebook: Codebook
) -> tuple[tuple[Example, ...], tuple[Dropped, ...]]:
    """Read a labelled jsonl, csv or parquet file for measuring a model: each usable row is an example of part `test`.

    Near-copies and families are groups, as in a corpus that is built.
    Missing, null and empty label cells are not labelled; an empty list (`[]`) is labelled as empty. Lists are JSON
    or, as text, `a; b`. Evidence is a list of `{"start": …, "end": …}`, offsets into the text.

    Args:
        columns: our field name to the file's column, where it differs in more than case.

    Raises:
        ReadingError: the file is missing, of another kind, or lacks a column.
        CorpusError: no row of it can be used; says why.
        MissingExtra: datasketch, which finds near-copies, is not installed.
    """
    drops = Drops()
    records = list(labelled_records(Path(path), columns, codebook, drops))
    if not records:
        raise CorpusError(f"{path} holds no labelled text ({drops.summary() or 'it has no rows'})")
    examples = tuple(
        Example(r.article, r.labels, r.source, "test", group, r.labelled_to, 1.0)
        for r, group in zip(with_languages(records), groups(records, NEAR_COPY), strict=True)
    )
    return examples, drops.collected()


def labelled_records(
    path: Path, columns: Mapping[str, str] | None, codebook: Codebook, drops: Drops, *, source: str | None = None
) -> Iterator[Record]:
    """The usable rows of a labelled file in its order; the others go to `drops`. `source` is else the file's stem.

    An id may stand once in each `corpus`; one that stands in several becomes `<corpus>:<id>`.

    Raises:
        ReadingError: the file is missing, of another kind, or lacks a column.
        CorpusError: a column that `columns` names for a label is in no row.
    """
    source = source or path.stem
    given = dict(columns or {})
    names = {name: given.pop(name, name).lower() for name in _LABEL_FIELDS}
    unseen = {theirs for name, theirs in names.items() if theirs != name}
    records: dict[tuple[str | None, str], Record] = {}
    for article, values in _rows(path, given):
        unseen -= set(values)
        if isinstance(article, Unreadable):
            drops.add(source, f"unreadable: {article.reason}", article.id)
            continue
        row = {name: values.get(theirs) for name, theirs in names.items()}
        try:
            labels, invented = parse_labels(row), yes_or_no(row["invented"], "invented") is True
        except ValueError as error:
            drops.add(source, str(error), article.id)
            continue
        key = as_text(values.get("corpus")), article.id
        fault = "its id stands above already" if key in records else fault_of(article, labels, codebook)
        if fault is not None:
            drops.add(source, fault, article.id)
            continue
        family = as_text(row["family"])
        records[key] = Record(article, labels, source, family and f"{source}/{family}", len(article.text), invented)
    if unseen:
        raise CorpusError(f"{path} has no column {', '.join(sorted(unseen))}: correct `columns`")
    corpora = Counter(identity for _, identity in records)
    for (corpus, identity), record in records.items():
        several = corpus is not None and corpora[identity] > 1
        yield replace(record, article=replace(record.article, id=f"{corpus}:{identity}")) if several else record


def with_languages(records: Iterable[Record]) -> Iterator[Record]:
    """The same records with languages as predicting names them: of a tag such as `pt-BR` the language alone, and where
    the input states none, the one that the words of the article show."""
    from fimiscope.reading import identify_language

    for record in records:
        article = record.article
        stated = article.language and re.split("[-_]", article.language)[0].lower()
        yield replace(record, article=replace(article, language=stated or identify_language(article.text)))


def _rows(path: Path, columns: Mapping[str, str]) -> Iterator[tuple[Article | Unreadable, dict[str, Any]]]:
    from fimiscope.reading import article_of, read_rows

    for place, values in read_rows(path, columns):
        if isinstance(values, Unreadable):
            yield values, {}
        else:
            yield article_of(values, place), {name.lower(): value for name, value in values.items()}
