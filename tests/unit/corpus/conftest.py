"""Invented records and files for the corpus tests; real texts only where a test is marked `shared`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from fimiscope.checksums import sha256_of_text
from fimiscope.codebook import Codebook

WORDS = ["market", "river", "school", "harvest", "bridge", "council", "engine", "letter", "window", "garden", "teacher"]

WriteJsonl = Callable[[str, Iterable[dict[str, Any]]], Path]


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    return Codebook.load()


@pytest.fixture
def write_jsonl(tmp_path: Path) -> WriteJsonl:
    def write(name: str, rows: Iterable[dict[str, Any]]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def invent() -> Callable[[int], str]:
    """A text of 30 words for a number, unlike that of any other number."""

    def text(number: int) -> str:
        return " ".join(f"{WORDS[step % len(WORDS)]}{letters(number)}{letters(step)}" for step in range(30))

    def letters(number: int) -> str:
        return "".join(chr(ord("a") + int(digit)) for digit in str(number))

    return text


@pytest.fixture
def annotation() -> Callable[..., dict[str, Any]]:
    """An annotation of a text, `none` about nothing unless said otherwise."""

    def make(identity: str, text: str, corpus: str = "letters", **fields: Any) -> dict[str, Any]:
        empty: dict[str, Any] = {"role": "none", "actors": [], "narratives": [], "africa": False, "evidence": []}
        record = {
            "id": identity,
            "sha256": sha256_of_text(text),
            "corpus": corpus,
            "language": "en",
            "confidence": "high",
        }
        return record | empty | fields

    return make


@pytest.fixture(scope="session")
def real_texts() -> Path:
    folder = Path(os.environ.get("FIMISCOPE_TEXTS") or Path(__file__).parents[4] / "shared" / "corpora")
    if not folder.is_dir():
        pytest.skip("the real texts are not here: set FIMISCOPE_TEXTS")
    return folder
