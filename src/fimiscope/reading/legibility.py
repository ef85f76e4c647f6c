"""Whether a text is something that can be read at all."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

FEWEST_LETTERS = 20
_MOST_CHARACTERS = 20_000
_LEAST_SHARE_OF_LETTERS = 0.4
_FEWEST_DIFFERENT_LETTERS = 6
_FEWEST_TOKENS = 8
_MOST_OF_ONE_TOKEN = 0.5
_MOST_DAMAGED = 0.2
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# A long hashtag is made of words.
_ENCODED = re.compile(r"(?<![#\w+/=-])[\w+/=-]{40,}", re.ASCII)
# What UTF-8 letters become when they are read as Latin-1 or Windows-1252.
_LATIN_DAMAGE = "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
_DAMAGED = re.compile(f"[ÂÃÐÑØÙÚÛ]{_LATIN_DAMAGE}|[áàâãäåæèé]{_LATIN_DAMAGE}{{2}}|\ufffd")


def legibility_fault(text: str) -> str | None:
    """Why a text cannot be judged; `None` when it can.

    The reasons: `empty`; `too short: N letters, at least 20 needed`; `not language: …` for digits and symbols, encoded
    data, one word over and over, and letters damaged by a wrong encoding. Letters of every script count alike, those of
    web addresses not at all, so a headline or post of 20 letters passes. Judges the first 20,000 characters.
    """
    text = text[:_MOST_CHARACTERS]
    if not text.strip():
        return "empty"
    text = _ADDRESS.sub("", text)
    letters = sum(map(str.isalpha, text))
    if letters < FEWEST_LETTERS:
        return f"too short: {letters} letters, at least {FEWEST_LETTERS} needed"
    for what, fits in (
        ("letters damaged by a wrong encoding", _is_damaged),
        ("mostly digits and symbols", _is_symbols),
        ("the same over and over", _is_repetition),
        ("encoded data", _is_encoded),
    ):
        if fits(text):
            return f"not language: {what}"
    return None


def _is_symbols(text: str) -> bool:
    kinds = Counter(map(unicodedata.category, text))
    # Marks belong to letters; so do the joiners that Persian and Indic scripts spell with.
    words = sum(number for kind, number in kinds.items() if kind[0] in "LM" or kind == "Cf")
    others = sum(number for kind, number in kinds.items() if kind[0] in "NPS")
    # A post may be full of emoji; forty letters of words are still words.
    pictures = kinds["So"] + kinds["Sk"]
    return words < _LEAST_SHARE_OF_LETTERS * (words + others - pictures)


def _is_damaged(text: str) -> bool:
    damaged = sum(len(found[0]) for found in _DAMAGED.finditer(text))
    return damaged > _MOST_DAMAGED * len("".join(text.split()))


def _is_encoded(text: str) -> bool:
    words = _ENCODED.sub("", text)
    return len(words) < len(text) and sum(map(str.isalpha, words)) < FEWEST_LETTERS


def _is_repetition(text: str) -> bool:
    if len({letter for letter in text.lower() if letter.isalpha()}) < _FEWEST_DIFFERENT_LETTERS:
        return True
    tokens = [token for token in text.lower().split() if any(map(str.isalpha, token))]
    if len(tokens) < _FEWEST_TOKENS:
        return False
    return Counter(tokens).most_common(1)[0][1] > _MOST_OF_ONE_TOKEN * len(tokens)
