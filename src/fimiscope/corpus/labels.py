"""Labels as a file has them become `Labels`; what is wrong with them is said in a few words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fimiscope.codebook import Codebook
from fimiscope.records import Article, Labels, Span

# It becomes part of the names of metrics.
_LANGUAGE = re.compile(r"[A-Za-z0-9_-]+")
_YES = frozenset({"true", "yes", "1", "1.0"})
_NO = frozenset({"false", "no", "0", "0.0"})
_CONFIDENCES = {"high": "high", "low": "low", None: "high"}


def parse_labels(values: Mapping[str, Any]) -> Labels:
    """Labels from the fields role, actors, narratives, africa, evidence and confidence of one row.

    A value that is missing, null or empty text is not labelled (`None`); `[]` is labelled as empty.

    Raises:
        ValueError: says which field has an impossible value.
    """
    confidence = _CONFIDENCES.get(_lower(values.get("confidence")))
    if confidence is None:
        raise ValueError("confidence is neither high nor low")
    return Labels(
        role=as_text(values.get("role")),
        actors=_codes(values.get("actors"), "actors"),
        narratives=_codes(values.get("narratives"), "narratives"),
        africa=yes_or_no(values.get("africa"), "africa"),
        evidence=_spans(values.get("evidence")),
        confidence="low" if confidence == "low" else "high",
    )


def fault_of(article: Article, labels: Labels, codebook: Codebook) -> str | None:
    """Why a labelled article cannot be used, or `None` when it can."""
    if not any(character.isalpha() for character in article.text):
        return "no letters in the text"
    if article.language is not None and _LANGUAGE.fullmatch(article.language) is None:
        return "its language is no code, such as en or pt-BR (letters, digits, - and _)"
    if all(value is None for value in (labels.role, labels.actors, labels.narratives, labels.africa)):
        return "no label"
    if faults := codebook.faults(labels):
        return "not in the codebook: " + "; ".join(faults)
    if any(not 0 <= span.start < span.end <= len(article.text) for span in labels.evidence or ()):
        return "evidence outside the text"
    return None


def as_text(value: Any) -> str | None:
    """A cell as stripped text; `None` when nothing is in it."""
    return None if value is None or value != value else str(value).strip() or None


def yes_or_no(value: Any, name: str) -> bool | None:
    """A cell of the column `name` as a truth value; `None` when nothing is in it.

    Raises:
        ValueError: it holds anything else.
    """
    text = _lower(value)
    if text is None:
        return None
    if text not in _YES | _NO:
        raise ValueError(f"{name} is neither true nor false")
    return text in _YES


def _lower(value: Any) -> str | None:
    text = as_text(value)
    return None if text is None else text.lower()


def _codes(value: Any, name: str) -> tuple[str, ...] | None:
    found = _list(value, name)
    if found is None:
        return None
    if any(not isinstance(code, str) or not code.strip() for code in found):
        raise ValueError(f"{name} is no list of codes")
    return tuple(dict.fromkeys(code.strip() for code in found))


def _spans(value: Any) -> tuple[Span, ...] | None:
    found = _list(value, "evidence")
    if found is None:
        return None
    try:
        return tuple(sorted((Span(int(s["start"]), int(s["end"])) for s in found), key=lambda s: (s.start, s.end)))
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise ValueError('evidence is no list of {"start": …, "end": …}') from error


def _list(value: Any, name: str) -> list[Any] | None:
    """A list as jsonl and parquet store it, or as text: JSON, or `a; b`."""
    if isinstance(value, list | tuple):
        return list(value)
    text = as_text(value)
    if text is None:
        return None
    if not text.startswith("["):
        return [part for part in text.split(";") if part.strip()]
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} is no JSON list") from error
    return list(parsed)
