"""The project's labels of real texts, joined to the texts that a user holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.config import AnnotatedSource
from fimiscope.corpus.examples import Drops, Record
from fimiscope.corpus.folds import LEFT_OUT, read_fold
from fimiscope.corpus.labels import as_text, fault_of, parse_labels
from fimiscope.errors import CorpusError
from fimiscope.records import Article, Unreadable
from fimiscope.shipped import shipped

TEXTS_VARIABLE = "FIMISCOPE_TEXTS"
_HOW = f"run  fimiscope corpus fetch  and give its folder as {TEXTS_VARIABLE} or as `texts` of the source"

KNOWN_FACTS = ("language", "published", "outlet", "url")

# Corpus and id.
Key = tuple[str, str]


def annotated_records(
    config: AnnotatedSource, codebook: Codebook, drops: Drops, say: Callable[[str], None]
) -> Iterator[Record]:
    """Labels joined to texts by id and SHA-256 of the text, sorted by corpus and id; the others go to `drops`.

    The labels cover the first `labelled_characters` of a text. Titles are left out, because they were not labelled.
    Texts of one document or web address are a family. Language, date, outlet and address are the annotation's where it
    has them, so that the parts do not depend on where the texts come from. A fold gives each text its part.

    Raises:
        CorpusError: the annotations cannot be read, the fold does not fit them, there is no folder of texts, or no text
            joins.
    """
    annotations = read_annotations(config.annotations)
    fold = None if config.fold is None else read_fold(config.fold, annotations)
    folder = _texts_folder(config)
    texts = _texts(folder, annotations)
    joined = 0
    for (corpus, identity), annotation in sorted(annotations.items()):
        if (corpus, identity) not in texts:
            drops.add(corpus, "text not there", identity)
            continue
        article = texts[corpus, identity]
        if sha256_of_text(article.text) != annotation["sha256"]:
            drops.add(corpus, "text differs from the labelled one", identity)
            continue
        joined += 1
        part = fold.part_of((corpus, identity)) if fold else None
        if part == "left out":
            drops.add(corpus, LEFT_OUT, identity)
            continue
        try:
            labels = parse_labels(annotation)
        except ValueError as error:
            drops.add(corpus, str(error), identity)
            continue
        if fault := fault_of(article, labels, codebook):
            drops.add(corpus, fault, identity)
            continue
        read = max([config.labelled_characters, *(span.end for span in labels.evidence or ())])
        yield Record(article, labels, corpus, _family(corpus, annotation), min(len(article.text), read), part=part)
    if not joined:
        raise CorpusError(f"none of the {len(annotations)} labelled texts is in {folder}: {_HOW}")
    say(f"{joined} of {len(annotations)} labelled texts found in {folder}")


def read_annotations(path: Path | None = None) -> dict[Key, dict[str, Any]]:
    """Annotations by corpus and id; the shipped file when no path is given.

    Raises:
        CorpusError: a row is broken, lacks id, sha256 or corpus, or stands twice.
        ReadingError: there is no such file.
    """
    from fimiscope.reading import read_rows

    annotations: dict[Key, dict[str, Any]] = {}
    for place, values in read_rows(path or shipped("annotations/africa-1.jsonl"), needs=("id",)):
        if isinstance(values, Unreadable):
            raise CorpusError(f"annotations {place}: {values.reason}")
        corpus, digest = as_text(values.get("corpus")), as_text(values.get("sha256"))
        if corpus is None or digest is None:
            raise CorpusError(f"annotations {place}: expected id, sha256 and corpus")
        if (corpus, values["id"]) in annotations:
            raise CorpusError(f"annotations {place}: '{values['id']}' of {corpus} stands above already")
        annotations[corpus, values["id"]] = values
    return annotations


def _texts_folder(config: AnnotatedSource) -> Path:
    given = config.texts or os.environ.get(TEXTS_VARIABLE)
    if not given:
        raise CorpusError(f"the annotated source needs texts, which are not shipped: {_HOW}")
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise CorpusError(f"the folder of texts {folder} does not exist: {_HOW}")
    return folder


def _texts(folder: Path, annotations: dict[Key, dict[str, Any]]) -> dict[Key, Article]:
    """The article of every annotated id that stands in `<corpus>.jsonl`, with what its annotation knows of it."""
    from fimiscope.reading import article_of, read_rows

    texts: dict[Key, Article] = {}
    for corpus in sorted({corpus for corpus, _ in annotations}):
        file = folder / f"{corpus}.jsonl"
        if not file.is_file():
            continue
        for place, values in read_rows(file):
            if isinstance(values, Unreadable) or (corpus, values["id"]) not in annotations:
                continue
            article = article_of(values, place)
            if isinstance(article, Article):
                known = annotations[corpus, article.id]
                facts = {name: fact for name in KNOWN_FACTS if (fact := as_text(known.get(name))) is not None}
                texts.setdefault((corpus, article.id), replace(article, title=None, **facts))
    return texts


def _family(corpus: str, annotation: dict[str, Any]) -> str | None:
    """Passages of one document, translated or not, belong together, and a claim and its disproof at one address."""
    document = as_text(annotation.get("document"))
    return f"{corpus}/{document}" if document else as_text(annotation.get("url"))
