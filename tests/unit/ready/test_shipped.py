"""The model that comes ready, as the package carries it."""

from __future__ import annotations

import json

from fimiscope.bundle import files
from fimiscope.codebook import Codebook
from fimiscope.ready.delta import DELTA
from fimiscope.shipped import READY, shipped


def test_the_shipped_delta_is_whole_small_and_without_words_of_texts() -> None:
    folder = shipped(f"ready/{READY}")
    document = json.loads((folder / DELTA).read_text(encoding="utf-8"))
    assert set(document["files"]) == {path.name for path in folder.iterdir()} - {DELTA}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    assert {path.suffix for path in folder.iterdir()} <= {".safetensors", ".json", ".yaml", ".md"}
    assert "must not" in (folder / files.CARD).read_text(encoding="utf-8")


def test_the_shipped_delta_has_the_shipped_codebook(codebook: Codebook) -> None:
    assert Codebook.load(shipped(f"ready/{READY}") / files.CODEBOOK) == codebook
