"""What results say to people, in English and French."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from fimiscope.codebook import Entry


@cache
def words() -> dict[str, dict[str, str]]:
    """The words of `words.json` by language and key; every language has the same keys."""
    document: dict[str, dict[str, str]] = json.loads(asset("words.json"))
    return document


def entry_words(entry: Entry) -> dict[str, Any]:
    """What a page says of one role, actor or narrative."""
    return {"code": entry.code, "name": entry.name, "definition": entry.definitions}


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
