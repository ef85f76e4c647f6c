"""Sentences of a text as spans of it, in any script; tuned for English and French."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from fimiscope.reading.dates import MONTH
from fimiscope.records import Span

_LONGEST_RUN = 40
_WIDE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# A word: two characters of a script without spaces, or a run of others.
_UNIT = re.compile(f"[{_WIDE}\U00020000-\U0003ffff]{{1,2}}|[^\\s{_WIDE}\U00020000-\U0003ffff]{{1,{_LONGEST_RUN}}}")
_CLAUSE_END = ",;:،؛、，；：—–"

_CLOSERS = r"(?:[\s\u202f]?»|[\"'”’)\]}›*_])*"
_END = re.compile(
    rf"(?P<line>[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])"
    rf"|(?P<wide>[。！？｡]+[」』】”’）》〉\"']*)"
    rf"|(?P<bullet>(?<=\s)(?=[•▪●◦‣■]))"
    rf"|(?P<stop>[.!?…؟۔।॥։።፧]+){_CLOSERS}(?=\s|$)"
    # Scraped pages lose the space between sentences: `du pays.Les soldats`, `…avenir commun."Il a dit`.
    rf"|(?P<glued>(?<=[^\W\d_]{{2}})[.!?…]+(?=[A-ZÀ-Þ][a-zà-ÿ'’])|[.!?][\"”»](?=[A-ZÀ-Þ]))"
)
_WORD_BEFORE = re.compile(r"[^\s(\[\"'’“«»]*$")
_MONTH_AFTER = re.compile(rf"\s+{MONTH}")

_TITLE = re.compile(
    "mr|mrs|ms|mm|mme|mmes|mlle|dr|drs|prof|pr|st|ste|gen|gén|col|lt|capt|cdt|cmdr|sgt|sen|sén|rep|gov|hon|rev|amb|pres|"
    r"prés|messrs|maj|adm|vs|cf|av|bd|tél|tel|e\.g|i\.e|p\.ex|c\.-à-d|c\.à\.d",
    re.IGNORECASE,
)
_BEFORE_NUMBER = re.compile("pp?|nos?|nr|n|art|al|fig|vol|ed|éd|ch|chap|sec|par|ca|env|approx|tab", re.IGNORECASE)
_ABBREVIATION = re.compile(
    "etc|inc|ltd|co|corp|bros|jr|sr|dept|univ|min|max|al|ex|approx|env|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|janv|"
    "févr|avr|juil|déc",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}|[^\W\d_]")
_STARTERS = re.compile(
    r"\s+[\"'“«(]?\s?(?:(?:The|An?|It|He|She|They|We|I|You|In|On|At|But|And|This|That|These|Those|There|As|For|From|Its|His|Her|Their|When|While|After|"
    r"Before|If|However|Meanwhile|Now|Le|La|Les|Une?|Des|Ils?|Elles?|On|Ce|Cette|Ces|Mais|Et|En|Dans|Pour|Par|Sur|Selon|Aux?|De|Du|Nous|Vous|Je|Qui|"
    r"Quand|Si|Or|Donc|Ainsi|Cependant|Depuis)\b|[LDCJNSM]['’])"
)


def sentences(text: str, *, most_words: int = 60) -> list[Span]:
    """Cut a text into sentences: spans in order, without white space at their edges, that cover all else.

    Line ends and bullets part sentences too. A sentence of more than `most_words` words is cut at a comma or other
    clause mark where one stands in its second half, else between words; two characters of a script without spaces,
    and 40 characters without a space, count as a word.

    Raises:
        ValueError: `most_words` is less than 1.
    """
    if most_words < 1:
        raise ValueError(f"most_words must be at least 1, not {most_words}")
    spans: list[Span] = []
    for start, end in _pieces(text):
        piece = text[start:end]
        start += len(piece) - len(piece.lstrip())
        end -= len(piece) - len(piece.rstrip())
        if start < end:
            spans.extend(_short_enough(text, start, end, most_words))
    return spans


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _END.finditer(text):
        if found["stop"] and not _ends_sentence(text, found):
            continue
        yield start, found.end()
        start = found.end()
    yield start, len(text)


def _ends_sentence(text: str, found: re.Match[str]) -> bool:
    after = text[found.end() : found.end() + 40]
    following = after.lstrip()[:1]
    if following.islower():
        return False
    if found["stop"] != ".":
        return True
    before = _WORD_BEFORE.search(text, max(0, found.start() - 20), found.start())
    word = before[0] if before else ""
    if _TITLE.fullmatch(word):
        return False
    if _BEFORE_NUMBER.fullmatch(word) and following.isdigit():
        return False
    if word.isdigit() and (_MONTH_AFTER.match(after) or _opens_line(text, found.start() - len(word))):
        return False
    if _ABBREVIATION.fullmatch(word) or _DOTTED.fullmatch(word):
        return not following or _STARTERS.match(after) is not None
    return True


def _opens_line(text: str, at: int) -> bool:
    before = text[max(0, at - 10) : at]
    return (at < 10 or "\n" in before) and not before.rpartition("\n")[2].strip(" \t([#*-")


def _short_enough(text: str, start: int, end: int, most_words: int) -> Iterator[Span]:
    if end - start <= most_words:
        yield Span(start, end)
        return
    words = [found.span() for found in _UNIT.finditer(text, start, end)]
    first = 0
    while len(words) - first > most_words:
        last = first + most_words
        for candidate in range(last, first + most_words // 2, -1):
            if text[words[candidate - 1][1] - 1] in _CLAUSE_END:
                last = candidate
                break
        else:
            last = _not_inside_a_letter(text, words, first, last)
        yield Span(words[first][0], words[last - 1][1])
        first = last
    yield Span(words[first][0], end)


def _not_inside_a_letter(text: str, words: list[tuple[int, int]], first: int, last: int) -> int:
    """A place for the cut at or before `last` that leaves marks and joined emoji with their letters."""
    for candidate in range(last, first + 1, -1):
        following = text[words[candidate][0]]
        if words[candidate][0] > words[candidate - 1][1] or not (
            unicodedata.combining(following) or following in "\u200c\u200d\ufe0f"
        ):
            return candidate
    return last
