"""One self-contained page for people: nothing is loaded from elsewhere, and nothing in an article can run."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from fimiscope.codebook import Codebook
from fimiscope.predict.passages import Passage, marked
from fimiscope.predict.writing.words import asset, entry_words, words
from fimiscope.records import Verdict
from fimiscope.web_page import json_for_script, policy_hash

MOST_ROWS = 10_000
_PRIORITY = {"flagged": 2, "abstained": 2, "failed": 1, "clear": 0}


class PageRows:
    """The rows that a page shows; memory holds no others.

    Flagged and abstained articles come first, by probability, then those that failed, then the likeliest clear ones.
    """

    def __init__(self, codebook: Codebook, *, most_rows: int = MOST_ROWS) -> None:
        self._codebook = codebook
        self._most_rows = most_rows
        self._outcomes: Counter[str] = Counter()
        self._model: dict[str, str] = {}
        # A heap: the row that would go first stands first. Ties go to the article that came first.
        self._kept: list[tuple[int, float, int, bytes]] = []

    def open(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, verdict: Verdict, passages: Sequence[Passage]) -> None:
        self._model = self._model or verdict.model
        self._outcomes[verdict.outcome] += 1
        rank = (_PRIORITY[verdict.outcome], verdict.flag_probability or 0.0, -self._outcomes.total())
        if len(self._kept) < self._most_rows:
            heapq.heappush(self._kept, (*rank, json_for_script(_row(verdict, passages)).encode()))
        elif rank > self._kept[0][:3]:
            heapq.heapreplace(self._kept, (*rank, json_for_script(_row(verdict, passages)).encode()))

    def close(self, *, complete: bool) -> None:
        try:
            if complete:
                before, after = _page(self._about())
                self._file.write(before + b"[")
                for number, (*_, row) in enumerate(sorted(self._kept, reverse=True)):
                    self._file.write(b",\n" * bool(number) + row)
                self._file.write(b"]" + after)
        finally:
            self._file.close()

    def _about(self) -> dict[str, Any]:
        return {
            "model": self._model,
            "codebook": {
                "version": self._codebook.version,
                "roles": [entry_words(entry) for entry in self._codebook.roles],
                "actors": [entry_words(entry) for entry in self._codebook.actors],
                "narratives": [entry_words(entry) for entry in self._codebook.narratives],
            },
            "outcomes": {name: self._outcomes[name] for name in _PRIORITY},
            "most": self._most_rows,
            "left_out": self._outcomes.total() - len(self._kept),
        }


def _row(verdict: Verdict, passages: Sequence[Passage]) -> dict[str, Any]:
    read = verdict.outcome in ("flagged", "abstained")
    scores = verdict.narratives or {}
    evidence = (verdict.evidence or ()) if read else ()
    # Without passages the evidence stands alone.
    shown = passages or [Passage(one.field, one.start, one.text) for one in evidence]
    return {
        "id": verdict.id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "probability": verdict.flag_probability,
        "role": verdict.role_label,
        "narratives": [[code, scores.get(code)] for code in verdict.narratives_flagged or ()],
        "actors": list((verdict.actors or {}).items()) if read else [],
        "language": verdict.language,
        **{name: verdict.article.get(name) for name in ("title", "url", "outlet", "published")},
        "passages": [
            {
                "field": passage.field,
                "start": passage.start,
                "pieces": [[piece.text, piece.heads] for piece in marked(passage, evidence)],
            }
            for passage in (shown if read else ())
        ],
    }


def _page(about: dict[str, Any]) -> tuple[bytes, bytes]:
    """What stands before and after the rows."""
    style, script = asset("house.css") + asset("page.css"), asset("page.js")
    values = {
        **words()["en"],
        "style": style,
        "script": script,
        "style_hash": policy_hash(style),
        "script_hash": policy_hash(script),
        "words_json": json_for_script(words()),
        "about_json": json_for_script(about),
    }
    before, after = (Template(part).substitute(values).encode() for part in asset("page.html").split("$rows_json"))
    return before, after
