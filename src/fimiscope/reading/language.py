"""Which language a text is in."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from fimiscope.reading.legibility import count_letters

FEWEST_LETTERS = 20
_MOST_CHARACTERS = 2000
# Varieties that the model of the world's languages tells apart and our corpora do not.
_SAME = {
    "arz": "ar",
    "ary": "ar",
    "wuu": "zh",
    "yue": "zh",
    "nn": "no",
    "uzs": "uz",
    "sdh": "ku",
    "fuv": "ff",
    "kik": "ki",
}
_NO_LANGUAGE = "zxx"
_PIDGIN = re.compile(
    r"\b(?:dey|don(?!['’]t)|wey|wetin|dem|una|sey|pipo|oga|abeg|sabi|neva|wit|dia|afta|goment|comot|enta|pikin|palava|ova|dat|tori|"
    r"wia|di|dis|im|na)\b",
    re.IGNORECASE,
)


def identify_language(text: str) -> str | None:
    """ISO 639 code of the language (`en`, `fr`, `ar`, `pt`, `ha`, `pcm`, `sw`, …), of two letters where there is one.

    `None` when there is too little to tell: fewer than 20 letters, or nothing that looks like a language. Judges the
    first 2,000 characters. The first call takes about a second.
    """
    text = text[:_MOST_CHARACTERS]
    if count_letters(text) < FEWEST_LETTERS:
        return None
    code = str(_identifier().classify(text)[0])
    if code == _NO_LANGUAGE:
        return None
    if code == "pcm" and not _PIDGIN.search(text):
        # English headlines about West Africa look like Pidgin to the identifier, but hold none of its own words.
        return "en"
    return _SAME.get(code, code)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    # Kept in half precision and widened at every call; widened once, the scores are the same and come twice as fast.
    identifier.nb_ptc = identifier.nb_ptc.astype(np.float32)
    return identifier
