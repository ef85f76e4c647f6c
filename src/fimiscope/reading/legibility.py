"""Whether a text is something that can be read at all."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

import numpy as np

FEWEST_LETTERS = 20
_MOST_CHARACTERS = 20_000
_LEAST_SHARE_OF_LETTERS = 0.4
_FEWEST_DIFFERENT_LETTERS = 6
_FEWEST_TOKENS = 8
_MOST_OF_ONE_TOKEN = 0.5
_MOST_DAMAGED = 0.2
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# A long hashtag is made of words.
_SHORTEST_ENCODED = 40
_ENCODED = re.compile(rf"(?<![#\w+/=-])[\w+/=-]{{{_SHORTEST_ENCODED},}}", re.ASCII)
# What UTF-8 letters become when they are read as Latin-1 or Windows-1252.
_LATIN_DAMAGE = "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
# Begins with one class, which the engine finds faster than alternatives.
_DAMAGED = re.compile(
    f"[ÂÃÐÑØÙÚÛáàâãäåæèé\ufffd](?:(?<=[ÂÃÐÑØÙÚÛ]){_LATIN_DAMAGE}|(?<=[áàâãäåæèé]){_LATIN_DAMAGE}{{2}}|(?<=\ufffd))"
)


def legibility_fault(text: str) -> str | None:
    """Why a text cannot be judged; `None` when it can.

    The reasons: `empty`; `too short: N letters, at least 20 needed`; `not language: …` for digits and symbols, encoded
    data, one word over and over, and letters damaged by a wrong encoding. Letters of every script count alike, those of
    web addresses not at all, so a headline or post of 20 letters passes. Judges the first 20,000 characters.
    """
    text = text[:_MOST_CHARACTERS]
    if not text.strip():
        return "empty"
    if "://" in text or "www." in text.lower():
        text = _ADDRESS.sub("", text)
    characters = _count_characters(text)
    letters = _count_letters(characters)
    if letters < FEWEST_LETTERS:
        return f"too short: {letters} letters, at least {FEWEST_LETTERS} needed"
    if _is_damaged(text):
        return "not language: letters damaged by a wrong encoding"
    if _is_symbols(characters):
        return "not language: mostly digits and symbols"
    if _is_repetition(text):
        return "not language: the same over and over"
    return "not language: encoded data" if _is_encoded(text) else None


def count_letters(text: str) -> int:
    """How many characters are letters, in any script."""
    return _count_letters(_count_characters(text))


def _count_characters(text: str) -> dict[str, int]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    found, numbers = np.unique(codes, return_counts=True)
    return dict(zip(map(chr, found.tolist()), numbers.tolist(), strict=True))


def _count_letters(characters: Mapping[str, int]) -> int:
    return sum(number for character, number in characters.items() if character.isalpha())


def _is_symbols(characters: Mapping[str, int]) -> bool:
    kinds: Counter[str] = Counter()
    for character, number in characters.items():
        kinds[unicodedata.category(character)] += number
    # Marks belong to letters; so do the joiners that Persian and Indic scripts spell with.
    words = sum(number for kind, number in kinds.items() if kind[0] in "LM" or kind == "Cf")
    others = sum(number for kind, number in kinds.items() if kind[0] in "NPS")
    # A post may be full of emoji; forty letters of words are still words.
    pictures = kinds["So"] + kinds["Sk"]
    return words < _LEAST_SHARE_OF_LETTERS * (words + others - pictures)


def _is_damaged(text: str) -> bool:
    damaged = 0 if text.isascii() else sum(len(found[0]) for found in _DAMAGED.finditer(text))
    return damaged > 0 and damaged > _MOST_DAMAGED * len("".join(text.split()))


def _is_encoded(text: str) -> bool:
    if max(map(len, text.split()), default=0) < _SHORTEST_ENCODED:
        return False
    words = _ENCODED.sub("", text)
    return len(words) < len(text) and count_letters(words) < FEWEST_LETTERS


def _is_repetition(text: str) -> bool:
    text = text.lower()
    if sum(map(str.isalpha, set(text))) < _FEWEST_DIFFERENT_LETTERS:
        return True
    words = [number for token, number in Counter(text.split()).items() if any(map(str.isalpha, token))]
    if sum(words) < _FEWEST_TOKENS:
        return False
    return max(words) > _MOST_OF_ONE_TOKEN * sum(words)
