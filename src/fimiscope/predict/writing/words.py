"""What results say to people, in English and French."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def words() -> dict[str, dict[str, str]]:
    """The words of `words.json` by language and key; every language has the same keys."""
    document: dict[str, dict[str, str]] = json.loads(asset("words.json"))
    return document


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
