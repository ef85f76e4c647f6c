"""What annotators differ on, as a queue for the one who decides."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook
from fimiscope.errors import CorpusError, ReadingError
from fimiscope.records import Article, Unreadable
from fimiscope.review.candidates import UNKNOWN_LANGUAGE
from fimiscope.review.queue import Queue, QueueItem


def disputed_queue(path: Path, articles: Iterable[Article | Unreadable], codebook: Codebook) -> Queue:
    """The texts of a file that `fimiscope review merge` wrote, with what each reader said, in the file's order.

    Raises:
        ReadingError: the file is missing or not of this kind.
        CorpusError: a text is not among the articles as it was labelled.
    """
    rows = _rows(path)
    wanted = {_identity(row) for row in rows}
    found: dict[tuple[str, str], Article] = {}
    for article in articles:
        if isinstance(article, Article) and (key := (article.id, sha256_of_text(article.text))) in wanted:
            found[key] = article
    if missing := [row["id"] for row in rows if _identity(row) not in found]:
        raise CorpusError(
            f"{len(missing)} of {len(rows)} disputed texts are not in --articles as they were labelled, the first: "
            f"{missing[0]}: give the inputs that the first queue was built from, in the same order"
        )
    items = [
        QueueItem(
            article=found[_identity(row)],
            language=row.get("language") or UNKNOWN_LANGUAGE,
            kind="disputed",
            why=f"readers differ on {', '.join(row['disputed'])}",
            # Who said what must not weigh with the one who decides.
            readings=tuple({name: one[name] for name in one if name != "annotator"} for one in row["readings"]),
            corpus=row["corpus"],
        )
        for row in rows
    ]
    return Queue(tuple(items), codebook)


def _identity(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["id"], row["sha256"]


def _rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ReadingError(f"{path} cannot be read ({getattr(error, 'strerror', 'it is no UTF-8 text')})") from error
    try:
        rows = [json.loads(line) for line in lines if line.strip()]
        if not all({"id", "corpus", "sha256", "disputed", "readings"} <= row.keys() for row in rows):
            raise ValueError
    except (ValueError, AttributeError) as error:
        raise ReadingError(f"{path} is no list of disputed texts, as `fimiscope review merge` writes it") from error
    if not rows:
        raise ReadingError(f"{path} holds no disputed text")
    return rows
