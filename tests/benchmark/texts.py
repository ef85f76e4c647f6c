"""The stream that is scored: mostly irrelevant articles, every fiftieth a flagged one, no text twice."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count, islice
from pathlib import Path

from fimiscope.codebook import Codebook
from fimiscope.config import AnnotatedSource
from fimiscope.corpus.annotated import TEXTS_VARIABLE, annotated_records
from fimiscope.corpus.examples import Drops, Record
from fimiscope.corpus.labelled import labelled_records
from fimiscope.errors import ConfigError
from fimiscope.reading import read_articles
from fimiscope.records import Article
from fimiscope.shipped import shipped

ONE_RELEVANT_IN = 50
SHORT = 300
_INVENTED = ("sample/corpus.jsonl", "sample/stories.jsonl")
_NEWS = "news_2020.jsonl"
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Pool:
    """What the stream is made of.

    Attributes:
        about: the texts, in words for the table.
        irrelevant: articles that nobody would flag, or hardly any.
        relevant: articles that are flagged by their labels.
    """

    about: str
    irrelevant: list[Article]
    relevant: list[Article]


def open_pool() -> Pool:
    """The real texts where `FIMISCOPE_TEXTS` names their folder, the embedded invented ones otherwise.

    Raises:
        ConfigError: the folder lacks the news articles.
        CorpusError: it lacks the annotated texts.
    """
    codebook = Codebook.load()
    folder = os.environ.get(TEXTS_VARIABLE)
    if not folder:
        records = [r for name in _INVENTED for r in labelled_records(shipped(name), None, codebook, Drops())]
        irrelevant = [record.article for record in records if record.labels.role == "none"]
        return Pool("embedded, invented short articles", irrelevant, _flagged(records, codebook))
    news = Path(folder) / _NEWS
    if not news.is_file():
        raise ConfigError(f"{news} is not there: fetch it by  fimiscope corpus fetch, or unset {TEXTS_VARIABLE}")
    articles = [article for article in read_articles([news]) if isinstance(article, Article)]
    annotated = annotated_records(AnnotatedSource(kind="annotated"), codebook, Drops(), lambda said: None)
    return Pool("news_2020, and annotated texts that are flagged", articles, _flagged(annotated, codebook))


def _flagged(records: Iterable[Record], codebook: Codebook) -> list[Article]:
    roles = codebook.flagging_roles
    return [record.article for record in records if record.labels.africa and record.labels.role in roles]


def is_relevant(place: int) -> bool:
    """Whether a flagged article stands at this place of the stream, counted from 0."""
    return place % ONE_RELEVANT_IN == ONE_RELEVANT_IN // 2


def mix(pool: Pool, articles: int) -> list[Article]:
    """A stream of so many articles; their ids say where they stand."""
    irrelevant, relevant = endless(pool.irrelevant), endless(pool.relevant)
    return [
        replace(next(relevant if is_relevant(place) else irrelevant), id=f"{place:06}") for place in range(articles)
    ]


def short_texts(pool: Pool) -> Iterator[Article]:
    """Beginnings of the pool's texts, without end."""
    beginnings = {article.text[:SHORT]: Article("", article.text[:SHORT]) for article in pool.irrelevant}
    for place, article in enumerate(endless(list(beginnings.values()))):
        yield replace(article, id=f"{place:06}")


def endless(articles: Sequence[Article]) -> Iterator[Article]:
    """The articles again and again, every round with other numbers in them: equal texts would be scored once."""
    for turn in count():
        for article in articles:
            yield article if turn == 0 else replace(article, text=_renumbered(article.text, turn))


def _renumbered(text: str, turn: int) -> str:
    shifted = _DIGIT.sub(lambda digit: str((int(digit[0]) + turn) % 10), text)
    return f"{shifted} ({turn})"


def write(articles: Iterable[Article], path: Path) -> None:
    """Write articles as JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        for article in articles:
            row = {name: value for name, value in asdict(article).items() if value is not None and name != "place"}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read(path: Path, first: int = 0, last: int | None = None) -> Iterator[Article]:
    """The articles from place `first` to `last` (exclusive) of a file that `write` wrote."""
    for article in islice(read_articles([path]), first, last):
        assert isinstance(article, Article), article
        yield article
