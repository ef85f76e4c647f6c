"""The shipped quickstart, trained whole, on dirty re-posts that it never saw. Several seeds: one can be luck."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Workplace

ROOT = Path(__file__).parents[2]
REPOST = ROOT / "data" / "sample" / "inbox" / "repost-niger-troops.txt"
TELLING = ("false stories", "operations of information")
TRAINING = 1200

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [13, 14, 15])]


@pytest.fixture
def quickstart(workplace: Workplace, seed: int) -> Path:
    """Folder of the bundle, trained once a seed."""
    folder = workplace.folder / f"quickstart-{seed}" / "quickstart"
    if not folder.exists():
        config = ROOT / "configs" / "quickstart.yaml"
        workplace.run("train", config, "--set", f"seed={seed}", "--models", folder.parent, limit=TRAINING)
    return folder


def test_the_repost_of_the_inbox_is_recognised_as_a_report_with_its_evidence(
    workplace: Workplace, quickstart: Path
) -> None:
    workplace.run("predict", REPOST, "--model", quickstart, "--output", "repost.jsonl")
    verdict = json.loads((workplace.folder / "repost.jsonl").read_text(encoding="utf-8"))
    assert verdict["role_label"] == "reports"
    assert verdict["actors"]["russia"] >= 0.5
    assert verdict["actors"]["china"] >= 0.5
    assert verdict["africa"] >= 0.5
    assert verdict["flag"] is True or verdict["status"] == "abstained"
    text = REPOST.read_text(encoding="utf-8")
    places = [text.index(words) for words in TELLING]
    role = [piece for piece in verdict["evidence"] if piece["head"] == "role"]
    assert any(piece["start"] <= place < piece["end"] for piece in role for place in places)


def test_reposts_are_told_from_their_look_alikes(workplace: Workplace, quickstart: Path) -> None:
    done = workplace.run("evaluate", "--contrast", "--model", quickstart, "--json", limit=TRAINING)
    figures = json.loads(done.stdout)["quickstart"]
    assert figures["contrast/reposts"] >= 10 / 12
    assert figures["contrast/lookalikes_flagged"] <= 2 / 12
