"""The model that comes ready, as an analyst without labels, config or torch uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fimiscope.bundle import files
from fimiscope.shipped import READY

if TYPE_CHECKING:
    from conftest import Workplace

INBOX = Path(__file__).parents[2] / "data" / "sample" / "inbox"
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "peft", "mlflow", "datasets", "sklearn", "onnxscript"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Absent())
from fimiscope.cli import main
sys.argv[0] = "fimiscope"
main()
"""


def verdicts(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def scored(workplace: Workplace) -> list[dict[str, Any]]:
    """The sample inbox, scored without a model given, on a machine that has none of the training libraries."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "predict", str(INBOX), "--output", "ready.jsonl"],
        cwd=workplace.folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert READY in done.stdout
    return verdicts(workplace.folder / "ready.jsonl")


@pytest.fixture(scope="module")
def built(scored: list[dict[str, Any]]) -> Path:
    """The folder in the cache in which the bundle was built."""
    [folder] = (Path(os.environ["FIMISCOPE_CACHE"]) / "models").iterdir()
    return folder


def test_articles_are_scored_with_no_model_given(scored: list[dict[str, Any]]) -> None:
    assert {row["model"]["name"] for row in scored} == {READY}
    assert any(row["flag"] for row in scored)
    assert any(row["flag"] is False for row in scored)
    assert all(row["evidence"] for row in scored if row["flag"])


def test_the_repost_of_the_inbox_is_flagged_with_the_sentence_that_tells(scored: list[dict[str, Any]]) -> None:
    [repost] = [row for row in scored if row["id"].startswith("repost-")]
    assert repost["flag"]
    assert any("false stories" in one["text"] for one in repost["evidence"])


def test_the_bundle_is_built_once_and_anew_where_it_is_damaged(
    workplace: Workplace, scored: list[dict[str, Any]], built: Path
) -> None:
    made = (built / files.MANIFEST).stat().st_mtime_ns
    workplace.run("explain", INBOX / "repost-niger-troops.txt")
    assert (built / files.MANIFEST).stat().st_mtime_ns == made
    (built / files.DECISIONS).write_text("{}")
    workplace.run("predict", INBOX, "--output", "again.jsonl", code=3)
    assert (built / files.MANIFEST).stat().st_mtime_ns != made
    assert verdicts(workplace.folder / "again.jsonl") == scored


def test_it_travels_as_one_file(workplace: Workplace, scored: list[dict[str, Any]]) -> None:
    packed = workplace.run("bundle", "pack", "--output", "ready.zip")
    assert "sha256" in packed.stdout
    workplace.run("bundle", "unpack", "ready.zip", "--into", "elsewhere")
    workplace.run("predict", INBOX, "--model", f"elsewhere/{READY}", "--output", "carried.jsonl", code=3)
    assert verdicts(workplace.folder / "carried.jsonl") == scored
    (workplace.folder / "ready.zip").write_bytes((workplace.folder / "ready.zip").read_bytes()[:-100])
    assert "damaged; copy it again" in workplace.refusal("bundle", "unpack", "ready.zip")
