"""Noise at the two ends of an article: dates and wire prefixes on top, lists of sources or links at the bottom."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fimiscope.reading.dates import DATE, WEEKDAY, is_date_line
from fimiscope.reading.debris import any_of, lines_of
from fimiscope.reading.noise import Edit, Rule

_TOP_LINES = 6

_NAME = r"[A-ZÀ-Þ][\w .&'’/-]{1,29}"
_PLACE = r"[A-ZÀ-Þ][\w'’.-]*(?: [\w'’.-]+){0,3}"
_PLACES = rf"{_PLACE}(?:, ?{_PLACE})?"
_DASH = r"\s*[-–—]{1,2}\s+"
# Without a date, `Place (NAME) -` is a wire prefix only with an agency's name: `The Union (AU) - long awaited` is not.
_AGENCY = any_of(
    "AFP|AP|Reuters|Xinhua|TASS|Tass|Sputnik|RIA Novosti|Interfax|ANSA|EFE|DPA|dpa|UPI|Bloomberg|Anadolu|AA|IANS|PTI",
    "ANI|Kyodo|Yonhap|CNN|BBC|VOA|RFI|APA|APANEWS|PANA|Pana|APS|MAP|TAP|AIB|AMAP|ANP|ABP|AIP|AGP|ATOP|GNA|NAN|SUNA|MENA",
    "ENA|KBC|SANews|Ecofin|Agence Ecofin",
)
_WIRE_DATED = (
    rf"{_PLACES},?\s+(?:le\s+)?(?:{WEEKDAY}\s+)?{DATE}\.?\s*(?:\({_NAME}\)\.?{_DASH}|/{_NAME}/\.?(?:{_DASH}|\s+))"
)
_WIRE_PLACED = rf"(?!(?:The|Le|La|Les|Une?|An?) |L['’]){_PLACES}\s*\({_AGENCY}\){_DASH}"
_WIRE = re.compile(rf"{_WIRE_DATED}|\({_NAME}\){_DASH}|{_WIRE_PLACED}")

_LARGEST_TAIL = 0.25
_TOO_SHORT_FOR_A_SENTENCE = 4
_MOST_WORDS_OF_SOURCE = 12
_MOST_WORDS_OF_TITLE = 25
_SOURCES = any_of(
    "sources?|références?|references|bibliographie|bibliography|footnotes|notes de bas de page|liens|links",
    "further reading",
)
_LINKS = any_of("related articles?(?:more from author)?|read also|(?:à )?lire aussi|sur le même sujet")
_FIRST = r"[\[(]?1\s?[/.)\]]"
_HEADING = re.compile(rf"\W{{0,4}}(?:{_SOURCES}|(?P<links>{_LINKS}))\s*(?::|(?={_FIRST})|$)(?P<rest>.*)", re.IGNORECASE)
_INLINE = re.compile(r"(?:(?<=[.!?…»\"”)])|(?<=[.!?…»\"”)]\s)|(?<=\n))Sources?\s?:?\s?[\[(]?1\s?[/)\]].*\Z", re.DOTALL)
_BRACKETED = re.compile(r"[(\[]Sources?\s*:[^()\[\]\n]{0,120}[)\]]\s*\Z", re.IGNORECASE)
_ENUMERATED = re.compile(r"[\[(]?\d{1,2}\s?[/.)\]]|[-•*]\s")


def _top_lines(text: str) -> Iterable[tuple[int, str]]:
    seen = 0
    for start, end, line in lines_of(text):
        if line:
            yield text.index(line, start, end), line
            seen += 1
        if seen == _TOP_LINES:
            return


def _wire_prefixes(text: str) -> Iterable[Edit]:
    for start, line in _top_lines(text):
        if ("(" in line or "/" in line) and (found := _WIRE.match(line[:200])):
            yield start, start + found.end(), ""


def _dates_on_top(text: str) -> Iterable[Edit]:
    for start, line in _top_lines(text):
        if is_date_line(line):
            yield start, start + len(line), ""


def _lists_at_the_end(text: str) -> Iterable[Edit]:
    """Never more than a quarter of the text, never its first line, and never sentences."""
    earliest = int(len(text) * (1 - _LARGEST_TAIL)) + 1
    found = _INLINE.search(text, earliest) if text.find("Source", earliest) >= 0 else None
    if found := found or _BRACKETED.search(text, earliest):
        yield found.start(), len(text), ""
        return
    lines = [(start, line) for start, _, line in lines_of(text) if start >= earliest]
    for number, (start, line) in enumerate(lines):
        found = _HEADING.fullmatch(line)
        if found is None:
            continue
        most = _MOST_WORDS_OF_TITLE if found["links"] else _MOST_WORDS_OF_SOURCE
        entries = [found["rest"].strip(), *(line for _, line in lines[number + 1 :])]
        if all(_is_entry(entry, most) for entry in entries):
            yield start, len(text), ""
            return


def _is_entry(line: str, most_words: int) -> bool:
    words = len(line.split())
    if words <= _TOO_SHORT_FOR_A_SENTENCE or _ENUMERATED.match(line):
        return True
    return words <= most_words and line[-1] not in ".!?…"


TOP_RULES: tuple[tuple[str, Rule], ...] = (("wire prefixes", _wire_prefixes), ("dates on top", _dates_on_top))
END_RULE: tuple[str, Rule] = ("lists at the end", _lists_at_the_end)
