"""Single documents: txt, Markdown and HTML files, each one article."""

from __future__ import annotations

import codecs
import io
import re
from datetime import date, datetime
from typing import Any, BinaryIO

from fimiscope.reading.encoding import decode, detect_encoding
from fimiscope.reading.inputs import Source
from fimiscope.records import Article, Unreadable

LARGEST_DOCUMENT = 50_000_000
LARGEST_PAGE = 10_000_000
MOST_ELEMENTS = 100_000
_PIECE = 1 << 16
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# Python also knows codecs that are no encodings of letters, and some that run away on hostile input.
_OF_THE_WEB = re.compile("(?:cp|iso8859|koi8|gb|big5|shift_jis|euc_|mac_).*")
_ELEMENT = re.compile(r"<[a-zA-Z]")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?\r?\n)?---[ \t]*(?:\r?\n|$)", re.DOTALL)
# Front matter of web sites says `date`; the other names are ours.
_FRONT_FIELDS = {"title": "title", "date": "published", "published": "published", "outlet": "outlet", "url": "url"}
_FRONT_FIELDS |= {"language": "language", "id": "id"}


def read_document(source: Source) -> Article | Unreadable:
    """Read one file as one article; its id is its name below the given folder."""
    largest = LARGEST_PAGE if source.kind == "html" else LARGEST_DOCUMENT
    try:
        with source.open() as stream:
            data = _read_past(stream, largest)
    except OSError as error:
        return _unreadable(source, f"the file cannot be read ({error.strerror or 'input error'})")
    if len(data) > largest:
        return _unreadable(source, f"it has more than {largest:,} bytes, which is the most that is read")
    encoding = _html_encoding(data) if source.kind == "html" else detect_encoding(io.BytesIO(data))
    text, fault = decode(data, encoding)
    if fault is not None:
        return _unreadable(source, fault)
    if source.kind == "html":
        return _page(source, text)
    if source.kind == "markdown":
        return _markdown(source, text)
    return Article(source.name, text, place=source.place)


def _read_past(stream: BinaryIO, largest: int) -> bytes:
    """All of a stream, or a little more than `largest` bytes where it has more."""
    data = bytearray()
    while len(data) <= largest and (piece := stream.read(_PIECE)):
        data += piece
    return bytes(data)


def _unreadable(source: Source, reason: str) -> Unreadable:
    return Unreadable(source.name, reason, source.place)


def _markdown(source: Source, text: str) -> Article:
    found = _FRONT_MATTER.match(text)
    fields = _front_fields(found[1] or "") if found else None
    if found is None or fields is None:
        return Article(source.name, text, place=source.place)
    identity = fields.pop("id", None) or source.name
    return Article(identity, text[found.end() :], **fields, place=source.place)


def _front_fields(block: str) -> dict[str, str] | None:
    """Our fields in a front matter block; `None` when it is none, so that no words of a text get lost."""
    import yaml

    try:
        document: Any = yaml.safe_load(block)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if document is None:
        return {}
    if not isinstance(document, dict):
        return None
    fields: dict[str, str] = {}
    for key, value in document.items():
        field = _FRONT_FIELDS.get(str(key).lower())
        if field and isinstance(value, str | int | float | date) and not isinstance(value, bool) and str(value).strip():
            fields[field] = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return fields


def _html_encoding(data: bytes) -> str:
    """The encoding of a page: what its bytes show, and only where they are not UTF-8 what the page declares."""
    detected = detect_encoding(io.BytesIO(data))
    if detected != "cp1252":
        return detected
    declared = _CHARSET.search(data[:4096])
    try:
        # Browsers read a page that declares Latin-1 as Windows-1252, which holds the quotes and dashes pages use.
        name = codecs.lookup(declared[1].decode("ascii")).name if declared else "cp1252"
    except (LookupError, UnicodeDecodeError):
        name = "cp1252"
    return name if _OF_THE_WEB.fullmatch(name) and name != "iso8859-1" else "cp1252"


def _page(source: Source, page: str) -> Article | Unreadable:
    elements = sum(1 for _ in _ELEMENT.finditer(page))
    if elements > MOST_ELEMENTS:
        return _unreadable(source, f"the page has {elements:,} elements, at most {MOST_ELEMENTS:,} are read")
    import trafilatura

    try:
        document = trafilatura.bare_extraction(page, include_comments=False, with_metadata=True)
    except Exception as error:  # noqa: BLE001 - a page that breaks the parser must not stop the others
        return _unreadable(source, f"the page cannot be parsed ({type(error).__name__})")
    if document is None or not (document.text or "").strip():
        return _unreadable(source, "the page holds no article text")
    return Article(
        source.name,
        document.text,
        title=document.title or None,
        published=document.date or None,
        outlet=document.sitename or document.hostname or None,
        url=document.url or None,
        place=source.place,
    )
