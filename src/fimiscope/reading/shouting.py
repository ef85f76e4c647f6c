"""Text in capitals, read as if it were not: encoders have seen little of it, and it says nothing else."""

from __future__ import annotations

import re

FEWEST_WORDS = 6
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_START = re.compile(r"(?:^|[.!?…:\n])[\W_]*([^\W\d_])")


def calm(text: str) -> str:
    """The text with every run of `FEWEST_WORDS` or more words in capitals in small letters, but for those that begin
    a sentence. Abbreviations and short headings stay. The length does not change.
    """
    if b"\1" * FEWEST_WORDS not in bytes(map(str.isupper, _WORD.findall(text))):
        return text
    words = list(_WORD.finditer(text))
    letters = list(text)
    first = 0
    while first < len(words):
        last = first
        while last < len(words) and words[last].group().isupper():
            last += 1
        if last - first >= FEWEST_WORDS:
            start, end = words[first].start(), words[last - 1].end()
            letters[start:end] = _lowered(text[start:end])
        first = last + 1
    return "".join(letters)


def _lowered(shouted: str) -> list[str]:
    # A few capitals have no small form of one character: they stay, so that offsets do.
    letters = [small if len(small := letter.lower()) == 1 else letter for letter in shouted]
    for start in _SENTENCE_START.finditer(shouted):
        letters[start.start(1)] = shouted[start.start(1)]
    return letters
