"""The queue as one self-contained page on which people label by keyboard."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from fimiscope.codebook import NO_ROLE, Codebook
from fimiscope.predict.writing.words import asset as shared_asset
from fimiscope.predict.writing.words import entry_words
from fimiscope.reading import sentences
from fimiscope.review.queue import Queue, QueueItem
from fimiscope.web_page import json_for_script, policy_hash


def queue_page(queue: Queue, *, show_model: bool) -> str:
    """The page as HTML. Without `show_model` nothing in it tells what the model said or why a text was chosen.

    It loads nothing, and a content security policy lets nothing run but its own script.
    """
    style, script = shared_asset("house.css") + _asset("page.css"), _asset("page.js")
    values = {
        **words()["en"],
        "style": style,
        "script": script,
        "style_hash": policy_hash(style),
        "script_hash": policy_hash(script),
        "words_json": json_for_script(words()),
        "about_json": json_for_script(_about(queue)),
        "items_json": json_for_script([_item(item, show_model=show_model) for item in queue.items]),
    }
    return Template(_asset("page.html")).substitute(values)


@cache
def words() -> dict[str, dict[str, str]]:
    """What the page says, by language and key; every language has the same keys."""
    document: dict[str, dict[str, str]] = json.loads(_asset("words.json"))
    return document


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _about(queue: Queue) -> dict[str, Any]:
    return {"queue": queue.digest, "no_role": NO_ROLE, "codebook": _codebook(queue.codebook)}


def _codebook(codebook: Codebook) -> dict[str, Any]:
    return {
        "version": codebook.version,
        "question": codebook.question,
        "roles": [entry_words(entry) for entry in codebook.roles],
        "actors": [entry_words(entry) for entry in codebook.actors],
        "narratives": [entry_words(entry) for entry in codebook.narratives],
        "africa": entry_words(codebook.africa),
    }


def _item(item: QueueItem, *, show_model: bool) -> dict[str, Any]:
    text = item.article.text
    verdict = item.verdict
    shown: dict[str, Any] = {
        **item.identity,
        "title": item.article.title,
        "text": text,
        "sentences": [[_units(text, span.start), _units(text, span.end)] for span in sentences(text)],
        "readings": list(item.readings),
    }
    if show_model:
        shown |= {"kind": item.kind, "why": item.why}
        if verdict is not None and verdict.role_label is not None:
            shown["model"] = {
                "role": verdict.role_label,
                "probability": verdict.flag_probability,
                "narratives": list(verdict.narratives_flagged or ()),
            }
    return shown


def _units(text: str, characters: int) -> int:
    """An offset in UTF-16 units, by which JavaScript counts."""
    return len(text[:characters].encode("utf-16-le")) // 2
