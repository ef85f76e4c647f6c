"""From the files of public repositories to the labelled texts: a small converter for each kind of file.

A converter need not know how exactly a labelled text was cut out: it offers candidates, and a candidate is taken when
its SHA-256 is that of a labelled text. So whatever comes out is letter by letter what was labelled.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fimiscope.checksums import sha256_of_text
from fimiscope.errors import CorpusError

_LONGEST_PASSAGE = 1900
_LONGEST_RUN = 2 * _LONGEST_PASSAGE
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")


def convert(kind: str, files: Iterable[Path], wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The labelled texts that are in some files, by id.

    Args:
        kind: name of the converter.
        wanted: SHA-256 of a labelled text: its ids.

    Raises:
        CorpusError: a file is not of the kind that the converter reads.
    """
    texts: dict[str, str] = {}
    for file in files:
        try:
            for candidate in CONVERTERS[kind](file):
                texts.update(dict.fromkeys(wanted.get(sha256_of_text(candidate), ()), candidate))
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error, zipfile.BadZipFile) as error:
            raise CorpusError(
                f"{file} is no file that the converter '{kind}' reads ({type(error).__name__})"
            ) from error
    return texts


def _channel(file: Path) -> Iterator[str]:
    """Dumps of the two Sputnik channels: year, month, day, then posts with url, title and content."""
    for months in json.loads(file.read_text(encoding="utf-8"))["data"].values():
        for days in months.values():
            for posts in days.values():
                for post in posts:
                    yield from _post_texts(post["url"], post["title"].strip(), post["content"])


def _post_texts(url: str, title: str, content: str) -> list[str]:
    if url.startswith("http"):
        headed = f"{title}\n\n{content.removeprefix(title).strip()}"
        return [content, f"{content}\n\n", f"{title}\n\n{content}", headed]
    post = re.sub(r"\s*(?:Subscribe|🔸 TikTok).*", "", content, flags=re.DOTALL).strip()
    return [content.strip(), post, re.sub(r"\A📱[^\n]*\n+", "", post)]


def _posts(file: Path) -> Iterator[str]:
    """Timelines as a web client receives them; a long post has its whole text apart."""
    for post in _nested_posts(json.loads(file.read_text(encoding="utf-8"))):
        long = post.get("note_tweet", {}).get("note_tweet_results", {}).get("result", {}).get("text")
        yield re.sub(r"https?://\S+", "", html.unescape(long or post["legacy"]["full_text"])).strip()


def _nested_posts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "full_text" in (value.get("legacy") or {}):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _nested_posts(inner)


def _cells(file: Path) -> Iterator[str]:
    """Every cell of a csv, a tsv or a zip of csv files, and headline and text of news articles put together."""
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            tables = [archive.read(name).decode("utf-8-sig") for name in archive.namelist() if name.endswith(".csv")]
    else:
        tables = [file.read_text(encoding="utf-8")]
    csv.field_size_limit(max(csv.field_size_limit(), *map(len, tables)))
    for table in tables:
        for row in csv.reader(io.StringIO(table), delimiter=_delimiter(file, table)):
            cells = [cell for whole in row for cell in (whole, whole.strip())]
            yield from cells
            yield from (f"{row[1].strip()}\n\n{cell}" for cell in cells if len(row) == 4)


def _delimiter(file: Path, table: str) -> str:
    header = table.partition("\n")[0]
    return "\t" if file.suffix == ".tsv" else ";" if header.count(";") > header.count(",") else ","


def _article(file: Path) -> Iterator[str]:
    """A page with front matter: its title and its whole text."""
    head, _, body = file.read_text(encoding="utf-8").removeprefix("---\n").partition("\n---")
    found = re.search(r"^title: (.*)$", head, re.MULTILINE)
    title = found[1].strip() if found else ""
    even = re.sub(r"\n\s*\n", "\n\n", re.sub(r"[ \t]+", " ", body)).strip()
    yield from (f"{title}\n\n{text}" for text in (body.strip(), even))


def _passages(file: Path) -> Iterator[str]:
    """Every run of paragraphs of a Markdown page that is no longer than a passage can be."""
    page = file.read_text(encoding="utf-8")
    page = re.sub(r"\A---\n.*?\n---[ ]*\n", "", page, flags=re.DOTALL)
    page = _LINK.sub(r"\1", _IMAGE.sub("", re.sub(r"<[^>]+>", " ", page)))
    page = re.sub(r"[ \t]+", " ", re.sub(r"[*_`#>]", "", page))
    paragraphs = [paragraph for paragraph in re.split(r"\n\s*\n", page) if paragraph.strip()]
    for first in range(len(paragraphs)):
        run = ""
        for paragraph in paragraphs[first:]:
            run = f"{run}\n\n{paragraph}" if run else paragraph
            yield run[:_LONGEST_PASSAGE].strip()
            if len(run) > _LONGEST_RUN:
                break
            yield run.strip()


CONVERTERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "channel": _channel,
    "posts": _posts,
    "cells": _cells,
    "article": _article,
    "passages": _passages,
}
