"""The words of the annotators' page."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import get_args

from fimiscope.review.page import words
from fimiscope.review.queue import Kind


def test_every_word_is_there_in_both_languages_and_is_said() -> None:
    english, french = words()["en"], words()["fr"]
    assert list(english) == list(french)
    assert all(set(re.findall(r"\{\w+\}", english[key])) == set(re.findall(r"\{\w+\}", french[key])) for key in english)
    folder = files("fimiscope.review")
    script, page = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("page.js", "page.html"))
    # Numbers and kinds are put in as the page runs.
    said = set(re.findall(r'"(\w+)"', script)) | set(re.findall(r"\$(\w+)", page))
    said |= {f"kind_{kind.replace(' ', '_')}" for kind in get_args(Kind)}
    assert {re.sub(r"_(one|other)$", "", key) for key in english} <= said
